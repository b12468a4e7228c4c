// GeminiRequestEncoder+Generation.swift — how the answer is drawn, its form, and how much the model
// is to think.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension GeminiRequestEncoder {
    mutating func writeGeneration(_ json: inout JSONWriter) throws(Failure) {
        json.beginObject(GeminiWire.generationConfig)
        try writeSampling(&json)
        try writeFormat(&json)
        writeThinking(&json)
        writeModalities(&json)
        json.endObject()
    }

    private mutating func writeSampling(_ json: inout JSONWriter) throws(Failure) {
        let sampling = request.sampling
        if let value = sampling.temperature { json.field(GeminiWire.temperature, value) }
        if let value = sampling.topP { json.field(GeminiWire.topP, value) }
        if let value = sampling.topK { json.field(GeminiWire.topK, value) }
        // Both are 32 bits wide there.
        if let value = sampling.seed {
            json.field(GeminiWire.seed, Int(Int32(truncatingIfNeeded: value)))
        }
        if let value = sampling.outputTokensMax {
            json.field(GeminiWire.maxOutputTokens, min(value, Int(Int32.max)))
        }
        if let value = sampling.presencePenalty { json.field(GeminiWire.presencePenalty, value) }
        if let value = sampling.frequencyPenalty { json.field(GeminiWire.frequencyPenalty, value) }
        try writeStops(&json)
        try writeCount(&json)
        if sampling.wantsLogprobs, capabilities.takesLogprobs {
            json.field(GeminiWire.responseLogprobs, true)
            if let count = sampling.topLogprobs { json.field(GeminiWire.logprobs, count) }
        }
    }

    private func writeStops(_ json: inout JSONWriter) throws(Failure) {
        let stops = request.sampling.stop
        guard !stops.isEmpty else { return }
        guard stops.count <= Self.stopCountMax else {
            throw Failure(
                .invalidParameter, "This model takes \(Self.stopCountMax) stop texts at most.",
                parameter: "\(Parameter.stop.name)")
        }
        json.beginArray(GeminiWire.stopSequences)
        for stop in stops { json.value(stop) }
        json.endArray()
    }

    private func writeCount(_ json: inout JSONWriter) throws(Failure) {
        guard request.choiceCount != 1 else { return }
        guard capabilities.takesSeveralCandidates else {
            throw Failure(
                .unsupportedParameter, "This model gives one answer at a time.",
                parameter: "\(Parameter.choiceCount.name)")
        }
        guard (1...Self.candidateCountMax).contains(request.choiceCount) else {
            throw Failure(
                .invalidParameter,
                "This model gives \(Self.candidateCountMax) answers at a time at most.",
                parameter: "\(Parameter.choiceCount.name)")
        }
        json.field(GeminiWire.candidateCount, request.choiceCount)
    }

    private mutating func writeFormat(_ json: inout JSONWriter) throws(Failure) {
        if case .text = request.output { return }
        guard request.tools.isEmpty || capabilities.takesSchemaWithTools else {
            return drop(.outputFormat)
        }
        json.field(GeminiWire.responseMimeType, GeminiWire.json)
        guard case .schema(let output) = request.output, let schema = output.schema,
            schema.kind == .object
        else { return }
        if capabilities.takesJSONSchema {
            json.field(GeminiWire.responseJSONSchema, schema)
        } else {
            json.key(GeminiWire.responseSchema)
            guard GeminiSchema.write(schema, &json) else {
                throw GeminiSchema.tooLarge(parameter: "response_format.json_schema.schema")
            }
        }
    }

    private mutating func writeThinking(_ json: inout JSONWriter) {
        let config =
            google(GeminiWire.thinkingConfigSnake) ?? google(GeminiWire.thinkingConfig)
        var thinking = GeminiThinking()
        if var reasoning = request.reasoning {
            // A client of Messages that asks for thoughts gets them unless it says otherwise.
            if request.extras.dialect == .messages, reasoning.isShown == nil {
                reasoning.isShown = true
            }
            thinking = GeminiThinking(reasoning, capabilities)
            if thinking.isOnlyNear { drop(.reasoning) }
        }
        thinking.take(config)
        thinking.write(&json)
    }

    private func writeModalities(_ json: inout JSONWriter) {
        if let resolution = google(GeminiWire.mediaResolutionSnake)
            ?? google(GeminiWire.mediaResolution)
        {
            json.field(GeminiWire.mediaResolution, resolution)
        }
        guard
            let modalities = google(GeminiWire.responseModalitiesSnake)
                ?? google(GeminiWire.responseModalities) ?? request.extras[GeminiWire.modalities]
        else { return }
        json.beginArray(GeminiWire.responseModalities)
        for modality in modalities.elements {
            guard let name = modality.string else { continue }
            json.string { buffer in
                for byte in name.raw where ASCII.isLetter(byte) { buffer.append(byte & ~0x20) }
            }
        }
        json.endArray()
    }
}

/// How much to think, in Gemini's words.
struct GeminiThinking {
    var includesThoughts: Bool?
    var budget: Int?
    var level: GeminiCapabilities.Level?
    /// What a caller wrote as a level, raw.
    private var levelText: ByteSlice?
    /// Whether the model cannot do what was asked, and the nearest is asked for.
    var isOnlyNear = false

    /// Tokens that stand for efforts, as in Google's own OpenAI surface.
    private static let lowTokens = 1024
    private static let mediumTokens = 8192
    private static let highTokens = 24_576

    init() {}

    init(_ reasoning: ReasoningRequest, _ capabilities: GeminiCapabilities) {
        let isOff = reasoning.isOff || reasoning.budgetTokens == 0
        switch capabilities.thinking {
        case .none:
            isOnlyNear = !isOff
            return
        case .budget(let least, let most):
            if isOff {
                budget = capabilities.canSwitchThinkingOff ? 0 : least
                isOnlyNear = !capabilities.canSwitchThinkingOff
            } else if let tokens = reasoning.budgetTokens ?? Self.tokens(reasoning.effort) {
                budget = min(max(tokens, least), most)
            } else if reasoning.isAdaptive {
                budget = -1
            }
        case .level(let levels):
            if isOff {
                level = levels.min()
                isOnlyNear = true
            } else {
                level = Self.level(reasoning).flatMap { wanted in
                    levels.filter { $0 >= wanted }.min() ?? levels.max()
                }
            }
        }
        // Who asks for an effort and says no more wants to read what comes of it, as elsewhere.
        if reasoning.isShown ?? (reasoning.effort != nil), !isOff { includesThoughts = true }
    }

    /// Lets what the caller said in Google's words win.
    mutating func take(_ config: JSONValue?) {
        guard let config, config.kind == .object else { return }
        includesThoughts =
            (config[GeminiWire.includeThoughtsSnake] ?? config[GeminiWire.includeThoughts])?.bool
            ?? includesThoughts
        let tokens = (config[GeminiWire.thinkingBudgetSnake] ?? config[GeminiWire.thinkingBudget])?
            .int
        let text = (config[GeminiWire.thinkingLevelSnake] ?? config[GeminiWire.thinkingLevel])?
            .string
        guard tokens != nil || text != nil else { return }
        budget = tokens
        level = nil
        levelText = text
    }

    func write(_ json: inout JSONWriter) {
        guard includesThoughts != nil || budget != nil || level != nil || levelText != nil else {
            return
        }
        json.beginObject(GeminiWire.thinkingConfig)
        if let includesThoughts { json.field(GeminiWire.includeThoughts, includesThoughts) }
        if let budget { json.field(GeminiWire.thinkingBudget, budget) }
        if let level { json.field(GeminiWire.thinkingLevel, level.name) }
        if let levelText { json.field(GeminiWire.thinkingLevel, levelText) }
        json.endObject()
    }

    private static func tokens(_ effort: ReasoningRequest.Effort?) -> Int? {
        switch effort {
        case .minimal, .low: lowTokens
        case .medium: mediumTokens
        case .high, .xhigh, .max: highTokens
        case .some(.none), nil: nil
        }
    }

    private static func level(_ reasoning: ReasoningRequest) -> GeminiCapabilities.Level? {
        if let tokens = reasoning.budgetTokens {
            return tokens <= lowTokens ? .low : tokens <= mediumTokens ? .medium : .high
        }
        return switch reasoning.effort {
        case .minimal: .minimal
        case .low: .low
        case .medium: .medium
        case .high, .xhigh, .max: .high
        case .some(.none), nil: nil
        }
    }
}
