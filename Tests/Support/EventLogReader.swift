// EventLogReader.swift — the lines of an EventLog as canonical events again: answers for golden
// files of encoders. What it cannot read is a failure of the test.

import GatewayModel
import ReactorCore

package enum EventLogReader {
    package struct Misspelled: Error, CustomStringConvertible {
        package let description: String
    }

    /// Hands out the events of `text`, one a line; slices live during the call.
    package static func play(_ text: String, _ emit: (ModelEvent) -> Void) throws {
        for line in text.split(separator: "\n") {
            var words = Words(line)
            try event(&words, emit)
            guard words.rest.isEmpty else { throw Misspelled(description: String(line)) }
        }
    }

    private static func event(_ words: inout Words, _ emit: (ModelEvent) -> Void) throws {
        let first = words.next()
        switch first {
        case "started": try started(&words, emit)
        case "usage": emit(.usage(try usage(&words)))
        case "ended": emit(.ended)
        case "failed":
            let word = words.next()
            guard let kind = Failure.Kind.allCases.first(where: { "\($0)" == word }) else {
                throw Misspelled(description: word)
            }
            var failure = Failure(kind, try words.quoted())
            failure.reportedType = try words.quoted(named: "type")
            failure.reportedCode = try words.quoted(named: "code")
            emit(.failed(failure))
        default:
            guard let choice = Int(first) else { throw Misspelled(description: first) }
            try step(choice, &words, emit)
        }
    }

    private static func started(_ words: inout Words, _ emit: (ModelEvent) -> Void) throws {
        let id = try words.quoted(named: "id") ?? ""
        let model = try words.quoted(named: "model") ?? ""
        let created = words.number(named: "created")
        id.withByteSlice { id in
            model.withByteSlice { model in
                emit(.started(AnswerStart(id: id, model: model, createdSeconds: created)))
            }
        }
    }

    private static func usage(_ words: inout Words) throws -> Usage {
        var usage = Usage()
        usage.inputTokens = words.number(named: "input") ?? 0
        usage.outputTokens = words.number(named: "output") ?? 0
        usage.totalTokens = words.number(named: "total") ?? 0
        usage.cachedTokens = words.number(named: "cached") ?? 0
        usage.cacheWriteTokens = words.number(named: "cacheWrite") ?? 0
        usage.reasoningTokens = words.number(named: "reasoning") ?? 0
        return usage
    }

    private static func step(
        _ choice: Int, _ words: inout Words, _ emit: (ModelEvent) -> Void
    ) throws {
        let word = words.next()
        switch word {
        case "delta": try words.quoted().withByteSlice { emit(.delta(choice: choice, $0)) }
        case "signature":
            try words.quoted().withByteSlice { emit(.signature(choice: choice, $0)) }
        case "close": emit(.partClosed(choice: choice))
        case "finished":
            let reason = try reason(words.next())
            guard let stop = try words.quoted(named: "stop") else {
                return emit(.finished(choice: choice, Finish(reason)))
            }
            stop.withByteSlice {
                emit(.finished(choice: choice, Finish(reason, stopSequence: $0)))
            }
        case "open": try open(choice, &words, emit)
        default: throw Misspelled(description: word)
        }
    }

    private static func reason(_ word: String) throws -> FinishReason {
        let all: [FinishReason] = [.stop, .length, .toolCalls, .contentFilter, .other]
        guard let reason = all.first(where: { "\($0)" == word }) else {
            throw Misspelled(description: word)
        }
        return reason
    }

    private static func open(
        _ choice: Int, _ words: inout Words, _ emit: (ModelEvent) -> Void
    ) throws {
        let word = words.next()
        switch word {
        case "text": emit(.partOpened(choice: choice, .text))
        case "reasoning": emit(.partOpened(choice: choice, .reasoning))
        case "refusal": emit(.partOpened(choice: choice, .refusal))
        case "redacted":
            _ = words.next()
            emit(.partOpened(choice: choice, .redactedReasoning))
        case "image":
            try words.quoted().withByteSlice {
                emit(.partOpened(choice: choice, .image(mediaType: $0)))
            }
        case "tool":
            _ = words.next()
            let id = try words.quoted(named: "id") ?? ""
            let name = try words.quoted(named: "name") ?? ""
            let isCustom = words.rest == "custom"
            if isCustom { _ = words.next() }
            id.withByteSlice { id in
                name.withByteSlice { name in
                    emit(
                        .partOpened(
                            choice: choice, .toolCall(id: id, name: name, isCustom: isCustom)))
                }
            }
        default: throw Misspelled(description: word)
        }
    }
}

/// What is left of a line.
private struct Words {
    private(set) var rest: Substring

    init(_ line: Substring) { rest = line }

    mutating func next() -> String {
        let end = rest.firstIndex(of: " ") ?? rest.endIndex
        defer { rest = rest[end...].drop { $0 == " " } }
        return String(rest[..<end])
    }

    mutating func number(named name: String) -> Int? {
        guard rest.hasPrefix("\(name)=") else { return nil }
        return Int(next().dropFirst(name.count + 1))
    }

    mutating func quoted(named name: String) throws -> String? {
        guard rest.hasPrefix("\(name)=") else { return nil }
        rest = rest.dropFirst(name.count + 1)
        return try quoted()
    }

    /// A string as Swift's debug description spells it.
    mutating func quoted() throws -> String {
        let line = rest
        guard rest.first == "\"" else {
            throw EventLogReader.Misspelled(description: String(line))
        }
        rest = rest.dropFirst()
        var text = ""
        while let letter = rest.popFirst() {
            if letter == "\"" {
                rest = rest.drop { $0 == " " }
                return text
            }
            guard letter == "\\" else {
                text.append(letter)
                continue
            }
            switch rest.popFirst() {
            case "n": text.append("\n")
            case "r": text.append("\r")
            case "t": text.append("\t")
            case "0": text.append("\0")
            case "u":
                let digits = rest.dropFirst().prefix { $0 != "}" }
                rest = rest.dropFirst(digits.count + 2)
                guard let number = UInt32(digits, radix: 16), let scalar = Unicode.Scalar(number)
                else { throw EventLogReader.Misspelled(description: String(line)) }
                text.unicodeScalars.append(scalar)
            case let letter?: text.append(letter)
            case nil: break
            }
        }
        throw EventLogReader.Misspelled(description: String(line))
    }
}
