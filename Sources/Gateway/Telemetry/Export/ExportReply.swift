// ExportReply.swift — what a collector's answer means for the batch it was sent. Pure; reads OTLP/HTTP
// and Langfuse's older ingestion. Sources: OTLP 1.x specification, "OTLP/HTTP response"; Langfuse's API.

import GatewayCodec
import ReactorCore

/// The verdict on one batch.
package enum ExportReply: Equatable, Sendable {
    /// It is there, but for so many of its records.
    case taken(refused: Int)
    /// It will never be taken.
    case refused
    /// To be sent again.
    case again
    /// This way of sending does not exist there any more.
    case gone

    /// Bytes of an answer that are looked at.
    package static let bodyBytesMax = 256 * 1024

    /// OTLP/HTTP: 429, 502, 503 and 504 may be sent again, and nothing else may.
    package static func otlp(
        status: Int, body: ByteSlice, _ arena: JSONArena
    ) -> ExportReply {
        switch status {
        case 200..<300: .taken(refused: rejectedCount(body, arena))
        case 429, 502, 503, 504: .again
        default: .refused
        }
    }

    /// A partial success tells how many were left out, as a decimal string or a number.
    private static func rejectedCount(_ body: ByteSlice, _ arena: JSONArena) -> Int {
        guard !body.isEmpty else { return 0 }
        do throws(JSONFailure) {
            let tree = try arena.read(body)
            guard let partial = tree.root["partialSuccess"] else { return 0 }
            let value = partial["rejectedSpans"] ?? partial["rejectedDataPoints"]
            return max(value?.int ?? value?.string?.decimalValue ?? 0, 0)
        } catch {
            return 0
        }
    }

    /// 207 lists what became of each event. One that the server failed at is worth another try, and
    /// the whole batch goes again: the ids of events keep them from being counted twice.
    package static func ingestion(
        status: Int, body: ByteSlice, _ arena: JSONArena
    ) -> ExportReply {
        switch status {
        case 200..<300: break
        case 404, 410: return .gone
        case 429, 500...: return .again
        default: return .refused
        }
        guard !body.isEmpty else { return .taken(refused: 0) }
        do throws(JSONFailure) {
            let tree = try arena.read(body)
            return verdict(on: tree.root["errors"])
        } catch {
            return .taken(refused: 0)
        }
    }

    private static func verdict(on errors: JSONValue?) -> ExportReply {
        guard let errors else { return .taken(refused: 0) }
        var refused = 0
        for error in errors.elements {
            if error["status"]?.int ?? 400 >= 500 { return .again }
            for name in ["message", "error"] as [StaticString] {
                if let text = error[name]?.string, text.string.contains("not accepted") {
                    return .gone
                }
            }
            refused += 1
        }
        return .taken(refused: refused)
    }
}
