// ResponsesAnswerReader.swift — what a response object says for accounting: usage, status, error.
// Pure; leaves the scanner behind the value. Shared by the observers of streams and of whole bodies.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// A response object, as far as it matters here.
struct ResponsesAnswerReader {
    private(set) var usage: Usage?
    private(set) var error: ReportedError?
    /// The inside of the reported model's name, escapes as they stand.
    private(set) var model: Range<Int>?
    private(set) var isFailed = false
    private(set) var isIncomplete = false
    /// Whether it looks like a response at all.
    private(set) var hasOutput = false
    private var incompleteReason: FinishReason?
    private var hasCalls = false

    private static let names = JSONNames(
        ResponsesWire.usage, ResponsesWire.status, ResponsesWire.error, ResponsesWire.model,
        ResponsesWire.incompleteDetails, ResponsesWire.output)
    private static let usageNames = JSONNames(
        ResponsesWire.inputTokens, ResponsesWire.outputTokens, ResponsesWire.totalTokens,
        ResponsesWire.inputTokensDetails, ResponsesWire.outputTokensDetails)
    private static let detailNames = JSONNames(
        ResponsesWire.cachedTokens, ResponsesWire.cacheWriteTokens, ResponsesWire.reasoningTokens)
    private static let reasonNames = JSONNames(ResponsesWire.reason)
    private static let typeNames = JSONNames(ResponsesWire.type)

    /// Why the answer ended, once it has.
    var finishReason: FinishReason {
        if isIncomplete { return incompleteReason ?? .other }
        return hasCalls ? .toolCalls : .stop
    }

    /// Reads the value at hand; anything but an object says nothing.
    mutating func read(_ scanner: inout JSONScanner) throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            return
        }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            switch name.index {
            case 0: usage = try Self.usage(&scanner) ?? usage
            case 1:
                let value = try scanner.value()
                guard value.kind == .string else { continue }
                let word = scanner.bytes(value.inside)
                isFailed = word == ResponsesWire.Status.failed
                isIncomplete = word == ResponsesWire.Status.incomplete
            case 2: error = try ReportedError.read(&scanner)
            case 3:
                let value = try scanner.value()
                model = value.kind == .string ? value.inside : nil
            case 4: try readDetails(&scanner)
            default: try readOutput(&scanner)
            }
        }
    }

    private mutating func readDetails(_ scanner: inout JSONScanner) throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            return
        }
        try scanner.beginObject()
        while try scanner.nextName(in: Self.reasonNames) != nil {
            let value = try scanner.value()
            guard value.kind == .string else { continue }
            let word = scanner.bytes(value.inside)
            if word == ResponsesWire.Reason.maxOutputTokens { incompleteReason = .length }
            if word == ResponsesWire.Reason.contentFilter { incompleteReason = .contentFilter }
        }
    }

    private mutating func readOutput(_ scanner: inout JSONScanner) throws(JSONFailure) {
        guard scanner.comesArray else {
            try scanner.value()
            return
        }
        hasOutput = true
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.comesObject else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            while try scanner.nextName(in: Self.typeNames) != nil {
                let value = try scanner.value()
                guard value.kind == .string else { continue }
                let word = scanner.bytes(value.inside)
                if word == ResponsesWire.Item.functionCall || word == ResponsesWire.Item.customCall
                {
                    hasCalls = true
                }
            }
        }
    }

    /// The tokens of a `usage` value; nil unless it is an object.
    private static func usage(_ scanner: inout JSONScanner) throws(JSONFailure) -> Usage? {
        guard scanner.comesObject else {
            try scanner.value()
            return nil
        }
        var usage = Usage()
        try scanner.beginObject()
        while let name = try scanner.nextName(in: usageNames) {
            switch name.index {
            case 0: usage.inputTokens = try number(&scanner)
            case 1: usage.outputTokens = try number(&scanner)
            case 2: usage.totalTokens = try number(&scanner)
            default: try readDetail(&usage, &scanner)
            }
        }
        if usage.totalTokens == 0 {
            usage.totalTokens = min(usage.inputTokens + usage.outputTokens, countMax)
        }
        return usage
    }

    private static func readDetail(
        _ usage: inout Usage, _ scanner: inout JSONScanner
    ) throws(JSONFailure) {
        guard scanner.comesObject else {
            try scanner.value()
            return
        }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: detailNames) {
            switch name.index {
            case 0: usage.cachedTokens = try number(&scanner)
            case 1: usage.cacheWriteTokens = try number(&scanner)
            default: usage.reasoningTokens = try number(&scanner)
            }
        }
    }

    /// Bounded so that sums of counts cannot overflow.
    private static let countMax = 1 << 48

    private static func number(_ scanner: inout JSONScanner) throws(JSONFailure) -> Int {
        let value = try scanner.value()
        guard value.kind == .number else { return 0 }
        return min(scanner.bytes(value.range).decimalValue ?? 0, countMax)
    }
}
