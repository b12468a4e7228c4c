// ChatStreamObserver.swift — watches an OpenAI stream that is relayed as it is: is each payload
// what it should be, has the answer ended, what did it use. One validating pass per payload.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What the relay lane learns from a stream on its way.
package struct ChatStreamObserver: Sendable {
    /// What to do with a payload.
    package enum Verdict: Equatable, Sendable {
        /// Pass it on.
        case chunk
        /// It carries the usage and no choice: pass it on only if the client asked for it.
        case usage
        /// The end of the stream.
        case done
        /// The upstream reports an error within the stream.
        case error(message: String, code: String?)
        /// It is not what this dialect sends.
        case malformed
    }

    /// The usage, once reported.
    package private(set) var usage: Usage?
    /// The last finish reason seen.
    package private(set) var finishReason: FinishReason?
    /// Payloads with choices so far.
    package private(set) var chunkCount = 0
    private var openChoices: UInt64 = 0
    private var startedChoices: UInt64 = 0

    package init() {}

    /// Whether every choice that began has its finish reason: then the end of the stream is a
    /// proper one even without its marker.
    package var isComplete: Bool { startedChoices != 0 && openChoices == 0 }

    /// Judges the payload of one event.
    package mutating func observe(_ payload: ByteSlice) -> Verdict {
        if payload.hasPrefix("[DONE]") { return .done }
        do throws(JSONFailure) {
            return try read(payload)
        } catch {
            return .malformed
        }
    }

    private mutating func read(_ payload: ByteSlice) throws(JSONFailure) -> Verdict {
        var scanner = JSONScanner(payload)
        try scanner.beginObject()
        var hasChoices = false
        var choiceCount = 0
        var hasUsage = false
        var error: Range<Int>?
        while let key = try scanner.nextKey() {
            let name = scanner.bytes(key.range)
            switch name.count {
            case 7 where name == ChatWire.choices && scanner.valueKind == .array:
                hasChoices = true
                choiceCount = try readChoices(&scanner)
            case 5 where name == ChatWire.usage && scanner.valueKind == .object:
                hasUsage = true
                usage = try UsageReader.read(&scanner)
            case 5 where name == ChatWire.error:
                let value = try scanner.value()
                if value.kind != .null, value.kind != .false { error = value.range }
            default:
                try scanner.value()
            }
        }
        try scanner.finish()
        if let error {
            let text = ErrorReader.read(payload[error])
            return .error(message: text.message, code: text.code)
        }
        if choiceCount > 0 {
            chunkCount += 1
            return .chunk
        }
        if hasUsage { return .usage }
        // A first chunk without choices (content filter results) is passed on as it is.
        return hasChoices ? .chunk : .malformed
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) -> Int {
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            count += 1
            guard scanner.valueKind == .object else {
                try scanner.value()
                continue
            }
            try readChoice(&scanner)
        }
        return count
    }

    private mutating func readChoice(_ scanner: inout JSONScanner) throws(JSONFailure) {
        var index = 0
        var finished = false
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            let name = scanner.bytes(member.key.range)
            if name.count == 13, name == ChatWire.finishReason, member.value.kind == .string {
                finished = true
                finishReason = FinishReason(scanner.bytes(member.value.inside))
            } else if name.count == 5, name == ChatWire.index, member.value.kind == .number {
                index = min(scanner.bytes(member.value.range).decimalValue ?? 0, 63)
            }
        }
        let bit: UInt64 = 1 << UInt64(index)
        if startedChoices & bit == 0 { openChoices |= bit }
        startedChoices |= bit
        if finished { openChoices &= ~bit }
    }
}

extension FinishReason {
    /// The reason with this spelling; `other` for an unknown one.
    init(_ text: ByteSlice) {
        if text == "stop" {
            self = .stop
        } else if text == "length" {
            self = .length
        } else if text == "tool_calls" {
            self = .toolCalls
        } else if text == "content_filter" {
            self = .contentFilter
        } else if text == "function_call" {
            self = .functionCall
        } else {
            self = .other
        }
    }
}

/// Reads a `usage` object.
enum UsageReader {
    /// The scanner stands at the object and is left behind it.
    static func read(_ scanner: inout JSONScanner) throws(JSONFailure) -> Usage {
        var usage = Usage()
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let name = scanner.bytes(key.range)
            if name == ChatWire.promptTokensDetails, scanner.valueKind == .object {
                usage.cached = try detail(ChatWire.cachedTokens, &scanner)
            } else if name == ChatWire.completionTokensDetails, scanner.valueKind == .object {
                usage.reasoning = try detail(ChatWire.reasoningTokens, &scanner)
            } else {
                let value = try scanner.value()
                guard value.kind == .number else { continue }
                let number = scanner.bytes(value.range).decimalValue ?? 0
                if name == ChatWire.promptTokens { usage.input = number }
                if name == ChatWire.completionTokens { usage.output = number }
            }
        }
        return usage
    }

    private static func detail(
        _ wanted: StaticString, _ scanner: inout JSONScanner
    ) throws(JSONFailure) -> Int {
        var number = 0
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            if member.value.kind == .number, scanner.bytes(member.key.range) == wanted {
                number = scanner.bytes(member.value.range).decimalValue ?? 0
            }
        }
        return number
    }
}

/// Reads an `error` value: an object with `message` and `code`, or a string.
enum ErrorReader {
    /// Bytes of an upstream's message that are passed on.
    static let messageBytesMax = 2048

    static func read(
        _ json: ByteSlice
    ) -> (message: String, code: String?, type: String?, param: String?) {
        var found: (message: String, code: String?, type: String?, param: String?) = (
            "The upstream reported an error.", nil, nil, nil
        )
        do throws(JSONFailure) {
            var scanner = JSONScanner(json)
            if scanner.valueKind == .string {
                let value = try scanner.value()
                found.message = text(scanner.bytes(value.inside)) ?? found.message
                return found
            }
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                guard member.value.kind == .string || member.value.kind == .number else { continue }
                let isText = member.value.kind == .string
                let value = text(
                    scanner.bytes(isText ? member.value.inside : member.value.range))
                let name = scanner.bytes(member.key.range)
                if name == ChatWire.message, let value { found.message = value }
                if name == ChatWire.code { found.code = value }
                if name == ChatWire.type { found.type = value }
                if name == ChatWire.param { found.param = value }
            }
        } catch {}
        return found
    }

    private static func text(_ inside: ByteSlice) -> String? {
        JSONString.unescaped(inside.prefix(min(inside.count, messageBytesMax)))
            ?? inside.prefix(min(inside.count, messageBytesMax)).string
    }
}
