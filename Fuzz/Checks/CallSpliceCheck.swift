// CallSpliceCheck.swift — what must hold of the repair of relayed answers for any bytes of an upstream.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayDoors
import GatewayExchange
import GatewayModel
import GatewayProviders
import GatewayTools
import ReactorCore

/// Checks of whole answers and of streams. The first byte chooses the door; the lines of the rest are the
/// data of a stream's events, and all of it is a whole answer.
package enum CallSpliceCheck {
    package static func run(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.first else { return nil }
        let doors: [AnswerDoor] = [.chat, .messages, .responses]
        let door = doors[Int(first) % doors.count]
        return Array(bytes.dropFirst()).withUnsafeBytes { raw in
            let text = ByteSlice(raw)
            return answer(text, at: door)
                ?? (door == .chat ? chatStream(text) : stream(text, at: door))
        }
    }

    private static func repair(_ mode: ToolCallRepair.Mode) -> ToolCallRepair {
        var request = ModelRequest()
        for name in ["get_weather", "search"] as [StaticString] {
            request.tools.append(
                ToolDefinition(name: ByteSlice(name), kind: .function(parameters: nil)))
        }
        return ToolCallRepair(request, mode: mode, seed: 1)
    }

    private static func splicer() -> CallSplicer {
        CallSplicer(repair(.hold), ids: IDSource(seed: 2))
    }

    private static func isValid(_ text: ByteSlice) -> Bool {
        do throws(JSONFailure) {
            try JSONScanner.validate(text)
            return true
        } catch { return false }
    }

    /// What was mended is JSON, and nothing is left to be mended.
    private static func answer(_ body: ByteSlice, at door: AnswerDoor) -> String? {
        guard isValid(body) else { return nil }
        let hasCalls = AnswerSplice.hasCalls(body, at: door)
        var splice = AnswerSplice(splicer())
        var out = ByteBuffer()
        guard splice.mend(body, at: door, into: &out) else {
            return out.isEmpty ? nil : "something of nothing"
        }
        if !hasCalls { return "mended where nothing is called" }
        if splice.counts.isEmpty { return "changed, but nothing is told" }
        if !isValid(out.slice) { return "no JSON: \(out.string)" }
        var again = AnswerSplice(splicer())
        var second = ByteBuffer()
        return again.mend(out.slice, at: door, into: &second)
            ? "not stable: \(out.string) and \(second.string)" : nil
    }

    /// Every event that leaves in place of another is JSON.
    private static func stream(_ text: ByteSlice, at door: AnswerDoor) -> String? {
        guard let whole = NamedStreamRepair(at: door, repair(.stream), whole: splicer()) else {
            return nil
        }
        var rest = text
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.lf) ?? rest.count
            let data = rest.prefix(end)
            rest = rest.dropFirst(min(end + 1, rest.count))
            guard isValid(data) else { continue }
            let event = EventStreamEvent(name: type(of: data), data: data, canonical: nil)
            _ = NamedStreamRepair.isDue(event, at: door)
            var complaint: String?
            let verdict = whole.take(event) { complaint = Self.complaint(about: $0) }
            if let complaint { return "\(complaint), by \(verdict)" }
        }
        return nil
    }

    /// Every chunk that leaves in place of another is JSON.
    private static func chatStream(_ text: ByteSlice) -> String? {
        let context = ProviderContext(
            model: ByteSlice("m"), arena: JSONArena(), ids: IDSource(seed: 2))
        let whole = ChatStreamRepair(
            repair(.stream), requestID: ByteSlice("r"), wantsUsage: true, isContinuation: false)
        var rest = text
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.lf) ?? rest.count
            let data = rest.prefix(end)
            rest = rest.dropFirst(min(end + 1, rest.count))
            let event = EventStreamEvent(name: .empty, data: data, canonical: nil)
            guard whole.take(event, context) == .rewritten else { continue }
            var parser = EventStreamParser()
            var input = whole.output.slice
            while let told = try? parser.next(&input) {
                guard isValid(told.data) || told.data == "[DONE]" else {
                    return "no JSON: \(told.data.string)"
                }
            }
        }
        return nil
    }

    private static func complaint(about output: ByteSlice) -> String? {
        var parser = EventStreamParser()
        var input = output
        var count = 0
        while let event = try? parser.next(&input) {
            count += 1
            if !isValid(event.data) { return "no JSON: \(event.data.string)" }
            if event.name.isEmpty { return "an event without a name" }
        }
        return count > 0 ? nil : "no event: \(output.string)"
    }

    /// The `type` of an object, where it can be an event's name; else the one of a piece.
    private static func type(of data: ByteSlice) -> ByteSlice {
        let none = ByteSlice("content_block_delta" as StaticString)
        var scanner = JSONScanner(data)
        do throws(JSONFailure) {
            guard scanner.comesObject else { return none }
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                guard data[member.key.range] == "type", member.value.kind == .string else {
                    continue
                }
                let name = data[member.value.inside]
                return name.isEmpty || name.firstIndex(of: ASCII.backslash) != nil ? none : name
            }
        } catch { return none }
        return none
    }
}
