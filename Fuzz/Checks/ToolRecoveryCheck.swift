// ToolRecoveryCheck.swift — what must hold of the repair of tool calls for any bytes.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore

/// Checks of recovery, of the incremental checker and of calls read out of text.
package enum ToolRecoveryCheck {
    package static func run(_ bytes: [UInt8]) -> String? {
        recovery(bytes) ?? checker(bytes) ?? text(bytes)
    }

    /// What comes out is a JSON object of bounded size; what was one is as it was.
    private static func recovery(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { raw -> String? in
            var out = ByteBuffer()
            let level = ArgumentRecovery.recover(ByteSlice(raw), into: &out)
            guard level != nil else { return out.isEmpty ? nil : "something of nothing" }
            if !isObject(out.slice) { return "no object: \(out.string)" }
            // An invalid byte becomes three, and a control character six.
            if out.count > 6 * bytes.count + 16 { return "too long" }
            if isObject(ByteSlice(raw)), level != .untouched { return "touched" }
            var again = ByteBuffer()
            let second = ArgumentRecovery.recover(out.slice, into: &again)
            return second == .untouched && again.slice == out.slice ? nil : "not stable"
        }
    }

    private static func isObject(_ text: ByteSlice) -> Bool {
        do throws(JSONFailure) { return try JSONScanner.validate(text) == .object } catch {
            return false
        }
    }

    /// What is closed is JSON; a complete text is closed with nothing; pieces make no difference.
    private static func checker(_ bytes: [UInt8]) -> String? {
        // Text comes out of JSON strings: as UTF-8.
        let bytes = Array(String(decoding: bytes, as: UTF8.self).utf8)
        var whole = ArgumentChecker()
        var pieces = ArgumentChecker()
        var closed = ByteBuffer()
        return bytes.withUnsafeBytes { raw -> String? in
            let text = ByteSlice(raw)
            whole.take(text)
            for index in 0..<text.count { pieces.take(text[index..<index + 1]) }
            if whole.verdict != pieces.verdict { return "not the same in pieces" }
            closed.append(text)
            whole.appendClosing(to: &closed)
            let failure = failure(of: closed.slice)
            // Only the scanner bounds numbers.
            if failure?.kind == .invalidNumber { return nil }
            switch whole.verdict {
            case .broken: return failure == nil ? "broken, but valid" : nil
            case .empty, .complete, .open: return failure.map { "closed, but \($0)" }
            }
        }
    }

    private static func failure(of text: ByteSlice) -> JSONFailure? {
        do throws(JSONFailure) {
            try JSONScanner.validate(text)
            return nil
        } catch { return error }
    }

    // MARK: Calls in text

    /// Events come in order, arguments are objects, and pieces make no difference.
    private static func text(_ bytes: [UInt8]) -> String? {
        let whole = parse(bytes) { bytes.count }
        if let complaint = whole.complaint { return complaint }
        var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
        let pieces = parse(bytes) { Int.random(in: 1...8, using: &random) }
        if let complaint = pieces.complaint { return "in pieces: \(complaint)" }
        return whole.said == pieces.said ? nil : "calls are not the same in pieces"
    }

    private static func parse(
        _ bytes: [UInt8], nextLength: () -> Int
    ) -> (said: [UInt8], complaint: String?) {
        var request = ModelRequest()
        for name in ["get_weather", "search"] as [StaticString] {
            request.tools.append(
                ToolDefinition(name: ByteSlice(name), kind: .function(parameters: nil)))
        }
        var parser = TextToolParser(request, seed: 1)
        var repair = ToolCallRepair(request, mode: .hold, seed: 2)
        var order = EventOrder()
        var response = ModelResponse()
        var complaint: String?
        func take(_ event: ModelEvent) {
            if let violation = order.check(event) {
                complaint = complaint ?? "\(violation) at \(event)"
            }
            if complaint == nil { response.add(event) }
        }
        func pass(_ event: ModelEvent) { parser.pass(event) { repair.pass($0, take) } }
        pass(.started(AnswerStart()))
        pass(.partOpened(choice: 0, .text))
        var from = 0
        while from < bytes.count {
            let until = min(bytes.count, from + max(1, nextLength()))
            Array(bytes[from..<until]).withUnsafeBytes { pass(.delta(choice: 0, ByteSlice($0))) }
            from = until
        }
        pass(.partClosed(choice: 0))
        pass(.finished(choice: 0, Finish(.stop)))
        pass(.ended)
        var said: [UInt8] = []
        for part in response.choices.first?.parts ?? [] {
            said += part.id + part.name + part.text + [0]
            guard case .toolCall = part.kind else { continue }
            let isJSON = part.text.withUnsafeBytes { isObject(ByteSlice($0)) }
            if !isJSON { complaint = complaint ?? "arguments are no object" }
        }
        if !repair.counts.isEmpty { complaint = complaint ?? "a call that was made needs repair" }
        return (said, complaint)
    }
}
