import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct SalesforceGrantTests {
    private static let instance = TokenEndpoint(
        usesTLS: true, host: "acme.my.salesforce.com", port: 443, path: "/ignored")

    private func bySecret(lifetimeDefault: Int = SalesforceGrant.lifetimeDefault) -> GrantTalk {
        GrantTalk(
            .salesforce(
                SalesforceGrant(
                    instance: Self.instance, clientID: "consumer key&1",
                    proof: .clientSecret(Secret("top+secret=1")),
                    lifetimeDefault: lifetimeDefault)))
    }

    private func byKey(host: String = "acme.my.salesforce.com") throws -> GrantTalk {
        let instance = TokenEndpoint(usesTLS: true, host: host, port: 443, path: "")
        return GrantTalk(
            .salesforce(
                SalesforceGrant(
                    instance: instance, clientID: "consumer",
                    proof: .signedAssertion(
                        username: "bot@acme.com", signer: try GrantTalk.key.signer))))
    }

    @Test func asksByClientCredentials() {
        let talk = bySecret()
        let body =
            "grant_type=client_credentials&client_id=consumer%20key%261"
            + "&client_secret=top%2Bsecret%3D1"
        #expect(
            talk.wire == """
                POST /services/oauth2/token HTTP/1.1\r
                host: acme.my.salesforce.com\r
                content-type: application/x-www-form-urlencoded\r
                accept: application/json\r
                user-agent: test\r
                accept-encoding: identity\r
                content-length: \(body.utf8.count)\r
                \r
                \(body)
                """)
        #expect(talk.sent.first?.usesTLS == true)
    }

    @Test func signsAnAssertion() throws {
        let talk = try byKey()
        let body = try #require(talk.sent.first?.body.text)
        let prefix =
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion="
        #expect(body.hasPrefix(prefix))
        #expect(!body.contains("client_secret"))
        let assertion = String(body.dropFirst(prefix.utf8.count))
        let (header, claims, signature) = try #require(parts(of: assertion))
        #expect(header == #"{"alg":"RS256","typ":"JWT"}"#)
        #expect(
            claims == #"{"iss":"consumer","sub":"bot@acme.com","#
                + #""aud":"https://login.salesforce.com","exp":1767225780}"#)
        let signed = assertion.split(separator: ".").dropLast().joined(separator: ".")
        #expect(GrantTalk.key.verifies(signature, of: signed))
    }

    @Test(
        arguments: [
            "acme--dev.sandbox.my.salesforce.com", "acme--dev.my.salesforce.com",
        ])
    func aSandboxHasAnAudienceOfItsOwn(host: String) throws {
        let body = try #require(try byKey(host: host).sent.first?.body.text)
        let claims = parts(of: String(body.split(separator: "=").last ?? ""))?.claims
        #expect(claims?.contains(#""aud":"https://test.salesforce.com""#) == true)
    }

    @Test func readsTheLifetimeFromTheToken() {
        var talk = bySecret()
        let secret = webToken(#"{"sub":"x","exp":\#(GrantTalk.now + 1800)}"#)
        talk.answer(
            200,
            #"{"access_token":"\#(secret)","signature":"x9Qm=","token_format":"jwt","#
                + #""instance_url":"https://acme.my.salesforce.com","token_type":"Bearer","#
                + #""issued_at":"1","api_instance_url":"https://api.gov.salesforce.com"}"#)
        #expect(
            talk.token
                == AccessToken(
                    secret: Secret(secret), createdAt: GrantTalk.now,
                    expiresAt: GrantTalk.now + 1800, apiHost: "api.gov.salesforce.com"))
    }

    @Test func reckonsTheLifetimeByTheServersClock() {
        // Our clock is an hour ahead.
        let theirs = GrantTalk.now - 3600
        var date = ByteBuffer()
        HTTPDate.append(secondsSince1970: theirs, to: &date)
        var talk = bySecret()
        talk.answer(
            200, #"{"access_token":"\#(webToken(#"{"exp":\#(theirs + 900)}"#))"}"#,
            [("Date", date.string)])
        #expect(talk.token?.expiresAt == GrantTalk.now + 900)
    }

    @Test func fallsBackToTheTimeOfIssue() {
        var talk = bySecret(lifetimeDefault: 700)
        let issued = "\(GrantTalk.now - 100)123"
        talk.answer(200, #"{"access_token":"00D!opaque","issued_at":"\#(issued)"}"#)
        #expect(talk.token?.expiresAt == GrantTalk.now + 600)
        #expect(talk.token?.apiHost == nil)
        talk = bySecret()
        talk.answer(201, #"{"access_token":"00D!opaque"}"#)
        #expect(talk.token?.expiresAt == GrantTalk.now + 1500)
    }

    @Test(
        arguments: [
            (#"{"access_token":"a b"}"#, "no header can carry"),
            (#"{"access_token":"a\r\nx: y"}"#, "no header can carry"),
            (#"{"access_token":""}"#, "without 'access_token'"),
            (#"{"access_token":17}"#, "without 'access_token'"),
            (#"["access_token"]"#, "no JSON object"),
            ("<html>", "not JSON"), ("", "not JSON"),
            (#"{"access_token":"x","api_instance_url":"http://a.b"}"#, "no https URL"),
            (#"{"access_token":"x","api_instance_url":"https://a.b@evil"}"#, "no https URL"),
            (#"{"access_token":"x","issued_at":"1000"}"#, "run out already"),
        ])
    func refusesAnswersThatMakeNoSense(body: String, reason: String) {
        var talk = bySecret()
        talk.answer(200, body)
        #expect(talk.failure?.kind == .malformed)
        #expect(talk.failure?.isFinal == true)
        #expect(talk.failure?.reason.contains(reason) == true, "\(talk.failure?.reason ?? "-")")
    }

    @Test func saysWhatTheServerSaysAndNothingOfOurs() throws {
        var talk = bySecret()
        talk.answer(
            400,
            #"{"error":"invalid_grant","error_description":"no top+secret=1\nuser enabled"}"#)
        #expect(
            talk.failure
                == TokenFailure(
                    .refused,
                    "acme.my.salesforce.com answered with status 400: invalid_grant: "
                        + "no *** user enabled"))
        var signed = try byKey()
        let assertion = try #require(signed.sent.first?.body.text.split(separator: "=").last)
        signed.answer(401, #"{"error":"invalid","error_description":"bad \#(assertion)"}"#)
        #expect(signed.failure?.reason.hasSuffix("invalid: bad ***") == true)
        talk = bySecret()
        let long = String(repeating: "é", count: 4000)
        talk.answer(403, #"{"error":"\#(long)","error_description":"\#(long)"}"#)
        #expect(talk.failure?.reason.utf8.count ?? 0 < 400)
    }

    @Test(
        arguments: [
            (400, true), (401, true), (403, true), (404, true), (302, true), (204, true),
            (408, false), (429, false), (500, false), (503, false),
        ])
    func knowsWhatIsFinal(status: Int, isFinal: Bool) {
        var talk = bySecret()
        talk.answer(status, "<html>", [("Retry-After", "17")])
        #expect(talk.failure?.isFinal == isFinal)
        if status != 302 { #expect(talk.failure?.retryAfter == 17) }
    }

    @Test func isToldFromOthersByAllThatMatters() throws {
        var hashes: Set<SHA256Digest> = []
        for host in ["a.my.salesforce.com", "b.my.salesforce.com"] {
            for client in ["1", "2"] {
                let instance = TokenEndpoint(usesTLS: true, host: host, port: 443, path: "")
                hashes.insert(
                    TokenGrant.salesforce(
                        SalesforceGrant(
                            instance: instance, clientID: client, proof: .clientSecret(Secret("s")))
                    ).identity)
                for user in ["u", "v"] {
                    hashes.insert(
                        TokenGrant.salesforce(
                            SalesforceGrant(
                                instance: instance, clientID: client,
                                proof: .signedAssertion(
                                    username: user, signer: try GrantTalk.key.signer))
                        ).identity)
                }
            }
        }
        #expect(hashes.count == 12)
    }
}
