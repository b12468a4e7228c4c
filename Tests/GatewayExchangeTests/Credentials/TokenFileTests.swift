import GatewayExchange
import GatewayModel
import Glibc
import ReactorCore
import TestSupport
import Testing

@Suite struct TokenFileTests {
    private static let identity = SHA256Digest(of: ByteSlice("me" as StaticString))
    private static let token = AccessToken(
        secret: Secret("a\"b\\c"), createdAt: 1000, expiresAt: 2000, apiHost: "[::1]:8443")
    private let directory = TestDirectory()

    private func file(_ identity: SHA256Digest = TokenFileTests.identity) -> TokenFile {
        TokenFile(directory: directory.path, name: "t.json", identity: identity)
    }

    private func write(_ token: AccessToken = TokenFileTests.token) {
        let file = file()
        #expect(file.lock() == .taken)
        #expect(file.write(token) == nil)
    }

    private func mode(_ name: String) -> mode_t? {
        var status = stat()
        return stat(directory.path(of: name), &status) == 0 ? status.st_mode & 0o777 : nil
    }

    @Test func keepsAToken() {
        #expect(file().read() == nil)
        write()
        #expect(file().read() == Self.token)
        let other = AccessToken(secret: Secret("x"), createdAt: 1, expiresAt: 2)
        write(other)
        #expect(file().read() == other)
        #expect(mode("t.json") == 0o600)
        #expect(mode("t.json.lock") == 0o600)
        #expect(mode("t.json.new") == nil)
    }

    @Test func saysWhatItHolds() {
        write(AccessToken(secret: Secret("x"), createdAt: 1, expiresAt: 2))
        #expect(
            directory.read("t.json") == #"{"access_token":"x","created_at":1,"expires_at":2,"#
                + "\"identity\":\"\(Self.identity)\"}\n")
    }

    @Test func anothersTokenIsIgnored() {
        write()
        #expect(file(SHA256Digest(of: ByteSlice("you" as StaticString))).read() == nil)
    }

    @Test(arguments: [0o640, 0o604, 0o620, 0o777] as [mode_t])
    func aFileThatOthersCanSeeIsIgnored(mode: mode_t) {
        write()
        chmod(directory.path(of: "t.json"), mode)
        #expect(file().read() == nil)
        write()
        #expect(file().read() == Self.token)
        #expect(self.mode("t.json") == 0o600)
    }

    @Test func whatIsNoFileIsIgnored() {
        write()
        rename(directory.path(of: "t.json"), directory.path(of: "elsewhere"))
        symlink(directory.path(of: "elsewhere"), directory.path(of: "t.json"))
        #expect(file().read() == nil)
        unlink(directory.path(of: "t.json"))
        mkfifo(directory.path(of: "t.json"), 0o600)
        #expect(file().read() == nil)
        write()
        #expect(file().read() == Self.token)
    }

    @Test func brokenFilesAreIgnoredAndRewritten() {
        write()
        let whole = directory.read("t.json")
        for cut in 0..<(whole.utf8.count - 1) {
            directory.write("t.json", String(whole.prefix(cut)))
            #expect(file().read() == nil, "\(cut)")
        }
        var random = SeededRandom(seed: 3)
        for _ in 0..<2000 {
            var bytes = Array(whole.utf8)
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(random.next() % 128)
            directory.write("t.json", String(decoding: bytes, as: UTF8.self))
            guard let token = file().read() else { continue }
            #expect(token.secret.withBytes { $0.raw.allSatisfy(ASCII.isVisible) })
            #expect(token.createdAt <= token.expiresAt)
        }
        directory.write("t.json", String(repeating: " ", count: 300_000))
        #expect(file().read() == nil)
        write()
        #expect(file().read() == Self.token)
    }

    @Test(
        arguments: [
            #""access_token":"a b","created_at":1,"expires_at":2"#,
            #""access_token":"","created_at":1,"expires_at":2"#,
            #""access_token":"a","created_at":3,"expires_at":2"#,
            #""access_token":"a","created_at":1,"expires_at":9223372036854775807"#,
            #""access_token":"a","created_at":-1,"expires_at":2"#,
            #""access_token":"a","created_at":1,"expires_at":2,"api_host":"a b""#,
            #""access_token":"a","created_at":1,"expires_at":2,"api_host":"a/b""#,
            #""access_token":"a","created_at":1"#,
        ])
    func sensesNonsense(members: String) {
        directory.write("t.json", #"{\#(members),"identity":"\#(Self.identity)"}"#)
        #expect(file().read() == nil)
    }

    /// A process that dies between writing and renaming has done no harm.
    @Test func deathBetweenTheTwoStepsLeavesTheOldToken() {
        write()
        do {
            let dying = file()
            #expect(dying.lock() == .taken)
            #expect(
                dying.writeAside(AccessToken(secret: Secret("n"), createdAt: 5, expiresAt: 6))
                    == nil)
            #expect(mode("t.json.new") == 0o600)
        }
        #expect(file().read() == Self.token)
        directory.write("t.json.new", "half of it")
        let next = AccessToken(secret: Secret("next"), createdAt: 7, expiresAt: 8)
        write(next)
        #expect(file().read() == next)
        #expect(mode("t.json.new") == nil)
    }

    @Test func oneHoldsTheLock() {
        let first = file()
        let second = file()
        #expect(first.lock() == .taken)
        #expect(first.isLocked)
        #expect(second.lock() == .busy)
        #expect(!second.isLocked)
        first.unlock()
        #expect(second.lock() == .taken)
        #expect(first.lock() == .busy)
    }

    /// The kernel gives the lock back when its holder is killed.
    @Test func aKilledHolderHoldsNothing() {
        let path = directory.path(of: "t.json.lock")
        var process = pid_t()
        // `flock` of util-linux holds the lock while the program that it starts runs without it.
        let words = ["flock", "-n", "-o", path, "sleep", "5"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        guard posix_spawnp(&process, "flock", nil, nil, &arguments, environ) == 0 else { return }
        let other = file()
        var isBusy = false
        for _ in 0..<200 where !isBusy {
            usleep(10_000)
            isBusy = other.lock() == .busy
            other.unlock()
        }
        #expect(isBusy)
        kill(process, SIGKILL)
        var status: Int32 = 0
        waitpid(process, &status, 0)
        #expect(other.lock() == .taken)
    }

    @Test func withoutADirectoryThereIsNoLock() {
        let lost = TokenFile(
            directory: directory.path(of: "none"), name: "t", identity: Self.identity)
        #expect(lost.lock() == .unavailable("No such file or directory"))
        #expect(lost.read() == nil)
    }
}
