import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct GoogleCredentialsTests {
    private func reason(_ text: String) -> String {
        do throws(GoogleCredentialsFailure) {
            _ = try GoogleGrantTests.credentials(text)
            return "-"
        } catch {
            return error.description
        }
    }

    @Test(
        arguments: [
            ("", "is not JSON"), ("{}", "has no 'type'"), ("[]", "has no 'type'"),
            (#"{"type":"external_account"}"#, "is neither of type 'service_account'"),
            (#"{"type":"service_account"}"#, "has no 'private_key'"),
            (#"{"type":"service_account","private_key":"x"}"#, "no private key in PEM form"),
            (#"{"type":"authorized_user","client_id":"a"}"#, "has no 'client_secret'"),
            (
                #"{"type":"authorized_user","client_id":"a","client_secret":"b"}"#,
                "has no 'refresh_token'"
            ),
        ])
    func saysWhatIsMissing(text: String, expected: String) {
        #expect(reason(text).contains(expected), "\(reason(text))")
    }

    @Test(arguments: ["http://oauth2.googleapis.com/token", "token", "https://", "https://a?b=c"])
    func sendsNothingInTheOpen(uri: String) {
        #expect(
            reason(GoogleGrantTests.serviceAccountFile(tokenURI: uri))
                == "has a 'token_uri' that is no https URL")
    }

    @Test func aLocalEndpointMayBePlain() {
        #expect(
            reason(GoogleGrantTests.serviceAccountFile(tokenURI: "http://127.0.0.1:8080/t")) == "-")
    }

    @Test func cutFilesAreRefusedWithoutAWordOfThem() {
        let file = GoogleGrantTests.serviceAccountFile()
        for cut in 0..<file.utf8.count {
            let text = reason(String(decoding: Array(file.utf8).prefix(cut), as: UTF8.self))
            #expect(text.hasPrefix("is not JSON: "))
            #expect(text.utf8.count < 100)
        }
    }
}
