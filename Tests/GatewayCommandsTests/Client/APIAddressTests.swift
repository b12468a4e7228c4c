import GatewayConfig
import GatewayModel
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct APIAddressTests {
    @Test(arguments: [
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000/v1"),
        ("https://api.example/", "https://api.example/v1"),
        ("https://api.example/openai", "https://api.example/openai"),
    ])
    func theUsualPathIsAdded(text: String, url: String) throws {
        #expect(try APIAddress.parse(text).url.description == url)
    }

    @Test func nonsenseIsRefused() {
        #expect(throws: Refusal.self) { try APIAddress.parse("api.example") }
    }

    @Test func ownGatewayIsReachedOnThisMachine() {
        var configuration = Configuration()
        #expect(APIAddress.own(configuration).url.description == "http://127.0.0.1:8000/v1")
        #expect(APIAddress.own(configuration).root.url.description == "http://127.0.0.1:8000")
        configuration.server.host = "0.0.0.0"
        configuration.server.port = 6666
        configuration.server.tls = ServerTLSConfiguration()
        #expect(APIAddress.own(configuration).url.description == "https://127.0.0.1:6666/v1")
        #expect(!APIAddress.own(configuration).verifiesTLS)
        configuration.server.host = "::"
        #expect(APIAddress.own(configuration).url.description == "https://[::1]:6666/v1")
        configuration.server.host = "10.0.0.5"
        #expect(APIAddress.own(configuration).verifiesTLS)
    }

    @Test func anAdministratorsKeyComesFirst() {
        var configuration = Configuration()
        var hashed = KeyConfiguration()
        hashed.sha256 = [UInt8](repeating: 0, count: 32)
        hashed.isAdmin = true
        var plain = KeyConfiguration()
        plain.key = Secret("one")
        var admin = KeyConfiguration()
        admin.key = Secret("two")
        admin.isAdmin = true
        configuration.auth.keys = [hashed, plain]
        #expect(APIAddress.own(configuration).key == Secret("one"))
        configuration.auth.keys = [hashed, plain, admin]
        #expect(APIAddress.own(configuration).key == Secret("two"))
        configuration.auth.keys = [hashed]
        #expect(APIAddress.own(configuration).key == nil)
    }

    @Test(arguments: [
        (#"{"error":{"message":"no such model"}}"#, "HTTP 404: no such model"),
        (#"{"error":"no"}"#, "HTTP 404: no"), (#"{"message":"gone"}"#, "HTTP 404: gone"),
        ("<html>", "HTTP 404"), ("", "HTTP 404"), (#"{"error":{}}"#, "HTTP 404"),
    ])
    func theServersWordsAreFound(body: String, message: String) {
        #expect(
            body.withByteSlice { APIAddress.message(ofError: $0, status: 404) } == message)
    }
}
