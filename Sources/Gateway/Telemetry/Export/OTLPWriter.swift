// OTLPWriter.swift — the JSON form of OpenTelemetry's protocol: attributes, resources, and the frame
// around what a batch holds. Pure. Source: opentelemetry-proto 1.x, "JSON Protobuf encoding": ids are
// hexadecimal, 64-bit integers are decimal strings, enumerations are numbers, names are camelCase.

import GatewayCodec
import ReactorCore

/// What sends: the same for every record of an exporter.
package struct OTLPResource: Equatable, Sendable {
    package var serviceName = "gateway"
    package var version = ""
    /// Tells workers apart; so do numbers that only ever rise within one.
    package var instance = ""
    /// Empty: not said.
    package var environment = ""

    package init() {}

    /// Appends the value of `resource`.
    package func append(to buffer: inout ByteBuffer) {
        buffer.append("{\"attributes\":[" as StaticString)
        buffer.withAttributes { attributes in
            attributes.text("service.name", serviceName)
            attributes.text("service.version", version)
            if !instance.isEmpty { attributes.text("service.instance.id", instance) }
            if !environment.isEmpty {
                attributes.text("deployment.environment.name", environment)
            }
            attributes.text("telemetry.sdk.name", "gateway")
            attributes.text("telemetry.sdk.language", "swift")
        }
        buffer.append("]}" as StaticString)
    }

    /// Appends the value of `scope`.
    package func appendScope(to buffer: inout ByteBuffer) {
        buffer.append("{\"name\":\"gateway\",\"version\":" as StaticString)
        version.withByteSlice { buffer.append(jsonString: $0) }
        buffer.append("}" as StaticString)
    }
}

/// What stands before and behind the records of a request's body.
package struct ExportFrame: Equatable, Sendable {
    package var head: [UInt8]
    package var tail: [UInt8]

    /// Nothing.
    package static let none = ExportFrame(head: [], tail: [])

    /// Around spans.
    package static func spans(_ resource: OTLPResource) -> ExportFrame {
        var head = ByteBuffer()
        head.append("{\"resourceSpans\":[{\"resource\":" as StaticString)
        resource.append(to: &head)
        head.append(",\"scopeSpans\":[{\"scope\":" as StaticString)
        resource.appendScope(to: &head)
        head.append(",\"spans\":[" as StaticString)
        return ExportFrame(head: head.array, tail: Array("]}]}]}".utf8))
    }

    /// Around metrics.
    package static func metrics(_ resource: OTLPResource) -> ExportFrame {
        var head = ByteBuffer()
        head.append("{\"resourceMetrics\":[{\"resource\":" as StaticString)
        resource.append(to: &head)
        head.append(",\"scopeMetrics\":[{\"scope\":" as StaticString)
        resource.appendScope(to: &head)
        head.append(",\"metrics\":[" as StaticString)
        return ExportFrame(head: head.array, tail: Array("]}]}]}".utf8))
    }

    /// Around events of Langfuse's older ingestion.
    package static let events = ExportFrame(
        head: Array("{\"batch\":[".utf8), tail: Array("]}".utf8))
}

/// Writes a list of attributes; made by `ByteBuffer.withAttributes`.
struct OTLPAttributes: ~Copyable {
    private let out: UnsafeMutablePointer<ByteBuffer>
    private var isFirst = true

    fileprivate init(_ out: UnsafeMutablePointer<ByteBuffer>) { self.out = out }

    private mutating func key(_ key: StaticString) {
        if isFirst {
            isFirst = false
            out.pointee.append("{\"key\":\"" as StaticString)
        } else {
            out.pointee.append(",{\"key\":\"" as StaticString)
        }
        out.pointee.append(key)
    }

    /// What `write` appends is the value, as it stands in JSON.
    @inline(__always)
    private mutating func value(
        _ name: StaticString, _ kind: StaticString, _ write: (inout ByteBuffer) -> Void
    ) {
        key(name)
        out.pointee.append("\",\"value\":{\"" as StaticString)
        out.pointee.append(kind)
        out.pointee.append("\":" as StaticString)
        write(&out.pointee)
        out.pointee.append("}}" as StaticString)
    }

    mutating func text(_ name: StaticString, _ text: ByteSlice) {
        value(name, "stringValue") { $0.append(jsonString: text) }
    }

    mutating func text(_ name: StaticString, _ value: String) {
        value.withByteSlice { text(name, $0) }
    }

    /// A literal that needs no escaping.
    mutating func word(_ name: StaticString, _ word: StaticString) {
        escaped(name) { $0.append(word) }
    }

    /// Text that `write` appends, already escaped.
    mutating func escaped(_ name: StaticString, _ write: (inout ByteBuffer) -> Void) {
        value(name, "stringValue") {
            $0.append(ASCII.quote)
            write(&$0)
            $0.append(ASCII.quote)
        }
    }

    mutating func number(_ name: StaticString, _ number: Int) {
        value(name, "intValue") {
            $0.append(ASCII.quote)
            $0.append(decimal: number)
            $0.append(ASCII.quote)
        }
    }

    /// A JSON number as it was written.
    mutating func double(_ name: StaticString, _ literal: ByteSlice) {
        value(name, "doubleValue") { $0.append(literal) }
    }

    /// A number of billionths.
    mutating func double(_ name: StaticString, billionths: Int) {
        value(name, "doubleValue") { $0.append(billionths: billionths) }
    }

    mutating func flag(_ name: StaticString, _ flag: Bool) {
        value(name, "boolValue") { $0.append(flag ? "true" : "false" as StaticString) }
    }

    /// A list of one literal.
    mutating func words(_ name: StaticString, _ values: StaticString...) {
        key(name)
        out.pointee.append("\",\"value\":{\"arrayValue\":{\"values\":[" as StaticString)
        for (index, value) in values.enumerated() {
            out.pointee.append(
                index == 0 ? "{\"stringValue\":\"" : ",{\"stringValue\":\"" as StaticString)
            out.pointee.append(value)
            out.pointee.append("\"}" as StaticString)
        }
        out.pointee.append("]}}}" as StaticString)
    }
}

extension ByteBuffer {
    /// Appends the attributes that `body` writes, with commas between them.
    mutating func withAttributes(_ body: (inout OTLPAttributes) -> Void) {
        withUnsafeMutablePointer(to: &self) { target in
            var attributes = OTLPAttributes(target)
            body(&attributes)
        }
    }

    /// Appends `name` and a time as OTLP has it: a decimal string of nanoseconds.
    mutating func append(_ name: StaticString, time nanoseconds: Int) {
        append(name)
        append(decimal: nanoseconds)
        append(ASCII.quote)
    }
}
