// ModelSettings.swift — what an operator may say about one model beside where it goes.
// Pure values. Made by Config, carried by a route, obeyed by providers and Exchange.

/// What becomes of a request's parameter that the provider has no word for.
package enum UnsupportedParameters: String, CaseIterable, Sendable {
    /// It is left out, and named in `x-gateway-dropped-params`.
    case drop
    /// The request is a 400 that names it.
    case error
}

/// How a stream with tools is answered.
package enum StreamTools: String, CaseIterable, Sendable {
    /// As a stream.
    case native
    /// In one piece, with `X-Stream-Downgraded: true`.
    case downgrade
}

/// As what a stream that is answered in one piece comes.
package enum DowngradeForm: String, CaseIterable, Sendable {
    /// As `sse` to a client that shows itself one of streams, else as `json`.
    case auto
    /// As a whole answer.
    case json
    /// As a stream that comes in one burst.
    case sse
}

/// How much of a broken tool call is repaired in a stream.
package enum CallRepair: String, CaseIterable, Sendable {
    /// What can be without holding anything back.
    case stream
    /// All: calls are held until they are whole.
    case hold
}

/// Which interface of a provider that has several serves a model.
package enum UpstreamSurface: String, CaseIterable, Sendable {
    /// Salesforce's documented Models API: text only, no streaming.
    case models
    /// Salesforce's LLM gateway: streaming and tools.
    case llmGateway = "llm-gateway"
}

/// The settings of one model.
package struct ModelSettings: Equatable, Sendable {
    package var unsupportedParameters = UnsupportedParameters.drop
    /// Nil: a stream wherever the backend has tools of its own.
    package var streamTools: StreamTools?
    package var downgradeForm = DowngradeForm.auto
    package var repair = CallRepair.stream
    /// Nil: the provider's.
    package var surface: UpstreamSurface?

    package init() {}
}
