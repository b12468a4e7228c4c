// SalesforceTokenWire.swift — what Salesforce adds to an OAuth 2.0 token exchange, spelled once.
// Constants only. Imported by providers.

package enum SalesforceTokenWire {
    package static let tokenPath: StaticString = "/services/oauth2/token"
    /// Milliseconds since 1970, as a string.
    package static let issuedAt: StaticString = "issued_at"
    /// The URL whose host serves the Models API.
    package static let apiInstanceURL: StaticString = "api_instance_url"

    /// Who an assertion is made out to.
    package static let audience: StaticString = "https://login.salesforce.com"
    package static let sandboxAudience: StaticString = "https://test.salesforce.com"
}
