import GatewayCodec
import GatewayModel
import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct TokenReportTests {
    private func token(_ createdAt: Int, _ expiresAt: Int) -> AccessToken {
        AccessToken(secret: Secret("never-shown"), createdAt: createdAt, expiresAt: expiresAt)
    }

    @Test func states() {
        let none = TokenReport(provider: "p", token: nil, now: 100)
        #expect(none.text == "p: no token")
        let valid = TokenReport(provider: "p", token: token(40, 3700), now: 100)
        #expect(valid.text == "p: valid for 1 h 0 min, obtained 1 min 0 s ago")
        let expired = TokenReport(provider: "p", token: token(0, 100), now: 100, failure: "why")
        #expect(expired.text == "p: expired 0 s ago; why")
        #expect(expired.state == .expired)
    }

    @Test func asJSONWithoutTheToken() throws {
        var buffer = ByteBuffer()
        buffer.writeJSON {
            TokenReport(provider: "p", token: token(0, 150), now: 100, failure: "f").write(&$0)
        }
        #expect(
            buffer.string
                == #"{"provider":"p","state":"valid","age_seconds":100,"expires_in_seconds":50,"#
                + #""failure":"f"}"#)
    }
}
