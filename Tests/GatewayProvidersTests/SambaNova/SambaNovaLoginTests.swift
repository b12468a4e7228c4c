import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import Testing

@Suite struct SambaNovaLoginTests {
    private static let settings =
        #"{"clientId":"c 1","issuerBaseUrl":"auth0.sambanova.ai","#
        + #""redirectURL":"https://cloud.sambanova.ai/web/auth/callback"}"#
    /// 32 bytes of 7, as text.
    private static let state = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"
    private static let location =
        "https://cloud.sambanova.ai/web/auth/callback?code=c%2Fode&state=\(state)"

    private func login(lifetimeMax: Int = 604_800) -> GrantTalk {
        GrantTalk(
            .sambaNova(
                SambaNovaLogin(
                    email: "me@example.com", password: Secret("pass\"word"),
                    lifetimeMax: lifetimeMax)))
    }

    /// A log-in that has come so far.
    private func login(after steps: Int, lifetimeMax: Int = 604_800) -> GrantTalk {
        var talk = login(lifetimeMax: lifetimeMax)
        if steps > 0 { talk.answer(200, Self.settings, [("set-cookie", "site=1; Path=/")]) }
        if steps > 1 {
            talk.answer(
                200, #"{"login_ticket":"t-1","co_id":"x"}"#,
                [("set-cookie", "auth0=a1; HttpOnly"), ("set-cookie", "did=d1; Secure")])
        }
        if steps > 2 { talk.answer(302, "", [("location", Self.location)]) }
        return talk
    }

    @Test func walksTheFourSteps() throws {
        var talk = login(after: 3)
        #expect(talk.sent.count == 4)
        #expect(
            talk.sent.map(\.host).joined(separator: " ")
                == [
                    "cloud.sambanova.ai", "auth0.sambanova.ai", "auth0.sambanova.ai",
                    "cloud.sambanova.ai",
                ].joined(separator: " "))
        #expect(talk.sent.allSatisfy { $0.usesTLS && $0.port == 443 })
        #expect(talk.sent[0].target.text == "/api/config")
        #expect(talk.sent[1].target.text == "/co/authenticate")
        #expect(
            talk.sent[1].body.text == #"{"client_id":"c 1","username":"me@example.com","#
                + #""password":"pass\"word","realm":"Username-Password-Authentication","#
                + #""credential_type":"http://auth0.com/oauth/grant-type/password-realm"}"#)
        let query = talk.sent[2].target.text
        for part in [
            "/authorize?client_id=c%201&", "&response_type=code&",
            "&redirect_uri=https%3A%2F%2Fcloud.sambanova.ai%2Fweb%2Fauth%2Fcallback&",
            "&scope=openid%20profile%20email&", "&nonce=\(Self.state)&", "&state=\(Self.state)&",
            "&login_ticket=t-1&", "&auth0Client=eyJ",
        ] { #expect(query.contains(part), "\(part)") }
        #expect(
            talk.sent[3].target.text
                == "/web/auth/callback?code=c%2Fode&state=\(Self.state)")
        func cookie(_ index: Int) -> String? {
            talk.sent[index].fields.first { ByteSlice($0.name) == "cookie" }?.value.text
        }
        #expect(cookie(0) == nil)
        #expect(cookie(1) == nil)
        #expect(cookie(2) == "auth0=a1; did=d1")
        #expect(cookie(3) == "nonce=\(Self.state); site=1")
        let secret = webToken(#"{"exp":\#(GrantTalk.now + 5000)}"#)
        talk.answer(
            302, "",
            [
                ("set-cookie", "access_token=\(secret); Path=/; Secure; Max-Age=99"),
                ("location", "/"),
            ])
        #expect(
            talk.token
                == AccessToken(
                    secret: Secret(secret), createdAt: GrantTalk.now,
                    expiresAt: GrantTalk.now + 5000))
    }

    @Test(
        arguments: [
            ("access_token=a; Max-Age=100", 100),
            ("access_token=a; Expires=Thu, 01 Jan 2026 00:05:00 GMT", 300),
            ("access_token=a; Max-Age=5000; Expires=Thu, 01 Jan 2026 00:05:00 GMT", 1000),
            ("access_token=a", 1000), ("access_token=a; Max-Age=x", 1000),
        ])
    func findsTheLifetime(cookie: String, lifetime: Int) {
        var talk = login(after: 3, lifetimeMax: 1000)
        talk.answer(200, "", [("set-cookie", cookie)])
        #expect(talk.token?.lifetime == lifetime)
    }

    @Test func followsRedirectsWithinTheSiteOnly() {
        var talk = login(after: 3)
        for hop in ["/a?b=c", "https://cloud.sambanova.ai/d", "https://www.sambanova.ai"] {
            talk.answer(302, "", [("location", hop)])
        }
        #expect(talk.sent.dropFirst(4).map(\.target.text) == ["/a?b=c", "/d", "/"])
        #expect(talk.sent.last?.host == "www.sambanova.ai")
        talk.answer(302, "", [("location", "/again")])
        #expect(talk.failure?.kind == .malformed)
        for hop in [
            "https://evil.example/x", "//evil.example/x", "http://cloud.sambanova.ai/x",
            "https://sambanova.ai.evil.example/", "https://evilsambanova.ai/", "javascript:x",
        ] {
            var talk = login(after: 3)
            talk.answer(302, "", [("location", hop)])
            #expect(talk.failure?.kind == .malformed, "\(hop)")
        }
    }

    @Test(
        arguments: [
            #""issuerBaseUrl":"evil.example","redirectURL":"https://cloud.sambanova.ai/c""#,
            #""issuerBaseUrl":"http://auth0.sambanova.ai","redirectURL":"https://cloud.sambanova.ai/c""#,
            #""issuerBaseUrl":"auth0.sambanova.ai","redirectURL":"https://evil.example/c""#,
            #""issuerBaseUrl":"a@sambanova.ai","redirectURL":"https://cloud.sambanova.ai/c""#,
            #""issuerBaseUrl":"127.0.0.1","redirectURL":"https://cloud.sambanova.ai/c""#,
            #""issuerBaseUrl":"localhost:7","redirectURL":"https://cloud.sambanova.ai/c""#,
            #""issuerBaseUrl":"auth0.sambanova.ai""#,
        ])
    func sendsThePasswordToTheSiteOnly(members: String) {
        var talk = login()
        talk.answer(200, #"{"clientId":"c",\#(members)}"#)
        #expect(talk.sent.count == 1)
        #expect(talk.failure?.kind == .malformed)
    }

    @Test func comparesTheState() {
        for state in ["", "x", String(Self.state.dropLast()) + "A"] {
            var talk = login(after: 2)
            talk.answer(
                302, "", [("location", "https://cloud.sambanova.ai/c?code=1&state=\(state)")])
            #expect(talk.failure?.reason.contains("another state") == true)
        }
    }

    @Test func eachLogInHasRandomWordsOfItsOwn() {
        let other = GrantTalk(
            .sambaNova(SambaNovaLogin(email: "a", password: Secret("b"))), random: 9)
        var first = other
        first.answer(200, Self.settings)
        first.answer(200, #"{"login_ticket":"t"}"#)
        #expect(first.sent.last?.target.text.contains(Self.state) == false)
    }

    @Test func aWrongPasswordIsFinalAndNotRepeated() {
        for status in [400, 401, 403, 429] {
            var talk = login(after: 1)
            talk.answer(
                status,
                #"{"error":"access_denied","error_description":"pass\"word of me@example.com"}"#)
            #expect(talk.failure?.kind == .refused)
            #expect(talk.failure?.reason.contains("access_denied: *** of ***") == true)
        }
    }

    @Test func stepsThatLackTheirAnswerFail() {
        var talk = login(after: 1)
        talk.answer(200, #"{"co_id":"x"}"#)
        #expect(talk.failure?.reason == "auth0.sambanova.ai answered without 'login_ticket'")
        talk = login(after: 2)
        talk.answer(200, "<html>captcha")
        #expect(talk.failure?.kind == .malformed)
        talk = login(after: 2)
        talk.answer(302, "", [("location", "https://cloud.sambanova.ai/c?state=\(Self.state)")])
        #expect(talk.failure?.reason.contains("without a code") == true)
        talk = login(after: 2)
        talk.answer(
            302, "",
            [("location", "https://x/?error=unauthorized&error_description=user%20is%20blocked")])
        #expect(talk.failure?.kind == .refused)
        #expect(talk.failure?.reason.hasSuffix("unauthorized: user is blocked") == true)
        talk = login(after: 3)
        talk.answer(200, "", [("set-cookie", "session=1")])
        #expect(talk.failure?.reason.contains("without the session's cookie") == true)
        talk = login(after: 0)
        talk.answer(503, "")
        #expect(talk.failure?.isFinal == false)
    }

    @Test func beginsAnewWithAnEmptyJar() {
        var talk = login(after: 3)
        let random = [UInt8](repeating: 1, count: 64)
        let step = random.withUnsafeBytes {
            talk.grant.begin(now: GrantTalk.now, random: ByteSlice($0))
        }
        guard case .send(let request) = step else {
            Issue.record("no request")
            return
        }
        #expect(!request.fields.contains { ByteSlice($0.name) == "cookie" })
    }
}
