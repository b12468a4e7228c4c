// Exchange+Notes.swift — lines beside a request's own, for those who asked for more: what an upstream
// said first (level `debug`), what its answer was made of (`log.extraction`), and the bodies themselves
// (`log.bodies`). Off, each is one branch.

import GatewayCodec
import GatewayModel
import GatewayProviders
import GatewayTelemetry
import ReactorCore

extension Exchange {
    /// Events of one stream whose shape is told.
    private static let shapedEventCountMax = 32

    /// The head of an upstream's answer has come.
    func noteHead(status: Int, contentType: ByteSlice) {
        let now = worker.loop.clock()
        note(.debug, "upstream") { json in
            json.field("provider", text: upstream?.name ?? "")
            json.field("status", status)
            json.field("content_type", contentType.prefix(min(contentType.count, 100)))
            json.field("lane", translation == nil ? "relay" : "translate" as StaticString)
            json.field("attempt", max(call.attempts, 1))
            json.field("sent_bytes", translation?.call.body.count ?? requestBytes)
            if dispatched > received {
                json.field("head_us", Int(now.nanoseconds(since: dispatched) / 1000))
            }
            if let translation, translation.call.droppedCount > 0 {
                json.field("dropped_parameters", translation.call.droppedCount)
            }
        }
    }

    /// What an answer, or an event of one, was made of: never what it said.
    func noteShape(of document: ByteSlice) {
        guard shapedCount < Self.shapedEventCountMax else { return }
        shapedCount += 1
        var shape = ByteBuffer()
        AnswerShape.append(of: document, worker.arena, to: &shape)
        // Asked for by itself: it is told at any level.
        note(nil, "extraction") { json in
            json.field("provider", text: upstream?.name ?? "")
            json.field("shape", shape.slice)
        }
    }

    /// Prompt and answer, bounded, without our credentials.
    func noteBodies(_ record: TraceRecord) {
        note(nil, "bodies") { json in
            for (name, content) in [("request", record.input), ("answer", record.output)]
                as [(StaticString, ByteSlice)] where !content.isEmpty
            {
                json.key(name)
                guard let secret, !secret.isEmpty else {
                    json.raw(content)
                    continue
                }
                let clean = SecretEraser.erase(secret, from: content.string)
                clean.withByteSlice { clean in
                    // A word that was taken out may have ended in half an escape.
                    if Self.isJSON(clean) { json.raw(clean) } else { json.value(clean) }
                }
            }
        }
    }

    private static func isJSON(_ text: ByteSlice) -> Bool {
        do throws(JSONFailure) {
            try JSONScanner.validate(text)
            return true
        } catch {
            return false
        }
    }

    /// Appends a line about this request; with a level only where that is written.
    private func note(
        _ level: LogLevel?, _ event: String, _ fields: (inout JSONWriter) -> Void
    ) {
        if let level, !worker.log.takes(level) { return }
        let (seconds, milliseconds) = worker.loop.wallClock
        worker.log.append { line in
            LogLine.append(
                event, level: level ?? .info, at: (seconds, milliseconds), as: worker.log.format,
                to: &line
            ) { json in
                json.field("request_id", requestID.slice)
                fields(&json)
            }
        }
    }
}
