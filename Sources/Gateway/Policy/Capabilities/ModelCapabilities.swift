// ModelCapabilities.swift — what a model's backend speaks and can do, and how an operator says so.
// Pure values; the flags and their names are those of the earlier gateway's registry.

import GatewayModel

/// The form in which a model's backend answers.
package enum BackendType: String, CaseIterable, Sendable {
    case openAINative = "openai_native"
    case anthropicBedrock = "anthropic_bedrock"
    case vertexGemini = "vertex_gemini"
}

/// How a model takes tools.
package enum ToolMode: String, CaseIterable, Sendable {
    /// In its provider's own form.
    case native
    /// Written into the prompt, and read back out of the answer's text.
    case text
}

/// What is said about a model; nil is nothing.
package struct CapabilityOverrides: Equatable, Sendable {
    package var isOpenAICompatible: Bool?
    package var isAnthropicBedrock: Bool?
    package var isVertexGemini: Bool?
    package var passesToolsThrough: Bool?
    package var requiresNormalization: Bool?
    package var backendType: BackendType?
    package var tools: ToolMode?
    package var streams: Bool?
    package var sees: Bool?
    package var outputTokensMax: Int?
    package var reasons: Bool?

    package init() {}

    /// Nothing but the backend.
    package init(_ backend: BackendType) { backendType = backend }

    /// The backend that is meant: a flag alone is enough to say it.
    var backend: BackendType? {
        if let backendType { return backendType }
        if isAnthropicBedrock == true { return .anthropicBedrock }
        if isVertexGemini == true { return .vertexGemini }
        return isOpenAICompatible == true ? .openAINative : nil
    }
}

/// What holds for a model.
package struct ModelCapabilities: Equatable, Sendable {
    package private(set) var backendType: BackendType
    package private(set) var isOpenAICompatible: Bool
    package private(set) var isAnthropicBedrock: Bool
    package private(set) var isVertexGemini: Bool
    /// Whether tool definitions and calls pass as they are.
    package private(set) var passesToolsThrough: Bool
    /// Whether answers have to be brought into OpenAI's shape.
    package private(set) var requiresNormalization: Bool
    /// Nil: as its provider does.
    package private(set) var tools: ToolMode?
    /// Whether answers can be streamed; nil: as its provider does.
    package private(set) var streams: Bool?
    /// Whether images are understood; nil: as its provider does.
    package private(set) var sees: Bool?
    /// Tokens of an answer at most, and whether thoughts come before it, as far as operators say it.
    package private(set) var pace = ModelPace()

    /// What goes with a backend.
    package init(_ backend: BackendType) {
        backendType = backend
        isOpenAICompatible = backend == .openAINative
        isAnthropicBedrock = backend == .anthropicBedrock
        isVertexGemini = backend == .vertexGemini
        passesToolsThrough = backend == .openAINative
        requiresNormalization = backend != .openAINative
    }

    /// Puts `overrides` over what holds. Another backend brings its own flags with it.
    package mutating func apply(_ overrides: CapabilityOverrides) {
        if let backend = overrides.backend, backend != backendType {
            let before = self
            self = ModelCapabilities(backend)
            (tools, streams, sees) = (before.tools, before.streams, before.sees)
            pace = before.pace
        }
        isOpenAICompatible = overrides.isOpenAICompatible ?? isOpenAICompatible
        isAnthropicBedrock = overrides.isAnthropicBedrock ?? isAnthropicBedrock
        isVertexGemini = overrides.isVertexGemini ?? isVertexGemini
        passesToolsThrough = overrides.passesToolsThrough ?? passesToolsThrough
        requiresNormalization = overrides.requiresNormalization ?? requiresNormalization
        tools = overrides.tools ?? tools
        streams = overrides.streams ?? streams
        sees = overrides.sees ?? sees
        pace.apply(
            ModelPace(outputTokensMax: overrides.outputTokensMax, reasons: overrides.reasons))
    }
}
