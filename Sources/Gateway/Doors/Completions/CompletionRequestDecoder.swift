// CompletionRequestDecoder.swift — a text completion request as what it asks of a model: its prompt
// becomes the one message of a conversation.
// Pure; borrows the tree. Imported by Exchange. For providers that have no text completions: what
// none of them can be asked for is refused here, by name.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum CompletionRequestDecoder {
    /// The bound on tokens where the caller says none, as the dialect has it.
    package static let outputTokensDefault = 16

    /// - Throws: a failure for the caller that names the parameter.
    package static func decode(_ root: JSONValue) throws(Failure) -> ModelRequest {
        let fields = try RequestFields(root: root)
        var request = ModelRequest()
        request.extras.dialect = .completions
        request.model = try fields.requiredString(ChatWire.model)
        let prompt = try readPrompt(fields)
        request.append(.user, [ContentPart(.text(prompt))])
        request.streams = try fields.bool(ChatWire.stream) ?? false
        if let options = try fields.object(ChatWire.streamOptions) {
            request.wantsUsage =
                try options.bool(ChatWire.includeUsage) ?? false && request.streams
        }
        request.sampling = try readSampling(fields)
        request.choiceCount = try readCounts(fields)
        if let suffix = try fields.string(CompletionWire.suffix), !suffix.isEmpty {
            throw unsupported(CompletionWire.suffix, "Text cannot be inserted before a suffix")
        }
        request.user = try fields.string(ChatWire.user)
        for (name, value) in root.members where !value.isNull && !isKnown(name) {
            request.extras.members.append(Extras.Member(name: name, value: value))
        }
        if try fields.bool(CompletionWire.echo) ?? false { request.echo = prompt }
        return request
    }

    private static let known: [StaticString] = [
        ChatWire.model, CompletionWire.prompt, ChatWire.stream, ChatWire.streamOptions,
        ChatWire.temperature, ChatWire.topP, ChatWire.seed, ChatWire.presencePenalty,
        ChatWire.frequencyPenalty, ChatWire.stop, ChatWire.maxTokens, ChatWire.logprobs,
        ChatWire.logitBias, ChatWire.n, CompletionWire.bestOf, CompletionWire.suffix,
        CompletionWire.echo, ChatWire.user,
    ]

    private static func isKnown(_ name: ByteSlice) -> Bool { known.contains { name == $0 } }

    private static func unsupported(_ name: StaticString, _ what: String) -> Failure {
        Failure(
            .unsupportedParameter, "\(what) by this model's provider.", parameter: "\(name)")
    }

    /// A string, or the only string of an array.
    private static func readPrompt(_ fields: RequestFields) throws(Failure) -> ByteSlice {
        let place = fields.at(CompletionWire.prompt)
        guard let value = fields[CompletionWire.prompt] else { throw place.missing }
        var prompt = value
        if value.kind == .array {
            var elements = value.elements
            guard let first = elements.next() else { throw place.invalid("must not be empty") }
            if first.kind == .number || first.kind == .array {
                throw unsupported(CompletionWire.prompt, "Prompts of tokens are not taken")
            }
            guard value.count == 1 else {
                throw unsupported(
                    CompletionWire.prompt, "Several prompts in one request are not taken")
            }
            prompt = first
        }
        guard let text = prompt.string else {
            throw place.invalid("must be a string or an array of strings or tokens")
        }
        guard !text.isEmpty else { throw place.invalid("must not be empty") }
        return text
    }

    private static func readSampling(_ fields: RequestFields) throws(Failure) -> Sampling {
        var sampling = Sampling()
        sampling.temperature = try fields.number(ChatWire.temperature, 0...2)
        sampling.topP = try fields.number(ChatWire.topP, 0...1)
        sampling.seed = try fields.int(ChatWire.seed, .min ... .max)
        sampling.presencePenalty = try fields.number(ChatWire.presencePenalty, -2...2)
        sampling.frequencyPenalty = try fields.number(ChatWire.frequencyPenalty, -2...2)
        sampling.outputTokensMax =
            try fields.int(ChatWire.maxTokens, 1 ... .max) ?? outputTokensDefault
        // A count here, not a wish: told to providers as a wish, of which no door tells anything.
        sampling.wantsLogprobs = try fields.int(ChatWire.logprobs, 0...5) != nil
        sampling.logitBias = try fields.object(ChatWire.logitBias)?.value
        if let stop = fields[ChatWire.stop] {
            if let text = stop.string {
                sampling.stop = [text]
            } else {
                guard stop.kind == .array else {
                    throw fields.at(ChatWire.stop).invalid("must be a string or an array of them")
                }
                for (index, element) in stop.elements.enumerated() {
                    guard let text = element.string else {
                        throw fields.at(ChatWire.stop).element(index).invalid("must be a string")
                    }
                    sampling.stop.append(text)
                }
            }
        }
        return sampling
    }

    /// How many answers; more may not be drawn than are told.
    private static func readCounts(_ fields: RequestFields) throws(Failure) -> Int {
        let counts = 1...EventOrder.choiceCountMax
        let count = try fields.int(ChatWire.n, counts) ?? 1
        guard let drawn = try fields.int(CompletionWire.bestOf, counts) else { return count }
        guard drawn >= count else {
            throw fields.at(CompletionWire.bestOf).invalid("must be at least 'n'")
        }
        guard drawn == count else {
            throw unsupported(
                CompletionWire.bestOf, "More answers than 'n' ('best_of') are not drawn")
        }
        return count
    }
}
