// OAuthWire.swift — the names of OAuth 2.0 token requests and answers (RFC 6749, RFC 7523) and of JSON
// web tokens (RFC 7519), spelled once. Constants only. Imported by providers.

package enum OAuthWire {
    // Request.
    package static let grantType: StaticString = "grant_type"
    package static let clientID: StaticString = "client_id"
    package static let clientSecret: StaticString = "client_secret"
    package static let assertion: StaticString = "assertion"
    package static let refreshToken: StaticString = "refresh_token"

    package static let clientCredentials: StaticString = "client_credentials"
    package static let jwtBearer: StaticString = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    package static let formType: StaticString = "application/x-www-form-urlencoded"

    // Answer.
    package static let accessToken: StaticString = "access_token"
    package static let expiresIn: StaticString = "expires_in"
    package static let error: StaticString = "error"
    package static let errorDescription: StaticString = "error_description"
}

package enum JWTWire {
    package static let algorithm: StaticString = "alg"
    package static let rs256: StaticString = "RS256"
    package static let type: StaticString = "typ"
    package static let jwt: StaticString = "JWT"
    package static let keyID: StaticString = "kid"

    package static let issuer: StaticString = "iss"
    package static let subject: StaticString = "sub"
    package static let audience: StaticString = "aud"
    package static let issuedAt: StaticString = "iat"
    package static let expires: StaticString = "exp"
    package static let scope: StaticString = "scope"
}
