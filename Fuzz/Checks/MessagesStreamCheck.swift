// MessagesStreamCheck.swift — what must hold of the decoder of Messages streams for any bytes.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore

/// Checks of the decoder; each answers what is wrong, or nil.
package enum MessagesStreamCheck {
    /// Events come in order and to one end, however the bytes are cut, and are the same.
    package static func run(_ bytes: [UInt8]) -> String? {
        var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
        for isAnswerInTool in [false, true] {
            let whole = events(of: bytes, isAnswerInTool) { bytes.count }
            if let complaint = whole.complaint { return complaint }
            let pieces = events(of: bytes, isAnswerInTool) {
                Int.random(in: 1...16, using: &random)
            }
            if let complaint = pieces.complaint { return "in pieces: \(complaint)" }
            if whole.said != pieces.said { return "not the same in pieces" }
        }
        return nil
    }

    private static func events(
        of bytes: [UInt8], _ isAnswerInTool: Bool, nextLength: () -> Int
    ) -> (said: [UInt8], complaint: String?) {
        let context = ProviderContext(model: .empty, arena: JSONArena(), ids: IDSource(seed: 1))
        var parser = EventStreamParser(eventBytesMax: 1 << 20)
        var decoder = AnthropicStreamDecoder(isAnswerInTool: isAnswerInTool)
        var order = EventOrder()
        var response = ModelResponse()
        var complaint: String?
        func take(_ event: ModelEvent) {
            if let violation = order.check(event) {
                complaint = complaint ?? "\(violation) at \(event)"
            }
            if complaint == nil { response.add(event) }
        }
        var from = 0
        while from < bytes.count {
            let until = min(bytes.count, from + max(1, nextLength()))
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
        return (response.said, complaint)
    }
}
