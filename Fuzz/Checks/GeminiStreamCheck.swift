// GeminiStreamCheck.swift — what must hold of the decoder of Gemini streams for any bytes.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore

/// Checks of the decoder; each answers what is wrong, or nil.
package enum GeminiStreamCheck {
    /// Events come in order and to one end, however the bytes are cut, and are the same.
    package static func run(_ bytes: [UInt8]) -> String? {
        var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
        for isUnary in [false, true] {
            let whole = events(of: bytes, isUnary) { bytes.count }
            if let complaint = whole.complaint { return complaint }
            let pieces = events(of: bytes, isUnary) { Int.random(in: 1...16, using: &random) }
            if let complaint = pieces.complaint { return "in pieces: \(complaint)" }
            if whole.heard != pieces.heard { return "not the same in pieces" }
        }
        return nil
    }

    private static func events(
        of bytes: [UInt8], _ isUnary: Bool, nextLength: () -> Int
    ) -> (heard: [String], complaint: String?) {
        let context = ProviderContext(
            model: .empty, arena: JSONArena(), ids: IDSource(seed: 1),
            signatures: ThoughtSignatures(countMax: 4, bytesMax: 256))
        var parser = EventStreamParser(eventBytesMax: 1 << 20)
        var decoder = GeminiStreamDecoder(isUnary: isUnary)
        var order = EventOrder()
        var heard: [String] = []
        var complaint: String?
        func take(_ event: ModelEvent) {
            if let violation = order.check(event) {
                complaint = complaint ?? "\(violation) at \(event)"
            }
            heard.append(words(event))
        }
        var from = 0
        while from < bytes.count {
            let until = min(bytes.count, from + max(1, nextLength()))
            // Memory of its own, so that a slice kept too long is caught by the sanitizer.
            Array(bytes[from..<until]).withUnsafeBytes { piece in
                var input = ByteSlice(piece)
                while let event = try? parser.next(&input) {
                    decoder.decode(event, context, take)
                }
            }
            from = until
        }
        decoder.finish(context, take)
        if complaint == nil, !order.isOver || !decoder.isOver { complaint = "no end" }
        return (heard, complaint)
    }

    private static func words(_ event: ModelEvent) -> String {
        switch event {
        case .delta(let choice, let text): "\(choice) \(Array(text.raw))"
        case .signature(let choice, let text): "\(choice) signature \(Array(text.raw))"
        case .partOpened(let choice, .toolCall(let id, let name, _)):
            "\(choice) call \(Array(id.raw)) \(Array(name.raw))"
        case .partOpened(let choice, .image(let type)): "\(choice) image \(Array(type.raw))"
        case .partOpened(let choice, let start): "\(choice) \(start)"
        case .started(let start): "started \(Array(start.id.raw)) \(Array(start.model.raw))"
        default: "\(event)"
        }
    }
}
