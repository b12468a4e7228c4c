// SalesforceConfiguration.swift — settings of the Salesforce Models API, as values.

import GatewayModel
import GatewayProviders

/// A Salesforce org and the app that lets us in.
package struct SalesforceConfiguration: Sendable {
    /// How a token is asked for.
    package enum Grant: Sendable {
        case clientCredentials(secret: Secret)
        case jwtBearer(username: String, privateKeyFile: String)
    }

    /// The org's My Domain. Its host is never empty once loaded.
    package var instanceURL = BaseURL(host: "")
    /// The app's client id. Never empty once loaded.
    package var consumerKey = Secret("")
    /// This, or `username` and `privateKeyFile`, is there once loaded.
    package var consumerSecret: Secret?
    package var username: String?
    /// PEM file, RSA.
    package var privateKeyFile: String?
    package var apiVersion = "v64.0"
    package var surface = UpstreamSurface.models
    /// Nil: the host that the token names.
    package var apiURL: BaseURL?
    /// Nil: the instance's own.
    package var tokenURL: BaseURL?
    /// Whom an assertion is addressed to; sandboxes have another.
    package var audience = "https://login.salesforce.com"
    /// Taken where a token does not tell its end.
    package var tokenLifetime: Duration = .seconds(SalesforceGrant.lifetimeDefault)
    /// Tokens are refreshed after so long even if they hold for longer; nil: ahead of their end only.
    package var refreshInterval: Duration?
    /// Where a request asks for no limit.
    package var maxTokens = 256
    /// Where a request asks for none.
    package var temperature = 0.7
    /// Nil: nothing is sent, which means en_US.
    package var localization: SalesforceLocalization?
    package var upstream = UpstreamConfiguration()

    package init() {}

    /// A secret comes before a key file.
    package var grant: Grant {
        if let consumerSecret { return .clientCredentials(secret: consumerSecret) }
        return .jwtBearer(username: username ?? "", privateKeyFile: privateKeyFile ?? "")
    }

    /// Where tokens come from.
    package var effectiveTokenURL: BaseURL {
        if let tokenURL { return tokenURL }
        var url = instanceURL
        url.pathPrefix += "/services/oauth2/token"
        return url
    }
}

/// The languages of prompts and answers, which steer masking and toxicity checks.
package struct SalesforceLocalization: Equatable, Sendable {
    package struct InputLocale: Equatable, Sendable {
        package var locale = ""
        /// 0...1.
        package var probability = 1.0

        package init() {}
    }

    package var defaultLocale = "en_US"
    package var inputLocales: [InputLocale] = []
    package var expectedLocales: [String] = []

    package init() {}
}
