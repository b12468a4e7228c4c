import GatewayExchange
import Glibc
import TestSupport
import Testing

@Suite struct StateDirectoryTests {
    @Test(
        arguments: [
            (["STATE_DIR": "/a", "XDG_STATE_HOME": "/b", "HOME": "/c"], "/a"),
            (["STATE_DIR": "", "XDG_STATE_HOME": "/b", "HOME": "/c"], "/b/gateway"),
            (["XDG_STATE_HOME": "b", "HOME": "/c"], "/c/.local/state/gateway"),
            (["HOME": "c"], nil), ([:], nil),
        ] as [([String: String], String?)])
    func isNamedByTheEnvironment(variables: [String: String], path: String?) {
        #expect(StateDirectory.path { variables[$0] } == path)
    }

    @Test func isMadeForNobodyElse() throws {
        let root = TestDirectory()
        let path = root.path + "/a/b"
        try StateDirectory.prepare(path)
        try StateDirectory.prepare(path)
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o700)
        chmod(path, 0o770)
        #expect(throws: StateDirectoryFailure.self) { try StateDirectory.prepare(path) }
        rmdir(path)
        rmdir(root.path + "/a")
    }

    @Test func whatIsNoDirectoryIsRefused() {
        let root = TestDirectory()
        let file = root.write("file", "x")
        #expect(throws: StateDirectoryFailure.self) { try StateDirectory.prepare(file) }
        #expect(throws: StateDirectoryFailure.self) { try StateDirectory.prepare(file + "/below") }
    }
}
