// SalesforceAnswer.swift — where Salesforce's surfaces keep text, usage, reason and calls: both
// surfaces hand on what the model's maker says, so each of them may stand in several places.
// Pure; borrows the document. Shared by the decoders of answers and of streams.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// One answer, or one event of a stream.
struct SalesforceAnswer {
    let root: JSONValue

    /// The generation that holds text or calls, if there is one.
    var generation: JSONValue? {
        if let details { return details[SalesforceWire.generations]?.elements.first }
        if let generation = root[SalesforceWire.generation] { return generation }
        if let list = root[SalesforceWire.generations] { return list.elements.first }
        return root[SalesforceWire.choices]?.elements.first
    }

    private var details: JSONValue? {
        root[SalesforceWire.generationDetails] ?? root[SalesforceWire.generationDetailsSnake]
    }

    /// The parameters of the whole answer: model, usage, creation.
    private var parameters: JSONValue? {
        details?[SalesforceWire.parameters] ?? root[SalesforceWire.parameters]
    }

    /// Emits the pieces of the answer's text (seed row S57: the generated text comes first). Nothing
    /// is emitted where there is none, which is not the same as an empty one.
    /// - Returns: whether some place for text was there.
    func forEachText(_ body: (ByteSlice) -> Void) -> Bool {
        if let generation {
            let message = generation[SalesforceWire.message]
            for place in [
                generation[SalesforceWire.generatedText], generation[SalesforceWire.text],
                generation[SalesforceWire.content], message?[SalesforceWire.content],
            ] {
                guard let text = place?.string else { continue }
                body(text)
                return true
            }
        }
        if let content = root[SalesforceWire.content] {
            if let text = content.string {
                body(text)
                return true
            }
            var isThere = false
            for block in content.elements {
                guard let text = block[SalesforceWire.text]?.string else { continue }
                body(text)
                isThere = true
            }
            if isThere { return true }
        }
        guard let text = root[SalesforceWire.text]?.string else { return false }
        body(text)
        return true
    }

    /// The calls of tools.
    var invocations: JSONValue? { generation?[SalesforceWire.toolInvocations] }

    /// Nil while there is none.
    var finishReason: FinishReason? {
        let places = [
            generation?[SalesforceWire.parameters]?[SalesforceWire.finishReason],
            generation?[SalesforceWire.parameters]?[SalesforceWire.stopReason],
            generation?[SalesforceWire.finishReason],
            parameters?[SalesforceWire.stopReason], parameters?[SalesforceWire.finishReason],
            root[SalesforceWire.stopReason],
        ]
        for place in places {
            guard let word = place?.string, !word.isEmpty else { continue }
            return Self.reason(word)
        }
        return nil
    }

    private static func reason(_ word: ByteSlice) -> FinishReason {
        for (name, reason) in reasons where word.equalsIgnoringCase(name) { return reason }
        return .other
    }

    /// The words of all makers, in small letters.
    private static let reasons: [(StaticString, FinishReason)] = [
        ("stop", .stop), ("end_turn", .stop), ("stop_sequence", .stop), ("length", .length),
        ("max_tokens", .length), ("tool_calls", .toolCalls), ("tool_use", .toolCalls),
        ("content_filter", .contentFilter), ("safety", .contentFilter), ("refusal", .contentFilter),
    ]

    var usage: Usage? {
        for place in [parameters?[SalesforceWire.usage], root[SalesforceWire.usage]] {
            guard let place, place.kind == .object else { continue }
            var usage = Usage()
            usage.inputTokens = Self.count(place, SalesforceWire.inputTokens)
            usage.outputTokens = Self.count(place, SalesforceWire.outputTokens)
            usage.totalTokens = Self.count(place, SalesforceWire.totalTokens)
            if usage.totalTokens == 0 {
                usage.totalTokens = usage.inputTokens + usage.outputTokens
            }
            usage.cachedTokens = Self.count(
                place[SalesforceWire.promptTokensDetails], [SalesforceWire.cachedTokens])
            usage.reasoningTokens = Self.count(
                place[SalesforceWire.completionTokensDetails], [SalesforceWire.reasoningTokens])
            return usage
        }
        return nil
    }

    /// Bounded, so that sums of counts cannot overflow.
    private static func count(_ place: JSONValue?, _ names: [StaticString]) -> Int {
        for name in names {
            if let count = place?[name]?.int { return min(max(count, 0), 1 << 48) }
        }
        return 0
    }

    var start: AnswerStart {
        AnswerStart(
            id: root[SalesforceWire.id]?.string ?? .empty,
            model: parameters?[SalesforceWire.model]?.string ?? .empty,
            createdSeconds: parameters?[SalesforceWire.created]?.int)
    }

    /// Why this is no answer: an error under a status of success is one all the same.
    var failure: Failure? {
        let error = root[SalesforceWire.error]
        let code = root[SalesforceWire.errorCode]?.string
        guard code != nil || (error.map { !$0.isNull } ?? false) else { return nil }
        return Failure(.upstreamFault, SalesforceErrorDecoder.message(in: root))
    }
}

extension JSONElements {
    fileprivate var first: JSONValue? {
        var copy = self
        return copy.next()
    }
}
