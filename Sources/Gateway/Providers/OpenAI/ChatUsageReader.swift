// ChatUsageReader.swift — the parts of an OpenAI answer that stream and unary body share: usage,
// finish reason, error object.
// Pure; each function takes a scanner that stands at the value and leaves it behind the value.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum ChatUsageReader {
    // Each list in the order in which OpenAI's servers write the members.
    private static let names = JSONNames(
        ChatWire.promptTokens, ChatWire.completionTokens, ChatWire.totalTokens,
        ChatWire.promptTokensDetails, ChatWire.completionTokensDetails)
    private static let cachedNames = JSONNames(
        ChatWire.cachedTokens, ChatWire.cacheWriteTokens)
    private static let reasoningNames = JSONNames(ChatWire.reasoningTokens)

    /// The tokens of a `usage` value; nil unless it is an object.
    static func usage(_ scanner: inout JSONScanner) throws(JSONFailure) -> Usage? {
        guard scanner.comesObject else {
            try scanner.value()
            return nil
        }
        var usage = Usage()
        var likely = 0
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names, likely: likely) {
            likely = name.index + 1
            switch name.index {
            case 0: usage.inputTokens = try number(&scanner)
            case 1: usage.outputTokens = try number(&scanner)
            case 2: usage.totalTokens = try number(&scanner)
            case 3:
                let counts = try detail(cachedNames, &scanner)
                usage.cachedTokens = counts.first
                usage.cacheWriteTokens = counts.second
            default: usage.reasoningTokens = try detail(reasoningNames, &scanner).first
            }
        }
        if usage.totalTokens == 0 {
            usage.totalTokens = clamped(usage.inputTokens + usage.outputTokens)
        }
        return usage
    }

    /// The finish reason at hand; nil if it is null or no string.
    static func finishReason(_ scanner: inout JSONScanner) throws(JSONFailure) -> FinishReason? {
        let value = try scanner.value()
        guard case .string = value.kind else { return nil }
        return reason(scanner.bytes(value.inside))
    }

    /// The reason that a word of the dialect means; nil for the empty word.
    static func reason(_ word: ByteSlice) -> FinishReason? {
        if word == ChatWire.stop { return .stop }
        if word == ChatWire.length { return .length }
        if word == ChatWire.toolCalls || word == ChatWire.functionCall { return .toolCalls }
        if word == ChatWire.contentFilter { return .contentFilter }
        // Some servers write "" until the answer ends.
        return word.isEmpty ? nil : .other
    }

    /// A count, bounded so that sums of counts cannot overflow; 0 if it is none.
    private static func number(_ scanner: inout JSONScanner) throws(JSONFailure) -> Int {
        clamped(try scanner.count() ?? 0)
    }

    private static func clamped(_ count: Int) -> Int { min(count, 1 << 48) }

    /// The counts of the first and the second of the names.
    private static func detail(
        _ names: JSONNames, _ scanner: inout JSONScanner
    ) throws(JSONFailure) -> (first: Int, second: Int) {
        guard scanner.comesObject else {
            try scanner.value()
            return (0, 0)
        }
        var counts = (first: 0, second: 0)
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names, likely: 0) {
            let count = try number(&scanner)
            if name.index == 0 { counts.first = count } else { counts.second = count }
        }
        return counts
    }
}
