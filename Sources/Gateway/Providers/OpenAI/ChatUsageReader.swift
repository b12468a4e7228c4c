// ChatUsageReader.swift — the parts of an OpenAI answer that stream and unary body share: usage,
// finish reason, error object.
// Pure; a function that takes a scanner to be changed finds it at the value and leaves it behind.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum ChatUsageReader {
    /// The parts of a `usage` value, in the order in which OpenAI's servers write them: 0 to 4, and
    /// within the details 5, 6 and 7.
    static let picks = JSONPicks(
        .wanted(ChatWire.promptTokens), .wanted(ChatWire.completionTokens),
        .wanted(ChatWire.totalTokens),
        .within(
            ChatWire.promptTokensDetails,
            JSONPicks(.wanted(ChatWire.cachedTokens), .wanted(ChatWire.cacheWriteTokens))),
        .within(
            ChatWire.completionTokensDetails, JSONPicks(.wanted(ChatWire.reasoningTokens))))

    /// The tokens of a `usage` value; nil unless it is an object.
    static func usage(_ scanner: inout JSONScanner) throws(JSONFailure) -> Usage? {
        let isObject = scanner.comesObject
        var found = JSONFound()
        try scanner.find(picks, &found)
        return isObject ? usage(found, from: 0, scanner) : nil
    }

    /// The tokens of a `usage` object whose parts were found under the numbers from `first` on.
    static func usage(_ found: JSONFound, from first: Int, _ scanner: JSONScanner) -> Usage {
        /// Bounded so that sums of counts cannot overflow; 0 if it is none.
        func count(_ number: Int) -> Int {
            guard let span = found[first + number], span.kind == .number else { return 0 }
            return min(scanner.bytes(span.range).decimalValue ?? 0, 1 << 48)
        }
        var usage = Usage()
        usage.inputTokens = count(0)
        usage.outputTokens = count(1)
        usage.totalTokens = count(2)
        usage.cachedTokens = count(5)
        usage.cacheWriteTokens = count(6)
        usage.reasoningTokens = count(7)
        if usage.totalTokens == 0 {
            usage.totalTokens = min(usage.inputTokens + usage.outputTokens, 1 << 48)
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
}
