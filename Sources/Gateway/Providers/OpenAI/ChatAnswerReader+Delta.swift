// ChatAnswerReader+Delta.swift — reads one delta, or one whole message, in the order of meaning:
// thoughts, text, refusal, images, calls.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension ChatAnswerReader {
    private static let deltaNames = JSONNames(
        ChatWire.content, ChatWire.reasoningContent, ChatWire.reasoning, ChatWire.refusal,
        ChatWire.toolCalls, ChatWire.functionCall, ChatWire.images, ChatWire.extraContent,
        ChatWire.reasoningSignature, ChatWire.reasoningRedacted)
    private static let partNames = JSONNames(
        ChatWire.type, ChatWire.text, ChatWire.refusal, ChatWire.thinking, ChatWire.imageURL)
    private static let urlNames = JSONNames(ChatWire.url)
    private static let callNames = JSONNames(
        ChatWire.index, ChatWire.id, ChatWire.function, ChatWire.custom, ChatWire.extraContent,
        ChatWire.type)
    private static let functionNames = JSONNames(
        ChatWire.name, ChatWire.arguments, ChatWire.input)
    private static let googleNames = JSONNames(ChatWire.google)
    private static let signatureNames = JSONNames(ChatWire.thoughtSignature)

    /// - Parameter offset: of the delta in the document.
    mutating func readDelta(
        _ delta: ByteSlice, at offset: Int, _ choice: Int, _ emit: Emit
    ) throws(JSONFailure) {
        var spans = DeltaSpans()
        var scanner = JSONScanner(delta)
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.deltaNames) {
            switch name.index {
            case 0: spans.content = try scanner.value()
            case 1: spans.reasoningContent = try scanner.value()
            case 2: spans.reasoning = try scanner.value()
            case 3: spans.refusal = try scanner.value()
            case 4: spans.calls = try scanner.value()
            case 5: spans.function = try scanner.value()
            case 6: spans.images = try scanner.value()
            case 7: spans.textSignature = try Self.signature(&scanner)
            case 8: spans.signature = try scanner.value()
            default: spans.redacted = try scanner.value()
            }
        }
        // Where both are there, they are copies of each other.
        let thought =
            spans.reasoningContent?.isText == true
            ? spans.reasoningContent : spans.reasoning
        if let thought, thought.isText {
            add(thought, of: .reasoning, in: delta, at: offset, choice, emit)
        }
        if let signature = spans.signature { sign(signature, .reasoning, in: delta, choice, emit) }
        if let redacted = spans.redacted, redacted.isText {
            add(redacted, of: .redactedReasoning, in: delta, at: offset, choice, emit)
        }
        if let content = spans.content {
            try readContent(content, in: delta, at: offset, choice, emit)
        }
        if let signature = spans.textSignature { sign(signature, .text, in: delta, choice, emit) }
        if let refusal = spans.refusal, refusal.isText {
            add(refusal, of: .refusal, in: delta, at: offset, choice, emit)
        }
        if let images = spans.images { try readParts(images, in: delta, at: offset, choice, emit) }
        if let calls = spans.calls { try readCalls(calls, in: delta, at: offset, choice, emit) }
        if let function = spans.function, function.kind == .object {
            var scanner = JSONScanner(delta[function.range])
            var call = ChatCallSpans()
            call.index = ChatAnswerPart.functionIndex
            try Self.readFunction(&scanner, &call)
            let first = assembler.partCount(of: choice)
            add(
                call, touchedFrom: first, in: delta[function.range],
                at: offset + function.range.lowerBound, choice, emit)
        }
    }

    // MARK: Content

    private mutating func readContent(
        _ content: JSONSpan, in delta: ByteSlice, at offset: Int, _ choice: Int, _ emit: Emit
    ) throws(JSONFailure) {
        if content.kind == .array {
            try readParts(content, in: delta, at: offset, choice, emit)
        } else if content.isText {
            add(content, of: .text, in: delta, at: offset, choice, emit)
        }
    }

    /// Reads an array of parts, strings among them.
    private mutating func readParts(
        _ span: JSONSpan, in delta: ByteSlice, at offset: Int, _ choice: Int, _ emit: Emit
    ) throws(JSONFailure) {
        guard span.kind == .array else { return }
        let bytes = delta[span.range]
        let base = offset + span.range.lowerBound
        var scanner = JSONScanner(bytes)
        try scanner.beginArray()
        while try scanner.nextElement() {
            if scanner.comesObject {
                try readPart(&scanner, in: bytes, at: base, choice, emit)
            } else {
                let value = try scanner.value()
                if value.isText { add(value, of: .text, in: bytes, at: base, choice, emit) }
            }
        }
    }

    private mutating func readPart(
        _ scanner: inout JSONScanner, in bytes: ByteSlice, at base: Int, _ choice: Int,
        _ emit: Emit
    ) throws(JSONFailure) {
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.partNames) {
            switch name.index {
            case 1:
                let value = try scanner.value()
                if value.isText { add(value, of: .text, in: bytes, at: base, choice, emit) }
            case 2:
                let value = try scanner.value()
                if value.isText { add(value, of: .refusal, in: bytes, at: base, choice, emit) }
            case 3: try readThinking(&scanner, in: bytes, at: base, choice, emit)
            case 4 where scanner.comesObject:
                try scanner.beginObject()
                while try scanner.nextName(in: Self.urlNames) != nil {
                    let value = try scanner.value()
                    guard value.isText, let image = Media(dataURL: bytes[value.inside]),
                        case .data(let data) = image.source
                    else { continue }
                    add(image: data, type: image.mediaType, to: choice, emit)
                }
            default: try scanner.value()
            }
        }
    }

    /// Thoughts among the parts: a string, or parts of text again.
    private mutating func readThinking(
        _ scanner: inout JSONScanner, in bytes: ByteSlice, at base: Int, _ choice: Int,
        _ emit: Emit
    ) throws(JSONFailure) {
        guard scanner.comesArray else {
            let value = try scanner.value()
            if value.isText { add(value, of: .reasoning, in: bytes, at: base, choice, emit) }
            return
        }
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.comesObject else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            while let name = try scanner.nextName(in: Self.partNames) {
                let value = try scanner.value()
                guard name.index == 1, value.isText else { continue }
                add(value, of: .reasoning, in: bytes, at: base, choice, emit)
            }
        }
    }

    // MARK: Calls

    private mutating func readCalls(
        _ calls: JSONSpan, in delta: ByteSlice, at offset: Int, _ choice: Int, _ emit: Emit
    ) throws(JSONFailure) {
        guard calls.kind == .array else { return }
        let bytes = delta[calls.range]
        let base = offset + calls.range.lowerBound
        let first = assembler.partCount(of: choice)
        var scanner = JSONScanner(bytes)
        try scanner.beginArray()
        while try scanner.nextElement() {
            guard scanner.comesObject else {
                try scanner.value()
                continue
            }
            var call = ChatCallSpans()
            try scanner.beginObject()
            while let name = try scanner.nextName(in: Self.callNames) {
                switch name.index {
                case 0:
                    let value = try scanner.value()
                    call.index =
                        value.kind == .number ? scanner.bytes(value.range).decimalValue : nil
                case 1: call.id = try scanner.value()
                case 2 where scanner.comesObject: try Self.readFunction(&scanner, &call)
                case 3 where scanner.comesObject:
                    call.isCustom = true
                    try Self.readFunction(&scanner, &call)
                case 4: call.signature = try Self.signature(&scanner)
                case 5: call.hasType = try scanner.value().kind == .string
                default: try scanner.value()
                }
            }
            add(call, touchedFrom: first, in: bytes, at: base, choice, emit)
        }
    }

    private static func readFunction(
        _ scanner: inout JSONScanner, _ call: inout ChatCallSpans
    ) throws(JSONFailure) {
        try scanner.beginObject()
        while let name = try scanner.nextName(in: functionNames) {
            let value = try scanner.value()
            if name.index == 0 { call.name = value } else { call.arguments = value }
        }
    }

    /// The signature inside an `extra_content`, if it is there.
    private static func signature(
        _ scanner: inout JSONScanner
    ) throws(JSONFailure) -> JSONSpan? {
        var found: JSONSpan?
        guard scanner.comesObject else {
            try scanner.value()
            return nil
        }
        try scanner.beginObject()
        while try scanner.nextName(in: googleNames) != nil {
            guard scanner.comesObject else {
                try scanner.value()
                continue
            }
            try scanner.beginObject()
            while try scanner.nextName(in: signatureNames) != nil { found = try scanner.value() }
        }
        return found
    }
}

/// Where a delta says what.
private struct DeltaSpans {
    var content: JSONSpan?
    var reasoningContent: JSONSpan?
    var reasoning: JSONSpan?
    var refusal: JSONSpan?
    var calls: JSONSpan?
    var function: JSONSpan?
    var images: JSONSpan?
    var textSignature: JSONSpan?
    var signature: JSONSpan?
    var redacted: JSONSpan?
}

extension JSONSpan {
    /// Whether it is a string that says anything.
    fileprivate var isText: Bool { kind == .string && !inside.isEmpty }
}
