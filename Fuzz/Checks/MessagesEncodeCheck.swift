// MessagesEncodeCheck.swift — what must hold of the encoder of Messages streams for any legal
// answer, cut by a failure anywhere or left at any event. Bytes are taken for a choice of events.
// Called by the fuzz target with made-up bytes and by the tests with the corpus and random ones.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import ReactorCore

/// Checks of the encoder; each answers what is wrong, or nil.
package enum MessagesEncodeCheck {
    /// The stream follows the dialect's grammar, and read again it says what was told of the first
    /// choice.
    package static func run(_ bytes: [UInt8]) -> String? {
        let context = AnswerContext(
            requestID: ByteSlice("req-1"), requestedModel: ByteSlice("m"), createdSeconds: 0,
            wantsUsage: true)
        var encoder = MessagesStreamEncoder(context)
        var told = ModelResponse()
        var isWhole = true
        var output = ByteBuffer()
        AnswerScript.play(bytes) { event in
            told.add(event)
            encoder.encode(event, to: &output)
            isWhole = isWhole && AnswerScript.isWholeEvents(output.slice)
            if case .failed(let failure) = event {
                AnthropicError(failure).appendEvent(requestID: context.requestID, to: &output)
            }
        }
        guard isWhole else { return "half an event" }
        return complaint(output.slice) ?? difference(output.slice, told)
    }

    // MARK: The grammar, spelled out

    private enum Place { case start, between, block(Int), stopping, end }

    private static func complaint(_ output: ByteSlice) -> String? {
        var place = Place.start
        var blocks = 0
        var parser = EventStreamParser()
        var input = output
        let arena = JSONArena()
        while let event = try? parser.next(&input) {
            guard event.canonical != nil else { return "not canonical" }
            guard let tree = try? arena.read(event.data) else { return "no JSON" }
            let name = event.name.string
            guard tree.root["type"]?.string?.string == name else { return "\(name) of other type" }
            let index = tree.root["index"]?.int
            switch (place, name) {
            case (.end, _): return "\(name) behind the end"
            case (_, "error"): place = .end
            case (.start, "message_start"):
                guard tree.root["message"]?["usage"]?["input_tokens"]?.int != nil else {
                    return "no usage at the start"
                }
                place = .between
            case (.between, "content_block_start"):
                guard index == blocks else { return "block \(blocks) is \(index ?? -1)" }
                place = .block(blocks)
                blocks += 1
            case (.block(let open), "content_block_delta"):
                guard index == open else { return "a delta of another block" }
            case (.block(let open), "content_block_stop"):
                guard index == open else { return "another block stops" }
                place = .between
            case (.between, "message_delta"):
                guard tree.root["usage"]?["output_tokens"]?.int != nil,
                    tree.root["delta"]?["stop_reason"]?.string != nil
                else { return "an end without usage or reason" }
                place = .stopping
            case (.stopping, "message_stop"): place = .end
            default: return "\(name) in \(place)"
            }
        }
        guard case .end = place else { return "ends in \(place)" }
        return parser.isBetweenEvents ? nil : "ends within an event"
    }

    // MARK: The way back

    private static func difference(_ output: ByteSlice, _ told: ModelResponse) -> String? {
        let context = ProviderContext(model: .empty, arena: JSONArena(), ids: IDSource(seed: 1))
        var decoder = AnthropicStreamDecoder()
        var order = EventOrder()
        var heard = ModelResponse()
        var complaint: String?
        func take(_ event: ModelEvent) {
            if let violation = order.check(event) { complaint = complaint ?? "\(violation)" }
            if complaint == nil { heard.add(event) }
        }
        var parser = EventStreamParser()
        var input = output
        while let event = try? parser.next(&input) { decoder.decode(event, context, take) }
        decoder.finish(context, take)
        if let complaint { return "read again: \(complaint)" }
        guard (heard.failure == nil) == (told.failure == nil) else { return "another end" }
        // An answer that broke off may have encrypted thoughts that never came out.
        if told.failure != nil { return nil }
        let expected = (told.choices.first?.parts ?? []).compactMap(text)
        let found = (heard.choices.first?.parts ?? []).compactMap(text)
        return expected == found ? nil : "\(found), not \(expected)"
    }

    /// What of a part the dialect keeps.
    private static func text(_ part: ModelResponse.Part) -> String? {
        let text = String(decoding: part.text, as: UTF8.self)
        switch part.kind {
        case .image: return nil
        case .text, .refusal: return "text \(text)"
        case .reasoning: return "thought \(text)"
        case .redactedReasoning: return "redacted \(text)"
        case .toolCall(isCustom: false): return "call \(text.isEmpty ? "{}" : text)"
        case .toolCall(isCustom: true):
            var json = ByteBuffer()
            json.append("call {\"input\":" as StaticString)
            part.text.withUnsafeBytes { json.append(jsonString: ByteSlice($0)) }
            return json.string + "}"
        }
    }
}
