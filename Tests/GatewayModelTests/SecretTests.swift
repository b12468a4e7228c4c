import GatewayModel
import ReactorCore
import Testing

@Suite struct SecretTests {
    private struct Credential {
        var name: String
        var secret: Secret
    }

    @Test func neverPrints() {
        let credential = Credential(name: "a", secret: Secret("sk-very-secret"))
        var dumped = ""
        dump(credential, to: &dumped)
        for text in [
            "\(credential)", "\(credential.secret)", String(reflecting: credential), dumped,
            String(describing: [credential.secret]), "\(Optional(credential.secret) as Any)",
        ] {
            #expect(!text.contains("sk-"), "\(text)")
            // As numbers, a dump would betray it just as well.
            #expect(!text.contains("115"), "\(text)")
        }
        #expect("\(credential.secret)" == "***")
    }

    @Test func givesItsBytesToWhoAsks() {
        let text = Secret("sk-é").withBytes { $0.string }
        #expect(text == "sk-é")
        let empty = Secret("").isEmpty
        #expect(empty)
        #expect(Secret("a") != Secret("b"))
    }
}
