// StreamPlay.swift — bytes of an event stream through a decoder, into a log.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport

enum StreamPlay {
    /// Calls `body` with a context that always draws the same ids.
    static func withContext<Result>(
        model: String = "upstream-model", _ body: (ProviderContext) -> Result
    ) -> Result {
        model.withByteSlice {
            body(ProviderContext(model: $0, arena: JSONArena(), ids: IDSource(seed: 1)))
        }
    }

    /// The events that a decoder makes of a stream's bytes, fed in pieces of a length.
    static func log(
        _ text: String, pieceLength: Int = .max,
        _ decoder: consuming ProviderStreamDecoder
    ) -> EventLog {
        var log = EventLog()
        var decoder = decoder
        withContext { context in
            var parser = EventStreamParser()
            let bytes = Array(text.utf8)
            var from = 0
            while from < bytes.count {
                let until = from + min(pieceLength, bytes.count - from)
                // Memory of its own, so that a slice kept too long is caught by the sanitizer.
                let piece = ByteBuffer(bytes[from..<until])
                var input = piece.slice
                while let event = try? parser.next(&input) {
                    decoder.decode(event, context) { log.add($0) }
                }
                from = until
            }
            decoder.finish(context) { log.add($0) }
        }
        return log
    }

    /// The events of a whole answer.
    static func log(whole text: String, _ codec: AnswerCodec) -> EventLog {
        var log = EventLog()
        withContext { context in
            text.withByteSlice { body in codec.decode(body, context) { log.add($0) } }
        }
        return log
    }

    /// What is wrong with a golden file whose block `stream` or `body` is decoded: each stream is
    /// also cut at every byte.
    static func complaint(_ golden: GoldenFile, _ codec: AnswerCodec) -> String? {
        if let block = golden.block("stream") {
            let stream = block + "\n\n"
            let log = log(stream, codec.openStream())
            for length in [1, 2, 3, 7] {
                let cut = Self.log(stream, pieceLength: length, codec.openStream())
                guard cut.lines == log.lines else {
                    return "\(golden): cut each \(length): \(cut.text)"
                }
            }
            return golden.complaint("events", found: log.text)
        }
        guard let body = golden.block("body") else { return nil }
        return golden.complaint("events", found: log(whole: body, codec).text)
    }
}

extension ByteBuffer {
    init(_ bytes: ArraySlice<UInt8>) {
        self.init()
        bytes.withUnsafeBytes { append(ByteSlice($0)) }
    }
}
