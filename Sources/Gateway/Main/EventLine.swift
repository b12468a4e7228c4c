// EventLine.swift — the program's own lines in the log: what happens to the process and its workers.

import GatewayCodec
import GatewayExchange
import ReactorCore

enum EventLine {
    /// Appends `{"time":...,"level":...,"event":...,` and what `fields` adds, and writes it out.
    static func append(
        _ event: String, level: String = "info", to log: LogSink, now: (Int, Int),
        fields: (inout JSONWriter) -> Void = { _ in }
    ) {
        var time = ByteBuffer()
        HTTPDate.appendTimestamp(secondsSince1970: now.0, to: &time)
        HTTPDate.appendFraction(milliseconds: now.1, to: &time)
        log.append { line in
            line.writeJSON { json in
                json.beginObject()
                json.field("time", text: time.string)
                json.field("level", text: level)
                json.field("event", text: event)
                fields(&json)
                json.endObject()
            }
            line.append(ASCII.lf)
        }
        log.flush()
    }
}
