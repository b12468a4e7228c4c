// ConfigurationSchema+Sessions.swift — the keys of providers that are entered with a token, which
// must be asked for first: Vertex AI, Salesforce, SambaNova's web site.

import GatewayModel
import ReactorCore

extension ConfigurationSchema {
    static var vertex: Section<VertexConfiguration> {
        let initial = VertexConfiguration()
        return Section(
            initial,
            [
                Field(
                    "project", \.project,
                    .text("a project's id") { (text) throws(Refusal) in
                        try ProviderText.segment(text)
                    }, isRequired: true,
                    "The Google Cloud project that is billed."),
                Field(
                    "location", \.location,
                    .text("a location") { (text) throws(Refusal) in
                        try ProviderText.location(text)
                    },
                    "A region, a multi-region (`us`, `eu`) or `global`."),
                Field(
                    "credentials_file", \.credentialsFile, .path,
                    "JSON key of a service account, or credentials of type `authorized_user`. Left "
                        + "out, Application Default Credentials are used: "
                        + "`GOOGLE_APPLICATION_CREDENTIALS`, then gcloud's own file, then the "
                        + "metadata server."),
                Field(
                    "base_url", \.baseURL, .baseURL,
                    "The server, without the version; the location's own if left out."),
                Field(
                    "token_url", \.tokenURL, .baseURL,
                    "Where tokens are asked for; the credentials name it if left out."),
                refreshInterval(\VertexConfiguration.refreshInterval),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream, owners: ["authorization": "the token"], node, &reader)
            })
    }

    private static func refreshInterval<Owner>(
        _ path: WritableKeyPath<Owner, Duration?>
    ) -> Field<Owner> {
        Field(
            "token_refresh_interval", path, .duration(.seconds(1) ... .seconds(31_536_000)),
            "Refresh a token after so long even if it holds for longer. Left out, tokens are "
                + "refreshed ahead of their end only. `TOKEN_REFRESH_INTERVAL` may count plain "
                + "seconds.")
    }

    // MARK: salesforce

    static var salesforce: Section<SalesforceConfiguration> {
        let initial = SalesforceConfiguration()
        return Section(
            initial,
            salesforceCredentials + salesforceModels + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream,
                    owners: [
                        "authorization": "the token", "x-sfdc-app-context": "the gateway",
                        "x-client-feature-id": "the gateway",
                    ], node, &reader)
                // What is written but cannot be read is a mistake already.
                let hasBoth = node["username"] != nil && node["private_key_file"] != nil
                if node["consumer_secret"] == nil, !hasBoth {
                    reader.note(
                        "either 'consumer_secret' or both 'username' and 'private_key_file' are "
                            + "needed", at: node.mark)
                }
            })
    }

    private static var salesforceCredentials: [Field<SalesforceConfiguration>] {
        [
            Field(
                "instance_url", \.instanceURL, .baseURL, isRequired: true,
                "The org's My Domain, as in `https://acme.my.salesforce.com`."),
            Field(
                "consumer_key", \.consumerKey, .secret("a client id"), isRequired: true,
                "The app's consumer key."),
            Field(
                "consumer_secret", \.consumerSecret, .line("a secret"),
                "The app's consumer secret, for the client credentials flow."),
            Field(
                "username", \.username, .text("a user's name"),
                "The integration user, for the JWT bearer flow."),
            Field(
                "private_key_file", \.privateKeyFile, .path,
                "PEM file with the RSA key that signs assertions, for the JWT bearer flow."),
            Field(
                "audience", \.audience,
                .text("a URL") { (text) throws(Refusal) in try ProviderText.url(text) },
                "Whom assertions are addressed to: `https://test.salesforce.com` for sandboxes."),
            Field(
                "token_url", \.tokenURL, .baseURL,
                "Where tokens are asked for; `/services/oauth2/token` of the instance if left "
                    + "out."),
            Field(
                "token_lifetime", \.tokenLifetime, .duration(.seconds(10) ... .seconds(86_400)),
                "Assumed where a token does not tell when it ends."),
            refreshInterval(\SalesforceConfiguration.refreshInterval),
        ]
    }

    private static var salesforceModels: [Field<SalesforceConfiguration>] {
        [
            Field(
                "api_version", \.apiVersion,
                .text("a version") { (text) throws(Refusal) in
                    try ProviderText.salesforceVersion(text)
                },
                "The version of Salesforce's core API."),
            Field(
                "api_url", \.apiURL, .baseURL,
                "The server of the models; the token names it if left out."),
            Field(
                "surface", \.surface, .choice(UpstreamSurface.allCases),
                "`models` is the documented Models API: text only, no streaming, no tools. "
                    + "`llm-gateway` streams and has tools, but much of it is known from client "
                    + "programs only. `models.<name>.surface` decides for one model."),
            Field(
                "max_tokens", \.maxTokens, .integer(1...1_000_000),
                "Where a request asks for no limit. The `models` surface has no such setting."),
            Field(
                "temperature", \.temperature, .number(0...2),
                "Where a request asks for none. The `models` surface has no such setting."),
            Field(
                "localization", \.localization, .section(localization),
                "Languages, which steer masking and toxicity checks."),
        ]
    }

    private static var localization: Section<SalesforceLocalization> {
        let locale = ValueKind<String>.text("a locale") { (text) throws(Refusal) in
            try ProviderText.locale(text)
        }
        let input = Section(
            SalesforceLocalization.InputLocale(),
            [
                Field("locale", \.locale, locale, isRequired: true, "A language of prompts."),
                Field("probability", \.probability, .number(0...1), "How likely it is."),
            ])
        return Section(
            SalesforceLocalization(),
            [
                Field("default_locale", \.defaultLocale, locale, "Of prompts and answers."),
                Field(
                    "input_locales", \.inputLocales, .list(of: .section(input)),
                    "Languages of prompts."),
                Field(
                    "expected_locales", \.expectedLocales, .list(of: locale),
                    "Languages of answers."),
            ])
    }

    // MARK: sambanova-web

    static var sambaNovaWeb: Section<SambaNovaWebConfiguration> {
        let initial = SambaNovaWebConfiguration()
        return Section(
            initial,
            [
                Field(
                    "email", \.email, .text("an e-mail address"), isRequired: true,
                    "Who logs in."),
                Field(
                    "password", \.password, .password, isRequired: true,
                    "Sent to the site's log-in, and nowhere else."),
                Field("completion_url", \.completionURL, .baseURL, "Where prompts go."),
                Field("models_url", \.modelsURL, .baseURL, "Where models are listed."),
                Field(
                    "config_url", \.configURL, .baseURL,
                    "Where the addresses of the log-in are learnt."),
                Field(
                    "fingerprint_prefix", \.fingerprintPrefix,
                    .text("a text") { (text) throws(Refusal) in try ProviderText.word(text) },
                    "What the fingerprint that is sent with a prompt begins with."),
                Field(
                    "token_cache_time", \.tokenCacheTime,
                    .duration(.seconds(10) ... .seconds(31_536_000)),
                    "How long a session is kept where it does not tell when it ends. "
                        + "`TOKEN_CACHE_TIME` may count plain seconds."),
                refreshInterval(\SambaNovaWebConfiguration.refreshInterval),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream,
                    owners: [
                        "cookie": "the session", "origin": "the session",
                        "referer": "the session",
                    ], node, &reader)
            })
    }
}
