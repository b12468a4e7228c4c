// LogLine.swift — lines of the log that are not a request's own: an event with a few fields, as JSON or,
// for terminals, as text. Pure. Written by Exchange and by the program.

import GatewayCodec
import ReactorCore

/// How important a line is.
package enum LogLevel: String, CaseIterable, Comparable, Sendable {
    case debug, info, warning, error

    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }

    /// Asked for every line: what stands for all that can be compared is no plain comparison.
    package static func >= (left: LogLevel, right: LogLevel) -> Bool { left.rank >= right.rank }

    /// As it stands in a line.
    var name: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .warning: "warning"
        case .error: "error"
        }
    }
}

package enum LogLine {
    /// Appends one line, its line end included. `fields` writes members of an object.
    package static func append(
        _ event: String, level: LogLevel, at time: (seconds: Int, milliseconds: Int),
        as format: LogFormat, to line: inout ByteBuffer,
        fields: (inout JSONWriter) -> Void = { _ in }
    ) {
        var stamp = ByteBuffer()
        HTTPDate.appendTimestamp(
            secondsSince1970: time.seconds, milliseconds: time.milliseconds, to: &stamp)
        switch format {
        case .json:
            line.writeJSON { json in
                json.beginObject()
                json.field("time", stamp.slice)
                json.field("level", level.name)
                json.field("event", text: event)
                fields(&json)
                json.endObject()
            }
        case .text:
            line.append(stamp.slice)
            line.append(ASCII.space)
            line.append(level.name)
            line.append(ASCII.space)
            line.append(event)
            appendText(fields, to: &line)
        }
        line.append(ASCII.lf)
    }

    /// ` name=value` for each member; texts in quotes.
    private static func appendText(
        _ fields: (inout JSONWriter) -> Void, to line: inout ByteBuffer
    ) {
        var object = ByteBuffer()
        object.writeJSON { json in
            json.beginObject()
            fields(&json)
            json.endObject()
        }
        var scanner = JSONScanner(object.slice)
        do throws(JSONFailure) {
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                line.append(ASCII.space)
                line.append(scanner.bytes(member.key.range))
                line.append(UInt8(ascii: "="))
                line.append(scanner.bytes(member.value.range))
            }
        } catch {
            preconditionFailure("a line of ours is no JSON: \(error)")
        }
    }
}
