// AnthropicUsageReader.swift — what whole answers and streams share: usage, reasons to stop, errors.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The tokens as the dialect counts them: its input leaves out what the cache gave and took. In a
/// stream later counts replace earlier ones, each by itself.
struct AnthropicUsage {
    private var uncached = 0
    private var cacheWrite = 0
    private var cacheRead = 0
    private var output = 0
    private var thoughts = 0

    /// Takes the counts that a `usage` object tells.
    mutating func take(_ value: JSONValue) {
        Self.read(value[MessagesWire.inputTokens], &uncached)
        Self.read(value[MessagesWire.cacheCreationTokens], &cacheWrite)
        Self.read(value[MessagesWire.cacheReadTokens], &cacheRead)
        Self.read(value[MessagesWire.outputTokens], &output)
        Self.read(value[MessagesWire.outputTokensDetails]?[MessagesWire.thinkingTokens], &thoughts)
    }

    var usage: Usage {
        var usage = Usage()
        usage.inputTokens = uncached + cacheWrite + cacheRead
        usage.outputTokens = output
        usage.totalTokens = usage.inputTokens + output
        usage.cachedTokens = cacheRead
        usage.cacheWriteTokens = cacheWrite
        usage.reasoningTokens = thoughts
        return usage
    }

    /// Bounded, so that sums cannot overflow.
    private static func read(_ value: JSONValue?, _ count: inout Int) {
        if let int = value?.int { count = min(max(0, int), 1 << 48) }
    }
}

enum AnthropicStopReason {
    /// Why it stopped; a word that is not known, or none, is some other reason.
    static func read(_ word: ByteSlice?) -> FinishReason {
        typealias Word = MessagesWire.Stop
        guard let word else { return .other }
        if word == Word.endTurn || word == Word.stopSequence || word == Word.pauseTurn {
            return .stop
        }
        if word == Word.toolUse { return .toolCalls }
        if word == Word.maxTokens || word == Word.contextExceeded { return .length }
        return word == Word.refusal ? .contentFilter : .other
    }
}

/// The words of an error, each bounded.
struct AnthropicReportedError {
    static let messageBytesMax = 2048
    static let wordBytesMax = 64

    var message: String?
    var type: String?
    /// A code among the details.
    var code: String?

    /// Reads an error, or what holds one, or an array of such.
    init?(_ value: JSONValue) {
        var outer = value
        if outer.kind == .array {
            var elements = outer.elements
            guard let first = elements.next() else { return nil }
            outer = first
        }
        let inner = outer[AnthropicErrorWire.error] ?? outer
        if let sentence = inner.string, !sentence.isEmpty {
            message = Self.text(sentence, Self.messageBytesMax)
            return
        }
        message = Self.text(inner[AnthropicErrorWire.message]?.string, Self.messageBytesMax)
        type = Self.text(inner[AnthropicErrorWire.type]?.string, Self.wordBytesMax)
        code = Self.text(
            inner[AnthropicErrorWire.details]?[AnthropicErrorWire.errorCode]?.string,
            Self.wordBytesMax)
        if message == nil { return nil }
    }

    /// What it amounts to inside a stream that began well, or under a status of success.
    var inBandFailure: Failure {
        typealias Kind = AnthropicErrorWire.ErrorType
        let words = message ?? "The upstream reported an error."
        var failure: Failure
        switch type {
        case "\(Kind.overloaded)":
            failure = Failure(.upstreamOverload, words, upstreamStatus: 529)
        case "\(Kind.rateLimit)":
            failure = Failure(isSpendLimit ? .upstreamQuota : .upstreamRateLimit, words)
        case "\(Kind.billing)": failure = Failure(.upstreamQuota, words)
        case "\(Kind.timeout)": failure = Failure(.upstreamTimeout, words)
        case "\(Kind.authentication)", "\(Kind.permission)":
            failure = Failure(
                .upstreamAuthentication, "The upstream did not accept the gateway's credential.")
        default:
            failure = Failure(.upstreamFault, words)
            failure.reportedType = type
        }
        return failure
    }

    var isSpendLimit: Bool { code == "\(AnthropicErrorWire.spendLimit)" }

    /// A text that is not empty, cut between two characters where it is longer than `bytesMax`.
    private static func text(_ value: ByteSlice?, _ bytesMax: Int) -> String? {
        guard let value, !value.isEmpty else { return nil }
        guard value.count > bytesMax else { return value.string }
        var end = bytesMax
        while end > 0, value[end] & 0xC0 == 0x80 { end -= 1 }
        return value.prefix(end).string
    }
}
