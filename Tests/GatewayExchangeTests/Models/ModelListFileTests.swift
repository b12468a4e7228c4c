import GatewayExchange
import GatewayModel
import Glibc
import ReactorCore
import TestSupport
import Testing

@Suite struct ModelListFileTests {
    private static let identity = SHA256Digest(of: ByteSlice("me" as StaticString))
    private static let kept = KeptModelList(
        models: [
            CatalogModel(
                id: "a\"b", owner: "o", displayName: "A b", createdSeconds: 5, contextTokens: 6,
                outputTokensMax: 7),
            CatalogModel(id: "plain"),
        ], fetchedAt: 1000)
    private let directory = TestDirectory()

    private func file(_ identity: SHA256Digest = ModelListFileTests.identity) -> ModelListFile {
        ModelListFile(directory: directory.path, provider: "p", identity: identity)
    }

    private func write(_ kept: KeptModelList) {
        let file = file()
        #expect(file.lock() == .taken)
        #expect(file.write(kept) == nil)
    }

    @Test func keepsAList() {
        #expect(file().read() == nil)
        write(Self.kept)
        #expect(file().read() == Self.kept)
        var failing = Self.kept
        failing.failedAt = 2000
        write(failing)
        #expect(file().read() == failing)
        // A failure before there was a list.
        write(KeptModelList(failedAt: 3))
        #expect(file().read() == KeptModelList(failedAt: 3))
        var status = stat()
        #expect(stat(directory.path(of: "p_models.json"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
    }

    @Test func anothersListIsIgnored() {
        write(Self.kept)
        #expect(file(SHA256Digest(of: ByteSlice("you" as StaticString))).read() == nil)
    }

    @Test func oneWritesAtATime() {
        let (first, second) = (file(), file())
        #expect(first.lock() == .taken)
        #expect(second.lock() == .busy)
        first.unlock()
        #expect(second.lock() == .taken)
    }

    @Test(arguments: [
        "", "{}", "[", #"{"identity":"ID","models":[{"id":"a"}]}"#,
        #"{"identity":"ID","fetched_at":-1,"models":[]}"#,
        #"{"identity":"ID","fetched_at":9999999999999999,"models":[]}"#,
    ])
    func whatIsNotAsWeWriteItIsIgnored(text: String) {
        write(Self.kept)
        directory.write("p_models.json", text.replacing("ID", with: "\(Self.identity)"))
        chmod(directory.path(of: "p_models.json"), 0o600)
        #expect(file().read() == nil)
    }

    @Test func whatIsNoModelInItIsLeftOut() {
        write(Self.kept)
        directory.write(
            "p_models.json",
            #"{"identity":"\#(Self.identity)","fetched_at":1,"failed_at":"x","models":[{"id":"a"},{"id":""},7,{}]}"#
        )
        chmod(directory.path(of: "p_models.json"), 0o600)
        #expect(file().read() == KeptModelList(models: [CatalogModel(id: "a")], fetchedAt: 1))
    }

    @Test func aListThatIsTooLongIsNotShared() {
        let name = String(repeating: "n", count: 250)
        let many = (0..<20_000).map { CatalogModel(id: "\(name)\($0)") }
        let file = file()
        #expect(file.lock() == .taken)
        #expect(file.write(KeptModelList(models: many, fetchedAt: 1)) != nil)
        #expect(file.read() == nil)
    }

    @Test func thereIsNoLockWithoutADirectory() {
        let file = ModelListFile(
            directory: "/proc/none", provider: "p", identity: Self.identity)
        guard case .unavailable = file.lock() else {
            Issue.record("a lock where nothing can be written")
            return
        }
    }
}
