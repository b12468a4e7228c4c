// ProviderStreamCheck.swift — what must hold of a provider's stream for any bytes, as Exchange reads it:
// events of a stream, or AWS's frames, and the decoder behind them.
// Called by the fuzz targets with made-up bytes and by the tests with the corpora.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore

/// Checks of the decoders; each answers what is wrong, or nil.
package enum ProviderStreamCheck {
    /// OpenAI's chunks.
    package static func chat(_ bytes: [UInt8]) -> String? { run(bytes, .chat, inFrames: false) }

    /// The LLM gateway's events.
    package static func salesforce(_ bytes: [UInt8]) -> String? {
        run(bytes, .salesforce, inFrames: false)
    }

    /// Anthropic's events in AWS's frames.
    package static func frames(_ bytes: [UInt8]) -> String? {
        run(bytes, .messages(isAnswerInTool: false), inFrames: true)
    }

    /// Events come in order and to one end, however the bytes are cut, and say the same.
    private static func run(_ bytes: [UInt8], _ codec: AnswerCodec, inFrames: Bool) -> String? {
        var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
        let whole = Listener(codec)
        whole.hear(bytes, inFrames) { bytes.count }
        if let complaint = whole.complaint { return complaint }
        let pieces = Listener(codec)
        pieces.hear(bytes, inFrames) { Int.random(in: 1...16, using: &random) }
        if let complaint = pieces.complaint { return "in pieces: \(complaint)" }
        return whole.said == pieces.said ? nil : "not the same in pieces"
    }
}

/// One stream's decoder, and what was made of it.
private final class Listener {
    private let context = ProviderContext(
        model: .empty, arena: JSONArena(), ids: IDSource(seed: 1))
    private var decoder: ProviderStreamDecoder
    private var order = EventOrder()
    private var response = ModelResponse()
    private(set) var complaint: String?

    init(_ codec: AnswerCodec) { decoder = codec.openStream() }

    func hear(_ bytes: [UInt8], _ inFrames: Bool, nextLength: () -> Int) {
        var parser = EventStreamParser(eventBytesMax: 1 << 20)
        var frames = AWSModelStream()
        var from = 0
        while from < bytes.count, !order.isOver {
            let until = min(bytes.count, from + max(1, nextLength()))
            // Memory of its own, so that a slice kept too long is caught by the sanitizer.
            Array(bytes[from..<until]).withUnsafeBytes { piece in
                var input = ByteSlice(piece)
                inFrames ? read(&frames, &input) : read(&parser, &input)
            }
            from = until
        }
        if !order.isOver { decoder.finish(context, take) }
        if complaint == nil, !order.isOver { complaint = "no end" }
    }

    private func read(_ parser: inout EventStreamParser, _ input: inout ByteSlice) {
        while !order.isOver, let event = try? parser.next(&input) {
            decoder.decode(event, context, take)
        }
    }

    private func read(_ frames: inout AWSModelStream, _ input: inout ByteSlice) {
        while !order.isOver {
            switch frames.next(&input) {
            case .event(let event): decoder.decode(event, context, take)
            case .failed(let failure): return take(.failed(failure))
            case .needsInput: return
            }
        }
    }

    private func take(_ event: ModelEvent) {
        // As in the exchange, nothing is read behind the end.
        guard !order.isOver else { return }
        if let violation = order.check(event) {
            complaint = complaint ?? "\(violation) at \(event)"
        }
        if complaint == nil { response.add(event) }
    }

    /// What was said, less how it was cut.
    var said: [UInt8] { response.said }
}

extension ModelResponse {
    /// What was said, less how it was cut.
    var said: [UInt8] {
        var said = id + model
        for choice in choices {
            for part in choice.parts {
                said += [0] + part.id + [1] + part.name + [2] + part.text
                said += [3] + (part.signature ?? [])
            }
            said += Array("\(choice.reason)".utf8) + (choice.stopSequence ?? [])
        }
        return said + Array("\(String(describing: failure))".utf8)
    }
}
