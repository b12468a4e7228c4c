// ChatResponseObserver.swift — is a unary body a chat completion, and what did it use? One
// validating pass; the body itself is relayed as it is.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What the relay lane learns from a unary answer.
package struct ChatResponseObserver: Sendable {
    package private(set) var usage: Usage?
    package private(set) var finishReason: FinishReason?

    package init() {}

    /// Judges a whole body that came with status 200. Nil when it may be passed on.
    package mutating func observe(_ body: ByteSlice) -> Failure? {
        do throws(JSONFailure) {
            return try read(body)
        } catch {
            return Failure(.badUpstream, "The upstream's answer is not valid JSON.")
        }
    }

    private mutating func read(_ body: ByteSlice) throws(JSONFailure) -> Failure? {
        var scanner = JSONScanner(body)
        var hasChoices = false
        var error: Range<Int>?
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let name = scanner.bytes(key.range)
            switch name.count {
            case 7 where name == ChatWire.choices && scanner.valueKind == .array:
                hasChoices = true
                try readChoices(&scanner)
            case 5 where name == ChatWire.usage && scanner.valueKind == .object:
                usage = try UsageReader.read(&scanner)
            case 5 where name == ChatWire.error:
                let value = try scanner.value()
                if value.kind == .object || value.kind == .string { error = value.range }
            default:
                try scanner.value()
            }
        }
        try scanner.finish()
        if let error, !hasChoices {
            return Failure(.badUpstream, ErrorReader.read(body[error]).message)
        }
        return hasChoices
            ? nil : Failure(.badUpstream, "The upstream's answer is not a chat completion.")
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) {
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.valueKind == .object else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            while let member = try scanner.nextMember() {
                if member.value.kind == .string,
                    scanner.bytes(member.key.range) == ChatWire.finishReason
                {
                    finishReason = FinishReason(scanner.bytes(member.value.inside))
                }
            }
        }
    }
}
