// SimulatorPlay.swift — plays a script to its end without a clock, for the tests beside it.

import GatewayCodec
import ReactorCore

@testable import GatewayProviders

/// Everything that one script did.
struct Play: Equatable {
    struct Body: Equatable {
        /// Since the request.
        var nanoseconds: UInt64
        var text: String
    }

    var status = 0
    var contentType = ""
    var bodyBytes: Int?
    var fields: [String: String] = [:]
    var headNanoseconds: UInt64?
    var bodies: [Body] = []
    /// `end`, `cut`, `reset` or `hang`.
    var ending = ""
    var endNanoseconds: UInt64 = 0
    var steps = 0

    var text: String { bodies.map(\.text).joined() }

    /// The data of every event, which must be framed as `data: ...` and an empty line.
    var events: [String] {
        precondition(text.isEmpty || text.hasSuffix("\n\n"), "unfinished event: \(text.suffix(80))")
        return text.split(separator: "\n\n").map { event in
            precondition(event.hasPrefix("data: ") && !event.contains("\n"), "\(event)")
            return String(event.dropFirst(6))
        }
    }

    init(_ script: consuming SimulatorScript) {
        var now: UInt64 = 0
        var out = ByteBuffer()
        while let step = script.next() {
            now += step.delayNanoseconds
            steps += 1
            precondition(steps < 1_000_000, "a script without an end")
            precondition(ending.isEmpty, "a step behind the last")
            switch step.action {
            case .head(let head):
                precondition(headNanoseconds == nil && bodies.isEmpty, "a second head")
                headNanoseconds = now
                status = head.status
                contentType = "\(head.contentType)"
                bodyBytes = head.bodyBytes
                for field in head.fields { fields["\(field.name)"] = "\(field.value)" }
            case .body:
                precondition(headNanoseconds != nil, "a body before the head")
                out.removeAll()
                script.write(into: &out)
                bodies.append(Body(nanoseconds: now, text: out.string))
            case .end: ending = "end"
            case .cut: ending = "cut"
            case .reset: ending = "reset"
            case .hang: ending = "hang"
            }
        }
        endNanoseconds = now
    }
}

/// Asks the standalone service.
func play(
    _ body: String, to target: String = "/v1/chat/completions", method: String = "POST",
    _ settings: SimulatorSettings = SimulatorSettings(), ordinal: UInt64 = 0
) -> Play {
    let arena = JSONArena()
    return method.withByteSlice { method in
        target.withByteSlice { target in
            body.withByteSlice { body in
                Play(
                    SimulatorScript.answer(
                        method: method, target: target, body: body, arena: arena,
                        settings: settings, created: 1_767_225_600, ordinal: ordinal))
            }
        }
    }
}

/// A chat request about nothing; `more` are further members.
func chat(_ model: String = "sim", text: String = "Hello", _ more: String = "") -> String {
    #"{"model":"\#(model)","messages":[{"role":"user","content":"\#(text)"}]\#(more)}"#
}

/// JSON as Swift values, for comparing and for reaching into.
indirect enum JSON: Equatable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSON])
    case object([String: JSON])

    /// Nil for text that is not JSON.
    init?(_ text: String) {
        var bytes = ByteBuffer()
        bytes.append(text)
        do throws(JSONFailure) {
            let tree = try JSONArena().read(bytes.slice)
            self.init(tree.root)
        } catch {
            return nil
        }
    }

    init(_ value: JSONValue) {
        switch value.kind {
        case .null: self = .null
        case .bool: self = .bool(value.bool ?? false)
        case .number: self = .number(value.double ?? 0)
        case .string: self = .string(value.string?.string ?? "")
        case .array: self = .array(value.elements.map { JSON($0) })
        case .object:
            self = .object(
                Dictionary(value.members.map { ($0.name.string, JSON($0.value)) }) { a, _ in a })
        }
    }

    subscript(name: String) -> JSON? {
        guard case .object(let members) = self else { return nil }
        return members[name]
    }

    subscript(index: Int) -> JSON? {
        guard case .array(let elements) = self, index < elements.count else { return nil }
        return elements[index]
    }

    var string: String? {
        guard case .string(let text) = self else { return nil }
        return text
    }

    var int: Int? {
        guard case .number(let number) = self else { return nil }
        return Int(number)
    }

    var array: [JSON] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    var keys: Set<String> {
        guard case .object(let members) = self else { return [] }
        return Set(members.keys)
    }
}
