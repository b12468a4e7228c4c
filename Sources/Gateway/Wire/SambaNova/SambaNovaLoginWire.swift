// SambaNovaLoginWire.swift — the names of the web session's login, spelled once: the site's own, and
// those of the identity service behind it. Constants only. Imported by providers.

package enum SambaNovaLoginWire {
    package static let host: StaticString = "cloud.sambanova.ai"

    // 1: the site's settings.
    package static let configPath: StaticString = "/api/config"
    package static let clientID: StaticString = "clientId"
    package static let issuerBaseURL: StaticString = "issuerBaseUrl"
    package static let redirectURL: StaticString = "redirectURL"

    // 2: password for a ticket.
    package static let authenticatePath: StaticString = "/co/authenticate"
    package static let ticketClientID: StaticString = "client_id"
    package static let username: StaticString = "username"
    package static let password: StaticString = "password"
    package static let realm: StaticString = "realm"
    package static let credentialType: StaticString = "credential_type"
    package static let passwordRealm: StaticString = "Username-Password-Authentication"
    package static let passwordCredential: StaticString =
        "http://auth0.com/oauth/grant-type/password-realm"
    package static let loginTicket: StaticString = "login_ticket"

    // 3: ticket for a code.
    package static let authorizePath: StaticString = "/authorize"
    package static let responseType: StaticString = "response_type"
    package static let code: StaticString = "code"
    package static let redirectURI: StaticString = "redirect_uri"
    package static let scope: StaticString = "scope"
    package static let scopes: StaticString = "openid profile email"
    package static let nonce: StaticString = "nonce"
    package static let state: StaticString = "state"
    package static let telemetry: StaticString = "auth0Client"
    package static let telemetryValue: StaticString =
        #"{"name":"lock.js","version":"12.3.0","env":{"auth0.js":"9.22.1"}}"#

    // 4: code for a cookie.
    package static let accessTokenCookie: StaticString = "access_token"

    /// The site answers browsers only.
    package static let userAgent: StaticString =
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
}
