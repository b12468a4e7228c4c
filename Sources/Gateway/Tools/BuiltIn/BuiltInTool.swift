// BuiltInTool.swift — functions that the gateway itself runs when a model calls them.
// Pure and safe: no file, no network, no clock; what they need is handed in. A new one is a value
// in `BuiltInTool.all`. Used by ToolLoopMachine.

import GatewayCodec
import GatewayModel
import ReactorCore

/// What a built-in function may know of the world.
package struct BuiltInContext {
    /// Seconds since 1970.
    package var nowSeconds: Int
    /// The bytes of a zone's file in the tz database; nil if there is none. Called with sane names
    /// only (`TimeZoneRules.isSane`).
    package var zoneFile: (ByteSlice) -> [UInt8]?

    package init(nowSeconds: Int, zoneFile: @escaping (ByteSlice) -> [UInt8]?) {
        self.nowSeconds = nowSeconds
        self.zoneFile = zoneFile
    }
}

/// Why a call has no result: a sentence for the model, which may call again.
package struct BuiltInFailure: Error, Equatable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }
}

/// One function.
package struct BuiltInTool: Sendable {
    package typealias Run =
        @Sendable (JSONValue, BuiltInContext, inout ByteBuffer) throws(BuiltInFailure) -> Void

    package let name: StaticString
    package let description: StaticString
    /// A JSON Schema.
    package let parameters: StaticString
    /// Writes the result of a call with these arguments, an object: text for the model.
    package let run: Run

    package init(
        name: StaticString, description: StaticString, parameters: StaticString, run: @escaping Run
    ) {
        self.name = name
        self.description = description
        self.parameters = parameters
        self.run = run
    }

    /// The functions that there are; configuration and requests choose among them by name.
    package static let all = [calculate, getTime]

    package static func named(_ name: ByteSlice) -> BuiltInTool? {
        all.first { name == $0.name }
    }

    static let calculate = BuiltInTool(
        name: "calculate",
        description: """
            Computes an arithmetic expression exactly as written, with + - * / // % ^ ! and \
            functions such as sqrt, ln, log10, sin, round, min and max. Angles are in radians.
            """,
        parameters: """
            {"type":"object","properties":{"expression":{"type":"string","description":\
            "The expression, such as (2 + 3) * sqrt(16)"}},"required":["expression"]}
            """,
        run: { arguments, _, out throws(BuiltInFailure) in
            guard let expression = arguments["expression"]?.string else {
                throw BuiltInFailure("The argument 'expression' must be a string.")
            }
            do throws(CalculatorFailure) {
                let value = try Calculator.value(of: expression)
                out.writeJSON { json in
                    json.beginObject()
                    json.field("expression", expression)
                    json.key("result")
                    Calculator.text(of: value).withByteSlice { json.raw($0) }
                    json.endObject()
                }
            } catch { throw BuiltInFailure("No result: \(error).") }
        })

    static let getTime = BuiltInTool(
        name: "get_time",
        description: "Tells the current date and time, in UTC or in a time zone.",
        parameters: """
            {"type":"object","properties":{"timezone":{"type":"string","description":\
            "A name such as Europe/Oslo, or an offset such as +05:30; UTC if it is left out"}}}
            """,
        run: { arguments, context, out throws(BuiltInFailure) in
            let given = arguments["timezone"] ?? arguments["tz"]
            let name = given?.string.map(ArgumentRecovery.trimmed) ?? .empty
            let zone = name.isEmpty ? ByteSlice("UTC" as StaticString) : name
            let rules = try BuiltInTool.rules(of: zone, context)
            let offset = rules.offset(at: context.nowSeconds)
            BuiltInTool.write(context.nowSeconds, offset, zone, to: &out)
        })

    private static func rules(
        of zone: ByteSlice, _ context: BuiltInContext
    ) throws(BuiltInFailure) -> TimeZoneRules {
        if let rules = TimeZoneRules(offset: zone) { return rules }
        if TimeZoneRules.isSane(zone), let file = context.zoneFile(zone),
            let rules = TimeZoneRules(file: file)
        {
            return rules
        }
        throw BuiltInFailure(
            "The time zone is not known. Use a name such as Europe/Oslo or an offset such as +02:00."
        )
    }

    private static func write(
        _ now: Int, _ offset: TimeZoneRules.Offset, _ zone: ByteSlice, to out: inout ByteBuffer
    ) {
        let time = CivilTime(epochSeconds: now, offsetSeconds: offset.seconds)
        var sign = ByteBuffer()
        let minutes = abs(offset.seconds) / 60
        sign.append(UInt8(ascii: offset.seconds < 0 ? "-" : "+"))
        for value in [minutes / 60, minutes % 60] {
            if value < 10 { sign.append(ASCII.zero) }
            sign.append(decimal: value)
            if sign.count == 3 { sign.append(ASCII.colon) }
        }
        var spelled = ByteBuffer()
        time.append(to: &spelled)
        spelled.append(sign.slice)
        out.writeJSON { json in
            json.beginObject()
            json.field("time", spelled.slice)
            json.field("weekday", CivilTime.weekdayNames[time.weekday])
            json.field("timezone", zone)
            json.field("utc_offset", sign.slice)
            json.field("daylight_saving", offset.isDaylight)
            json.field("unix", now)
            json.endObject()
        }
    }
}
