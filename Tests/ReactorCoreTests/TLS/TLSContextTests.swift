import ReactorCore
import TestSupport
import Testing

@Suite struct TLSContextTests {
    private let authority = TestAuthority()

    private func failure(_ identity: TLSIdentity) -> TLSSettingsFailure? {
        do {
            _ = try TLSContext(server: TLSServerSettings(identity: identity))
            return nil
        } catch { return error }
    }

    private func failure(
        _ change: (inout TLSClientSettings) -> Void
    ) -> TLSSettingsFailure? {
        var settings = TLSClientSettings()
        change(&settings)
        do {
            _ = try TLSContext(client: settings)
            return nil
        } catch { return error }
    }

    @Test func namesTheFileAndTheReason() {
        let good = authority.issue()
        let other = authority.issue()
        let locked = authority.issue(passphrase: "secret words")
        let missing = authority.directory.path(of: "missing.pem")
        let text = authority.directory.write("text.pem", "not a certificate\n")
        #expect(failure(good) == nil)

        var identity = good
        identity.certificateFile = missing
        #expect(failure(identity)?.file == missing)
        #expect(
            failure(identity)?.description
                == "\(missing): no certificate can be read from it (No such file or directory)")
        identity.certificateFile = text
        #expect(failure(identity)?.description.hasPrefix("\(text): no certificate") == true)

        identity = good
        identity.privateKeyFile = missing
        #expect(
            failure(identity)?.description
                == "\(missing): no private key can be read from it (No such file or directory)")
        identity.privateKeyFile = other.privateKeyFile
        #expect(failure(identity)?.file == other.privateKeyFile)
        #expect(failure(identity)?.reason.contains("does not belong") == true)
        identity.privateKeyFile = good.certificateFile
        #expect(failure(identity)?.reason.contains("no private key can be read") == true)

        #expect(failure(locked)?.file == locked.privateKeyFile)
        #expect(failure(locked)?.reason.contains("encrypted") == true)
        #expect(failure(locked)?.description.contains("secret") == false)
    }

    @Test func checksClientSettings() {
        let text = authority.directory.write("text.pem", "not a certificate\n")
        #expect(failure { _ in } == nil)
        #expect(failure { $0.caFile = authority.certificateFile } == nil)
        #expect(failure { $0.caFile = text }?.file == text)
        #expect(failure { $0.caFile = "/nonexistent" }?.file == "/nonexistent")
        #expect(failure { $0.identity = authority.issue() } == nil)
        #expect(failure { $0.alpn = [""] } != nil)
        #expect(failure { $0.alpn = [String(repeating: "a", count: 256)] } != nil)
        #expect(failure { $0.alpn = [String(repeating: "a", count: 255)] } == nil)
        #expect(failure { ($0.minVersion, $0.maxVersion) = (.tls13, .tls12) } != nil)
    }

    @Test func aFailureLeavesTheNextContextAlone() throws {
        #expect(failure { $0.caFile = "/nonexistent" } != nil)
        let (client, server) = try TLSPair().connected()
        try client.write("fine")
        pump(client, server)
        #expect(server.text == "fine")
    }
}
