// EventLog.swift — an answer's events as lines of text, to be compared with a golden file.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Renders events, one a line, and checks their order.
///
///     started id="c" model="m" created=1
///     open 0 toolCall id="call_1" name="wx"
///     delta 0 "{}"
///     close 0
///     finished 0 toolCalls
///     usage input=1 output=2 total=3
///     ended
package struct EventLog {
    package private(set) var lines: [String] = []
    /// What was wrong with an event at its place.
    package private(set) var violations: [String] = []
    private var order = EventOrder()

    package init() {}

    package var text: String { lines.joined(separator: "\n") }

    /// Whether the terminal event has come.
    package var isOver: Bool { order.isOver }

    package mutating func add(_ event: ModelEvent) {
        let line = Self.line(event)
        if let violation = order.check(event) {
            violations.append("\(violation) at line \(lines.count + 1): \(line)")
        }
        lines.append(line)
    }

    /// The lines, neighbouring deltas of a part joined: what an answer says, however it was cut.
    package var joined: [String] {
        var joined: [String] = []
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 2)
            guard words[0] == "delta", words.count == 3, let last = joined.last,
                last.hasPrefix("delta \(words[1]) ")
            else {
                joined.append(line)
                continue
            }
            joined[joined.count - 1] = String(last.dropLast() + words[2].dropFirst())
        }
        return joined
    }

    private static func line(_ event: ModelEvent) -> String {
        switch event {
        case .started(let start):
            let created = start.createdSeconds.map { " created=\($0)" } ?? ""
            return "started id=\(quoted(start.id)) model=\(quoted(start.model))\(created)"
        case .partOpened(let choice, let start): return "open \(choice) \(word(start))"
        case .delta(let choice, let text): return "delta \(choice) \(quoted(text))"
        case .signature(let choice, let text): return "signature \(choice) \(quoted(text))"
        case .partClosed(let choice): return "close \(choice)"
        case .finished(let choice, let finish):
            let stop = finish.stopSequence.map { " at \(quoted($0))" } ?? ""
            return "finished \(choice) \(finish.reason)\(stop)"
        case .usage(let usage): return line(usage)
        case .ended: return "ended"
        case .failed(let failure): return line(failure)
        }
    }

    private static func word(_ start: PartStart) -> String {
        switch start {
        case .text: "text"
        case .reasoning: "reasoning"
        case .redactedReasoning: "redactedReasoning"
        case .refusal: "refusal"
        case .toolCall(let id, let name, let isCustom):
            "\(isCustom ? "customCall" : "toolCall") id=\(quoted(id)) name=\(quoted(name))"
        case .image(let type): "image type=\(quoted(type))"
        }
    }

    private static func line(_ usage: Usage) -> String {
        var line = "usage input=\(usage.inputTokens) output=\(usage.outputTokens)"
        line += " total=\(usage.totalTokens)"
        if usage.cachedTokens != 0 { line += " cached=\(usage.cachedTokens)" }
        if usage.cacheWriteTokens != 0 { line += " cacheWrite=\(usage.cacheWriteTokens)" }
        if usage.reasoningTokens != 0 { line += " reasoning=\(usage.reasoningTokens)" }
        return line
    }

    private static func line(_ failure: Failure) -> String {
        var line = "failed \(failure.kind) \(quoted(failure.message))"
        if let parameter = failure.parameter { line += " parameter=\(parameter)" }
        if let type = failure.reportedType { line += " type=\(type)" }
        if let code = failure.reportedCode { line += " code=\(code)" }
        if let seconds = failure.retryAfter { line += " retryAfter=\(seconds)" }
        return line
    }

    private static func quoted(_ text: String) -> String { text.withByteSlice { quoted($0) } }

    private static func quoted(_ text: ByteSlice) -> String {
        var buffer = ByteBuffer()
        buffer.append(jsonString: text)
        return buffer.string
    }
}
