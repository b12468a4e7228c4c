// ConfigurationSchema+Keyed.swift — the keys of providers that a single API key opens: OpenAI's and
// all that speak like it, Anthropic, Gemini, SambaNova.

extension ConfigurationSchema {
    static var openAI: Section<OpenAIConfiguration> {
        let initial = OpenAIConfiguration()
        return Section(
            initial,
            [
                Field(
                    "base_url", \.baseURL, .baseURL,
                    "The server, with the path in front of `/chat/completions`."),
                Field(
                    "api_key", \.apiKey, .secret("a key"),
                    "Sent as `Authorization: Bearer`; nothing is sent if left out."),
                Field(
                    "responses", \.servesResponses, .boolean, orWord: "auto",
                    "Whether `POST /v1/responses` is passed on to it as it is; `auto`: only at "
                        + "api.openai.com. Elsewhere it is translated to chat."),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream,
                    owners: settings.apiKey == nil ? [:] : ["authorization": "api_key"], node,
                    &reader)
            })
    }

    static var anthropic: Section<AnthropicConfiguration> {
        let initial = AnthropicConfiguration()
        return Section(
            initial,
            [
                Field(
                    "base_url", \.baseURL, .baseURL,
                    "The server, with the path in front of `/v1/messages`."),
                Field(
                    "api_key", \.apiKey, .secret("a key"),
                    "Sent as `x-api-key`; nothing is sent if left out."),
                Field(
                    "version", \.version,
                    .text("a version") { (text) throws(Refusal) in try ProviderText.word(text) },
                    "Sent as `anthropic-version` where the client sends none."),
                Field(
                    "betas", \.betas,
                    .list(
                        of: .text("a beta's name") { (text) throws(Refusal) in
                            try ProviderText.word(text)
                        }),
                    "Sent as `anthropic-beta`, beside what the client asks for."),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                var owners = ["anthropic-version": "version"]
                if settings.apiKey != nil { owners["x-api-key"] = "api_key" }
                if !settings.betas.isEmpty { owners["anthropic-beta"] = "betas" }
                checkHeaders(settings.upstream, owners: owners, node, &reader)
            })
    }

    static var gemini: Section<GeminiConfiguration> {
        let initial = GeminiConfiguration()
        return Section(
            initial,
            [
                Field("base_url", \.baseURL, .baseURL, "The server, without the version."),
                Field(
                    "api_key", \.apiKey, .secret("a key"),
                    "Sent as `x-goog-api-key`; nothing is sent if left out."),
                Field(
                    "api_version", \.apiVersion,
                    .text("a version") { (text) throws(Refusal) in
                        try ProviderText.segment(text)
                    },
                    "The first part of every path."),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream,
                    owners: settings.apiKey == nil ? [:] : ["x-goog-api-key": "api_key"], node,
                    &reader)
            })
    }

    static var sambaNova: Section<SambaNovaConfiguration> {
        let initial = SambaNovaConfiguration()
        return Section(
            initial,
            [
                Field(
                    "base_url", \.baseURL, .baseURL,
                    "The server, with the path in front of `/chat/completions`."),
                Field(
                    "api_key", \.apiKey, .secret("a key"),
                    "Sent as `Authorization: Bearer`; nothing is sent if left out."),
            ] + upstream(\.upstream, of: initial),
            check: { settings, node, reader in
                checkHeaders(
                    settings.upstream,
                    owners: settings.apiKey == nil ? [:] : ["authorization": "api_key"], node,
                    &reader)
            })
    }
}
