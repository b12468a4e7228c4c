// SimulatorRequest.swift — what the simulator keeps of a request: a few numbers and one buffer.
// Decoding is as strict as the real service's; unknown fields are ignored.

import GatewayCodec
import ReactorCore

/// The routes that take a body.
package enum SimulatorEndpoint: Equatable, Sendable {
    case chatCompletions, completions, embeddings
}

/// A request that passed every check.
package struct SimulatorRequest: ~Copyable {
    /// Of the last user message, when it is repeated; the rest is not.
    package static let echoBytesMax = 1 << 20
    package static let choicesMax = 128
    package static let embeddingInputsMax = 2048
    /// A token is about so many bytes of a prompt; each message adds `tokensPerMessage`.
    package static let bytesPerToken = 4
    package static let tokensPerMessage = 4

    enum Content: Equatable {
        case lorem
        case text(Range<Int>)
        case calls(Call, Call?)
    }

    /// A tool call to be made: where its name and arguments lie in `kept`.
    struct Call: Equatable {
        var name: Range<Int>
        var arguments: Range<Int>
    }

    package let endpoint: SimulatorEndpoint
    package internal(set) var stream = false
    package internal(set) var includeUsage = false
    /// Answers to give: `n` times the number of prompts.
    package internal(set) var choices = 1
    /// What the request allows an answer to have.
    package internal(set) var tokensMax: Int?
    package internal(set) var promptTokens = 0
    package internal(set) var behavior: SimulatorBehavior?
    /// Of the answer's words: model and prompt decide it, however the answer is sent.
    private(set) var seed: UInt64 = 0
    var content = Content.lorem
    var dimensions = 0
    var base64 = false
    private var model = 0..<0
    /// For embeddings, one hash of 8 bytes per input lies here, from `hashes` on.
    private var hashes = 0
    private(set) var inputs = 0
    /// Model name, texts, tool names and arguments: everything that the answer quotes.
    var kept = ByteBuffer()

    /// Reads and checks a body.
    package static func decode(
        _ endpoint: SimulatorEndpoint, _ body: ByteSlice, arena: JSONArena,
        settings: borrowing SimulatorSettings
    ) throws(SimulatorRefusal) -> SimulatorRequest {
        let tree: JSONTree
        do throws(JSONFailure) {
            tree = try arena.read(body)
        } catch {
            throw SimulatorRefusal("The body is not valid JSON: \(error).")
        }
        var request = SimulatorRequest(endpoint)
        let fields = try SimulatorFields(tree.root, at: .member("body"))
        let top = try SimulatorFields(fields.object, at: .top)
        try request.readModel(top, settings)
        switch endpoint {
        case .chatCompletions: try request.readChat(top, settings)
        case .completions: try request.readCompletion(top, settings)
        case .embeddings: try request.readEmbedding(top, settings)
        }
        return request
    }

    /// Nothing asked for; the start of decoding, and what answers without a request hold.
    init(_ endpoint: SimulatorEndpoint) { self.endpoint = endpoint }

    package var modelName: ByteSlice { kept.slice[model] }

    /// The tokens of one choice.
    func units(
        _ settings: borrowing SimulatorSettings, _ behavior: SimulatorBehavior?
    ) -> SimulatorUnits {
        let source: SimulatorUnits.Source =
            switch content {
            case .calls(let first, let second): .calls(first.arguments, second?.arguments)
            case _ where behavior == .big: .filler
            case .text(let range): .text(range)
            case .lorem: .lorem
            }
        return SimulatorUnits(source, answerTokens: settings.answerTokens, limit: tokensMax)
    }

    /// The hash of an embedding's input.
    func inputHash(_ index: Int) -> UInt64 {
        precondition(index < inputs, "input \(index) of \(inputs)")
        return UnsafeRawPointer(kept.slice.base + hashes + index * 8)
            .loadUnaligned(as: UInt64.self)
    }

    /// Appends to `kept` and says where.
    mutating func keep(_ bytes: ByteSlice) -> Range<Int> {
        let start = kept.count
        kept.append(bytes)
        return start..<kept.count
    }

    private mutating func readModel(
        _ top: SimulatorFields, _ settings: borrowing SimulatorSettings
    ) throws(SimulatorRefusal) {
        let name = try top.requiredString("model")
        guard !name.isEmpty else { throw .missing("model") }
        guard settings.serves(name) else { throw .unknownModel(name) }
        model = keep(name)
        behavior = SimulatorBehavior(suffixOf: name)
        seed = SimulatorDraw.hash(name, seed: settings.seed)
    }

    /// Lets the answer's words depend on a text.
    mutating func season(with text: ByteSlice) { seed = SimulatorDraw.hash(text, seed: seed) }

    /// The fields that chat and legacy completions share.
    mutating func readSampling(_ top: SimulatorFields) throws(SimulatorRefusal) {
        stream = try top.bool("stream") ?? false
        if let options = try top.fields("stream_options") {
            guard stream else {
                throw .invalid("stream_options", "goes only with 'stream': true")
            }
            includeUsage = try options.bool("include_usage") ?? false
        }
        choices = try top.int("n", in: 1...Self.choicesMax) ?? 1
        tokensMax = try top.int("max_tokens", in: 1 ... .max)
        try top.checkNumber("temperature", in: 0...2)
        try top.checkNumber("top_p", in: 0...1)
        try top.checkNumber("presence_penalty", in: -2...2)
        try top.checkNumber("frequency_penalty", in: -2...2)
        _ = try top.int("seed")
        _ = try top.string("user")
        if let stop = top["stop"], stop.string == nil {
            guard stop.kind == .array else {
                throw .wrongType("stop", expected: "a string or an array of strings", got: stop)
            }
            guard stop.count <= 4 else {
                throw .invalid("stop", "must not have more than 4 elements")
            }
            for element in stop.elements where element.string == nil {
                throw .wrongType("stop", expected: "an array of strings", got: element)
            }
        }
    }

    private mutating func readCompletion(
        _ top: SimulatorFields, _ settings: borrowing SimulatorSettings
    ) throws(SimulatorRefusal) {
        try readSampling(top)
        tokensMax = tokensMax ?? 16
        let prompt = try top.required("prompt")
        var last: ByteSlice?
        let prompts = try readInputs(prompt, named: "prompt", countMax: Self.choicesMax) {
            last = $0.string
        }
        choices *= prompts
        if let last { season(with: last) }
        guard choices <= Self.choicesMax else {
            throw .invalid("n", "asks for more than \(Self.choicesMax) answers in total")
        }
        if settings.mode == .echo || behavior == .echo, let last {
            content = .text(keepText(last))
        }
    }

    private mutating func readEmbedding(
        _ top: SimulatorFields, _ settings: borrowing SimulatorSettings
    ) throws(SimulatorRefusal) {
        dimensions =
            try top.int("dimensions", in: 1...SimulatorSettings.embeddingDimensionsMax)
            ?? settings.embeddingDimensions
        if let format = try top.string("encoding_format") {
            base64 = format == "base64"
            guard base64 || format == "float" else {
                throw .invalid("encoding_format", "must be 'float' or 'base64'")
            }
        }
        _ = try top.string("user")
        let input = try top.required("input")
        if let text = input.string, text.isEmpty {
            throw .invalid("input", "must not be empty")
        }
        hashes = kept.count
        let seed = settings.seed
        var buffer = ByteBuffer()
        inputs = try readInputs(input, named: "input", countMax: Self.embeddingInputsMax) {
            var hash = Self.hash(of: $0, seed: seed)
            withUnsafeBytes(of: &hash) { buffer.append(ByteSlice($0)) }
        }
        kept.append(buffer.slice)
    }

    private static func hash(of input: JSONValue, seed: UInt64) -> UInt64 {
        if let text = input.string { return SimulatorDraw.hash(text, seed: seed) }
        var hash = SimulatorDraw.mix(seed ^ UInt64(input.count))
        for token in input.elements {
            hash = SimulatorDraw.mix(hash ^ UInt64(bitPattern: Int64(token.int ?? 0)))
        }
        return hash
    }

    /// Counts the tokens of a string, strings, a list of token numbers, or lists of them; hands
    /// each input to `visit` and returns how many there are.
    private mutating func readInputs(
        _ value: JSONValue, named name: StaticString, countMax: Int,
        _ visit: (JSONValue) -> Void
    ) throws(SimulatorRefusal) -> Int {
        let expected = "a string, an array of strings or an array of tokens"
        if let text = value.string {
            promptTokens += Self.tokens(inBytes: text.count)
            visit(value)
            return 1
        }
        guard value.kind == .array else {
            throw .wrongType("\(name)", expected: expected, got: value)
        }
        guard let first = value.elements.first(where: { _ in true }) else {
            throw .invalid("\(name)", "must not be empty", code: "empty_array")
        }
        if first.kind == .number {
            try readTokens(value, named: name)
            visit(value)
            return 1
        }
        guard value.count <= countMax else {
            throw .invalid("\(name)", "must not have more than \(countMax) elements")
        }
        for element in value.elements {
            guard element.kind == first.kind else {
                throw .wrongType("\(name)", expected: "elements of one type", got: element)
            }
            if let text = element.string {
                promptTokens += Self.tokens(inBytes: text.count)
            } else {
                guard element.kind == .array, element.count > 0 else {
                    throw .wrongType("\(name)", expected: expected, got: element)
                }
                try readTokens(element, named: name)
            }
            visit(element)
        }
        return value.count
    }

    private mutating func readTokens(
        _ array: JSONValue, named name: StaticString
    ) throws(SimulatorRefusal) {
        for token in array.elements where token.int == nil {
            throw .wrongType("\(name)", expected: "an array of whole numbers", got: token)
        }
        promptTokens += array.count
    }

    /// Keeps a text that is repeated, cut between characters where it is too long.
    mutating func keepText(_ text: ByteSlice) -> Range<Int> {
        var count = min(text.count, Self.echoBytesMax)
        while count < text.count, count > 0, text[count] & 0xC0 == 0x80 { count -= 1 }
        return keep(text.prefix(count))
    }

    static func tokens(inBytes count: Int) -> Int { (count + bytesPerToken - 1) / bytesPerToken }
}
