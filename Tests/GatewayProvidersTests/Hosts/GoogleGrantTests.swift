import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct GoogleGrantTests {
    static func serviceAccountFile(tokenURI: String = "https://oauth2.googleapis.com/token")
        -> String
    {
        let pem = GrantTalk.key.pem.split(separator: "\n").joined(separator: "\\n") + "\\n"
        return #"{"type":"service_account","project_id":"p-1","private_key_id":"k-1","#
            + #""private_key":"\#(pem)","client_email":"bot@p-1.iam.gserviceaccount.com","#
            + #""token_uri":"\#(tokenURI)"}"#
    }

    static let userFile =
        #"{"type":"authorized_user","client_id":"id.apps","client_secret":"s3cret-of-client","#
        + #""refresh_token":"1//refresh-token","quota_project_id":"q"}"#

    static func credentials(_ text: String) throws(GoogleCredentialsFailure) -> GoogleCredentials {
        var outcome: Result<GoogleCredentials, GoogleCredentialsFailure>?
        text.withByteSlice { bytes in
            do throws(GoogleCredentialsFailure) {
                outcome = .success(try GoogleCredentials.parse(bytes))
            } catch {
                outcome = .failure(error)
            }
        }
        guard let outcome else { preconditionFailure("not called") }
        return try outcome.get()
    }

    @Test func signsForAServiceAccount() throws {
        let credentials = try Self.credentials(Self.serviceAccountFile())
        guard case .serviceAccount(let account) = credentials else {
            Issue.record("another kind")
            return
        }
        #expect(account.projectID == "p-1")
        var talk = GrantTalk(.google(GoogleGrant(credentials)))
        #expect(talk.wire.hasPrefix("POST /token HTTP/1.1\r\nhost: oauth2.googleapis.com\r\n"))
        let body = try #require(talk.sent.first?.body.text)
        let assertion = String(body.split(separator: "=").last ?? "")
        let (header, claims, signature) = try #require(parts(of: assertion))
        #expect(header == #"{"alg":"RS256","typ":"JWT","kid":"k-1"}"#)
        #expect(
            claims == #"{"iss":"bot@p-1.iam.gserviceaccount.com","#
                + #""scope":"https://www.googleapis.com/auth/cloud-platform","#
                + #""aud":"https://oauth2.googleapis.com/token","#
                + #""iat":1767225600,"exp":1767229200}"#)
        let signed = assertion.split(separator: ".").dropLast().joined(separator: ".")
        #expect(GrantTalk.key.verifies(signature, of: signed))
        talk.answer(
            200, #"{"access_token":"ya29.abc","expires_in":3599,"token_type":"Bearer"}"#)
        #expect(
            talk.token
                == AccessToken(
                    secret: Secret("ya29.abc"), createdAt: GrantTalk.now,
                    expiresAt: GrantTalk.now + 3599))
    }

    @Test func refreshesForAUser() throws {
        var talk = GrantTalk(.google(GoogleGrant(try Self.credentials(Self.userFile))))
        #expect(
            talk.sent.first?.body.text
                == "grant_type=refresh_token&client_id=id.apps&client_secret=s3cret-of-client"
                + "&refresh_token=1%2F%2Frefresh-token")
        talk.answer(
            400,
            #"{"error":"invalid_grant","error_description":"1//refresh-token s3cret-of-client"}"#)
        #expect(talk.failure?.reason.hasSuffix("invalid_grant: *** ***") == true)
    }

    @Test func asksTheMetadataServer() {
        var talk = GrantTalk(.google(GoogleGrant()))
        #expect(
            talk.wire == """
                GET /computeMetadata/v1/instance/service-accounts/default/token HTTP/1.1\r
                host: metadata.google.internal\r
                metadata-flavor: Google\r
                user-agent: test\r
                accept-encoding: identity\r
                \r

                """)
        #expect(talk.sent.first?.usesTLS == false)
        talk.answer(200, #"{"access_token":"ya29.x","expires_in":"120"}"#)
        #expect(talk.token?.lifetime == 120)
    }

    @Test func aLifetimeIsNeverAssumed() {
        for body in [
            #"{"access_token":"a"}"#, #"{"access_token":"a","expires_in":0}"#,
            #"{"access_token":"a","expires_in":-5}"#, #"{"access_token":"a","expires_in":"soon"}"#,
            #"{"access_token":"a","expires_in":1e300}"#,
        ] {
            var talk = GrantTalk(.google(GoogleGrant()))
            talk.answer(200, body)
            #expect(talk.failure?.kind == .malformed, "\(body)")
        }
        var talk = GrantTalk(.google(GoogleGrant()))
        talk.answer(200, #"{"access_token":"a","expires_in":9223372036854775807}"#)
        #expect(talk.token?.lifetime == AccessToken.lifetimeMax)
    }
}
