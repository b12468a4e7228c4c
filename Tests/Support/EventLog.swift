// EventLog.swift — canonical events as lines, for golden files and expectations.
// Each event goes through EventOrder: what breaks the grammar leaves a line that begins with `!`.

import GatewayModel
import ReactorCore

/// What was heard of one answer.
package struct EventLog {
    package private(set) var lines: [String] = []
    private var order = EventOrder()

    package init() {}

    /// Whether the terminal event has come.
    package var isOver: Bool { order.isOver }

    package var text: String { lines.joined(separator: "\n") }

    /// The log with runs of deltas of one choice joined: what does not depend on how an answer was
    /// cut into pieces.
    package var joined: String {
        var joined: [String] = []
        for line in lines {
            guard let last = joined.last, let (head, more) = Self.delta(line),
                let (lastHead, text) = Self.delta(last), head == lastHead
            else {
                joined.append(line)
                continue
            }
            joined[joined.count - 1] = "\(head)\(text.dropLast())\(more.dropFirst())"
        }
        return joined.joined(separator: "\n")
    }

    package mutating func add(_ event: ModelEvent) {
        if let violation = order.check(event) { lines.append("! \(violation)") }
        lines.append(Self.line(event))
    }

    private static func delta(_ line: String) -> (head: Substring, text: Substring)? {
        guard let quote = line.firstIndex(of: "\""),
            line[..<quote].hasSuffix(" delta ")
        else { return nil }
        return (line[..<quote], line[quote...])
    }

    private static func line(_ event: ModelEvent) -> String {
        switch event {
        case .started(let start):
            var line = "started id=\(quoted(start.id)) model=\(quoted(start.model))"
            if let created = start.createdSeconds { line += " created=\(created)" }
            return line
        case .partOpened(let choice, let start): return "\(choice) open \(words(start))"
        case .delta(let choice, let text): return "\(choice) delta \(quoted(text))"
        case .signature(let choice, let text): return "\(choice) signature \(quoted(text))"
        case .partClosed(let choice): return "\(choice) close"
        case .finished(let choice, let finish):
            var line = "\(choice) finished \(finish.reason)"
            if let stop = finish.stopSequence { line += " stop=\(quoted(stop))" }
            return line
        case .usage(let usage):
            return "usage input=\(usage.inputTokens) output=\(usage.outputTokens) "
                + "total=\(usage.totalTokens) cached=\(usage.cachedTokens) "
                + "cacheWrite=\(usage.cacheWriteTokens) reasoning=\(usage.reasoningTokens)"
        case .ended: return "ended"
        case .failed(let failure):
            var line = "failed \(failure.kind) \(failure.message.debugDescription)"
            if let type = failure.reportedType { line += " type=\(type.debugDescription)" }
            if let code = failure.reportedCode { line += " code=\(code.debugDescription)" }
            return line
        }
    }

    private static func words(_ start: PartStart) -> String {
        switch start {
        case .text: "text"
        case .reasoning: "reasoning"
        case .redactedReasoning: "redacted reasoning"
        case .refusal: "refusal"
        case .toolCall(let id, let name, let isCustom):
            "tool call id=\(quoted(id)) name=\(quoted(name))" + (isCustom ? " custom" : "")
        case .image(let mediaType): "image \(quoted(mediaType))"
        }
    }

    private static func quoted(_ text: ByteSlice) -> String { text.string.debugDescription }
}
