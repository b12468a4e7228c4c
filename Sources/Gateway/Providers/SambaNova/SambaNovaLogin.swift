// SambaNovaLogin.swift — the session cookie of the SambaNova site, by e-mail and password as a person
// would get it: settings, ticket, code, cookie. Pure; four requests. Imported by Exchange through
// TokenGrant. Private to the site and not verified against the live service.
//
// Invariants: the password goes to the site's own domain only, over TLS wherever the site is; every
// 4xx is final, because repeated log-ins lock the account.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One log-in, from the beginning as often as it is asked.
package struct SambaNovaLogin {
    /// Random bytes that one log-in needs: a nonce and a state.
    static let randomBytesCount = 64
    /// Redirects behind the callback that are followed.
    private static let redirectCountMax = 3

    private enum Step {
        /// -> authenticating.
        case configuring
        /// -> authorizing.
        case authenticating
        /// -> calling back.
        case authorizing
        /// -> calling back on a redirect, or the end.
        case callingBack(redirects: Int)
    }

    /// The site; its path is not looked at.
    package let endpoint: TokenEndpoint
    private let email: String
    private let password: Secret
    private let lifetimeMax: Int

    private var step = Step.configuring
    private var cookies = SambaNovaCookies()
    private var nonce = ""
    private var state = ""
    private var clientID = ""
    private var ticket = Secret("")
    private var issuer: TokenEndpoint
    private var callback: TokenEndpoint
    /// Where the last request went.
    private var current: TokenEndpoint

    /// - Parameter lifetimeMax: seconds after which a cookie is not used any more, whatever it says.
    package init(
        site: TokenEndpoint = TokenEndpoint(
            usesTLS: true, host: "\(SambaNovaLoginWire.host)", port: 443, path: ""),
        email: String, password: Secret, lifetimeMax: Int = 604_800
    ) {
        endpoint = TokenEndpoint(usesTLS: site.usesTLS, host: site.host, port: site.port, path: "")
        self.email = email
        self.password = password
        self.lifetimeMax = lifetimeMax
        issuer = endpoint
        callback = endpoint
        current = endpoint
    }

    /// What tells this credential from others.
    var identity: [String] { ["sambanova-web", endpoint.url, email] }

    // MARK: 1, settings

    /// - Parameter random: `randomBytesCount` bytes that nobody can foretell.
    mutating func begin(random: ByteSlice) -> TokenStep {
        cookies = SambaNovaCookies()
        nonce = Self.text(random.prefix(32))
        state = Self.text(random[32..<64])
        step = .configuring
        return .send(get(endpoint, Secret("\(SambaNovaLoginWire.configPath)")))
    }

    mutating func answered(
        status: Int, fields: TokenFields, body: ByteSlice, now: Int
    ) -> TokenStep {
        for line in fields.all("set-cookie") {
            if let cookie = SambaNovaCookie(line, from: current.host) { cookies.add(cookie) }
        }
        do throws(TokenFailure) {
            switch step {
            case .configuring: return try configured(status, fields, body)
            case .authenticating: return try authenticated(status, fields, body)
            case .authorizing: return try authorized(status, fields, body)
            case .callingBack(let redirects):
                return try calledBack(status, fields, body, redirects: redirects, now: now)
            }
        } catch {
            return .failed(error)
        }
    }

    private mutating func configured(
        _ status: Int, _ fields: TokenFields, _ body: ByteSlice
    ) throws(TokenFailure) -> TokenStep {
        guard status == 200 else { throw failure(status, fields, body) }
        let tree = try TokenReply.object(body, from: current)
        let root = tree.root
        clientID = try TokenReply.text(SambaNovaLoginWire.clientID, of: root, from: current).string
        let issuerText =
            try TokenReply.text(SambaNovaLoginWire.issuerBaseURL, of: root, from: current).string
        issuer = try own(
            issuerText.contains("://") ? issuerText : "https://\(issuerText)", "an issuer")
        callback = try own(
            try TokenReply.text(SambaNovaLoginWire.redirectURL, of: root, from: current).string,
            "a callback")
        step = .authenticating
        return .send(authentication())
    }

    // MARK: 2, password for a ticket

    private mutating func authentication() -> TokenRequest {
        var json = ByteBuffer()
        json.writeJSON { json in
            json.beginObject()
            json.field(SambaNovaLoginWire.ticketClientID, text: clientID)
            json.field(SambaNovaLoginWire.username, text: email)
            password.withBytes { json.field(SambaNovaLoginWire.password, $0) }
            json.field(SambaNovaLoginWire.realm, SambaNovaLoginWire.passwordRealm)
            json.field(SambaNovaLoginWire.credentialType, SambaNovaLoginWire.passwordCredential)
            json.endObject()
        }
        current = issuer
        var request = TokenRequest(
            to: issuer, .post, target: Secret("\(SambaNovaLoginWire.authenticatePath)"),
            body: Secret(json.slice))
        request.add("content-type", "application/json")
        dress(&request)
        return request
    }

    private mutating func authenticated(
        _ status: Int, _ fields: TokenFields, _ body: ByteSlice
    ) throws(TokenFailure) -> TokenStep {
        guard status == 200 else { throw failure(status, fields, body) }
        let tree = try TokenReply.object(body, from: current)
        ticket = Secret(
            try TokenReply.text(SambaNovaLoginWire.loginTicket, of: tree.root, from: current))
        step = .authorizing
        return .send(authorization())
    }

    // MARK: 3, ticket for a code

    private mutating func authorization() -> TokenRequest {
        var telemetry = ByteBuffer()
        Base64.standard.encode(ByteSlice(SambaNovaLoginWire.telemetryValue), into: &telemetry)
        var query = FormWriter()
        query.add(SambaNovaLoginWire.ticketClientID, clientID)
        query.add(SambaNovaLoginWire.responseType, SambaNovaLoginWire.code)
        query.add(SambaNovaLoginWire.redirectURI, callback.url)
        query.add(SambaNovaLoginWire.scope, SambaNovaLoginWire.scopes)
        query.add(SambaNovaLoginWire.nonce, nonce)
        query.add(SambaNovaLoginWire.state, state)
        query.add(SambaNovaLoginWire.loginTicket, ticket)
        query.add(SambaNovaLoginWire.realm, SambaNovaLoginWire.passwordRealm)
        query.add(SambaNovaLoginWire.telemetry, telemetry.slice)
        return get(issuer, query.target("\(SambaNovaLoginWire.authorizePath)"))
    }

    private mutating func authorized(
        _ status: Int, _ fields: TokenFields, _ body: ByteSlice
    ) throws(TokenFailure) -> TokenStep {
        guard (300...399).contains(status) else {
            guard status >= 400 else {
                throw TokenFailure(.malformed, "\(current.host) did not redirect to the callback")
            }
            throw failure(status, fields, body)
        }
        let location = fields.first("location") ?? ""
        if let error = QueryReader.value(of: "\(OAuthWire.error)", in: location) {
            let words = TokenReply.words(
                error: error,
                description: QueryReader.value(of: "\(OAuthWire.errorDescription)", in: location),
                without: secrets)
            throw TokenFailure(.refused, "\(current.host) refused the log-in: \(words)")
        }
        guard let code = QueryReader.value(of: "\(SambaNovaLoginWire.code)", in: location),
            !code.isEmpty
        else { throw TokenFailure(.malformed, "\(current.host) redirected without a code") }
        let answered = QueryReader.value(of: "\(SambaNovaLoginWire.state)", in: location) ?? ""
        let isOurs = state.withByteSlice { ours in
            answered.withByteSlice { ours.isEqualInConstantTime(to: $0) }
        }
        guard isOurs else {
            throw TokenFailure(
                .malformed, "\(current.host) redirected with another state than ours")
        }
        step = .callingBack(redirects: 0)
        var query = FormWriter()
        query.add(SambaNovaLoginWire.code, code)
        query.add(SambaNovaLoginWire.state, state)
        return .send(get(callback, query.target(callback.path), navigates: true))
    }

    // MARK: 4, code for a cookie

    private mutating func calledBack(
        _ status: Int, _ fields: TokenFields, _ body: ByteSlice, redirects: Int, now: Int
    ) throws(TokenFailure) -> TokenStep {
        guard status < 400 else { throw failure(status, fields, body) }
        let set = fields.all("set-cookie").lazy.compactMap { [current] line in
            SambaNovaCookie(line, from: current.host)
        }
        if let cookie = set.first(where: {
            $0.name == "\(SambaNovaLoginWire.accessTokenCookie)" && !$0.value.isEmpty
        }) {
            return .done(try token(cookie, by: fields.date ?? now, now: now))
        }
        guard status >= 300, redirects < Self.redirectCountMax,
            let location = fields.first("location")
        else {
            throw TokenFailure(
                .malformed, "\(current.host) answered the callback without the session's cookie")
        }
        step = .callingBack(redirects: redirects + 1)
        return .send(try redirected(to: location))
    }

    private mutating func redirected(to location: String) throws(TokenFailure) -> TokenRequest {
        let url =
            location.hasPrefix("/") && !location.hasPrefix("//")
            ? current.origin + location : location
        // The endpoint's rules know no query; it is checked as far as a request line needs.
        let cut = url.firstIndex { $0 == "?" || $0 == "#" } ?? url.endIndex
        let next = try own(String(url[..<cut]), "a redirect")
        let query = url[cut...].prefix { $0 != "#" }
        guard query.utf8.allSatisfy(ASCII.isVisible) else {
            throw TokenFailure(.malformed, "\(current.host) redirected to what is no URL")
        }
        return get(next, Secret((next.path.isEmpty ? "/" : next.path) + query), navigates: true)
    }

    /// - Parameter theirs: the time by the server's clock.
    private func token(
        _ cookie: SambaNovaCookie, by theirs: Int, now: Int
    ) throws(TokenFailure) -> AccessToken {
        let secret = Secret(cookie.value)
        let left =
            secret.withBytes { WebToken.expiry(of: $0) }.map { $0 - theirs }
            ?? cookie.maxAge ?? cookie.expires.map { $0 - theirs } ?? lifetimeMax
        return try TokenReply.accessToken(
            secret, lasting: min(left, lifetimeMax), now: now, from: current)
    }

    // MARK: What all of them share

    private mutating func get(
        _ endpoint: TokenEndpoint, _ target: Secret, navigates: Bool = false
    ) -> TokenRequest {
        current = endpoint
        var request = TokenRequest(to: endpoint, .get, target: target)
        dress(&request, navigates: navigates)
        return request
    }

    private func dress(_ request: inout TokenRequest, navigates: Bool = false) {
        request.add("user-agent", SambaNovaLoginWire.userAgent)
        request.add("accept", "*/*")
        request.add("origin", Secret(endpoint.origin))
        request.add("referer", Secret(endpoint.origin + "/"))
        let own = navigates ? "\(SambaNovaLoginWire.nonce)=\(nonce)" : nil
        if let cookie = cookies.field(for: request.host, own: own) {
            request.add("cookie", cookie)
        }
        guard navigates else { return }
        request.add("sec-fetch-dest", "document")
        request.add("sec-fetch-mode", "navigate")
        request.add("sec-fetch-site", "same-site")
    }

    /// A URL that the site names, if it is the site's own: a server that is made to name another
    /// must not get the password.
    private func own(_ url: String, _ what: String) throws(TokenFailure) -> TokenEndpoint {
        guard let found = TokenEndpoint.parse(url), found.usesTLS || !endpoint.usesTLS else {
            throw TokenFailure(.malformed, "\(current.host) named \(what) that is no https URL")
        }
        let labels = endpoint.host.split(separator: ".")
        let isAddress = endpoint.host.utf8.allSatisfy {
            ASCII.isDigit($0) || $0 == 0x2E || $0 == 0x3A
        }
        let parent = labels.dropFirst().joined(separator: ".")
        guard
            found.host == endpoint.host
                || (Self.isLoopback(endpoint.host) && Self.isLoopback(found.host))
                || (!isAddress && labels.count > 2 && found.host.hasSuffix("." + parent))
        else {
            throw TokenFailure(.malformed, "\(current.host) named \(what) outside its own domain")
        }
        return found
    }

    /// A stand-in on this machine may lie under several of its names.
    private static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "127.0.0.1" || host == "::1"
    }

    /// Every 4xx is final here, whatever it asks for.
    private func failure(
        _ status: Int, _ fields: TokenFields, _ body: ByteSlice
    ) -> TokenFailure {
        let failure = TokenReply.failure(
            status: status, fields: fields, body: body, secrets: secrets, from: current)
        guard (400...499).contains(status) else { return failure }
        return TokenFailure(.refused, failure.reason, retryAfter: failure.retryAfter)
    }

    private var secrets: [Secret] {
        [password, ticket, Secret(email), Secret(nonce), Secret(state)]
    }

    private static func text(_ random: ByteSlice) -> String {
        var text = ByteBuffer()
        Base64.url.encode(random, into: &text)
        return text.string
    }
}
