// EventLine.swift — the program's own lines in the log: what happens to the process and its workers.

import GatewayCodec
import GatewayExchange
import GatewayTelemetry
import ReactorCore

enum EventLine {
    /// Appends time, level, event and what `fields` adds, where lines of this level are written, and
    /// writes it out.
    static func append(
        _ event: String, level: String = "info", to log: LogSink, now: (Int, Int),
        fields: (inout JSONWriter) -> Void = { _ in }
    ) {
        let level = LogLevel(rawValue: level) ?? .info
        guard log.takes(level) else { return }
        log.append {
            LogLine.append(event, level: level, at: now, as: log.format, to: &$0, fields: fields)
        }
        log.flush()
    }
}
