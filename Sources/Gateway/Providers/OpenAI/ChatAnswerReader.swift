// ChatAnswerReader.swift — reads a chat answer, whole or a chunk of it, as servers really write them,
// and hands its pieces to the assembler.
// Pure; borrows the bytes. Only the chat decoders use it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Reads one document after another of the same answer.
struct ChatAnswerReader: ~Copyable {
    typealias Emit = (ModelEvent) -> Void

    /// What a chunk was, if it was one piece of one part: another chunk that differs in that string
    /// only is more of the same.
    struct Lesson {
        enum Target {
            case part(ChatAnswerPart.Kind)
            case arguments(call: Int)
        }

        var hole: Range<Int>
        var choice: Int
        var target: Target
    }

    var assembler: ChatAnswerAssembler
    /// Of the chunk that was read last.
    private(set) var lesson: Lesson?
    /// Whether the document that was read last spells a call otherwise than the dialect has it: its
    /// number, id or type, or arguments that are no text.
    private(set) var departs = false
    private var pieceCount = 0
    private var mayTeach = false
    /// The text of strings with escapes; valid until the next one.
    private var plain = ByteBuffer()
    private var plainID = ByteBuffer()
    private var plainName = ByteBuffer()
    private let isChunk: Bool

    private static let names = JSONNames(
        ChatWire.choices, ChatWire.usage, ErrorWire.error, ChatWire.id, ChatWire.model,
        ChatWire.created)
    private static let choiceNames = JSONNames(
        ChatWire.index, ChatWire.finishReason, ChatWire.delta, ChatWire.message,
        ChatWire.stopReason)

    init(_ context: ProviderContext, isChunk: Bool) {
        assembler = ChatAnswerAssembler(
            ids: context.ids, tellsNameless: context.tellsNamelessCalls)
        self.isChunk = isChunk
    }

    /// Reads a document. - Returns: why the answer ends with it, or nil.
    mutating func read(_ document: ByteSlice, _ emit: Emit) throws(JSONFailure) -> Failure? {
        lesson = nil
        departs = false
        pieceCount = 0
        mayTeach = true
        var scanner = JSONScanner(document)
        guard scanner.comesObject else {
            // Google's surface of this dialect puts its errors into an array.
            if scanner.comesArray, let reported = ReportedError.read(body: document) {
                return reported.inBandFailure
            }
            try scanner.value()
            try scanner.finish()
            return Failure(
                .upstreamMalformed, "The upstream sent an answer that is no JSON object.")
        }
        var top = Top()
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            switch name.index {
            case 0 where isChunk && assembler.isStarted && scanner.comesArray:
                try readChoices(&scanner, at: 0, emit)
            case 0: top.choices = try scanner.value()
            case 1: top.usage = try ChatUsageReader.usage(&scanner)
            case 2: top.failure = try ReportedError.read(&scanner)?.inBandFailure
            case 3: top.id = try scanner.value()
            case 4: top.model = try scanner.value()
            default: top.created = Self.seconds(scanner.bytes(try scanner.value().range))
            }
        }
        try scanner.finish()
        try tell(top, document, emit)
        if !mayTeach || pieceCount != 1 || top.usage != nil { lesson = nil }
        return top.failure ?? assembler.failure
    }

    /// The outermost members of a document.
    private struct Top {
        var choices: JSONSpan?
        var usage: Usage?
        var failure: Failure?
        var id: JSONSpan?
        var model: JSONSpan?
        var created: Int?
    }

    private mutating func tell(
        _ top: Top, _ document: ByteSlice, _ emit: Emit
    ) throws(JSONFailure) {
        let choices = top.choices?.kind == .array ? top.choices : nil
        if !assembler.isStarted {
            plainID.removeAll()
            plainName.removeAll()
            let id = Self.text(top.id, document, &plainID)
            let isSilent = choices == nil || choices?.range.count == 2
            // Some servers begin with a chunk that says nothing, others with pings.
            if isSilent, id.isEmpty, top.usage == nil { return }
            if top.failure != nil, isSilent { return }
            let model = Self.text(top.model, document, &plainName)
            assembler.start(
                AnswerStart(id: id, model: model, createdSeconds: top.created), emit)
        }
        if let choices {
            var scanner = JSONScanner(document[choices.range])
            try readChoices(&scanner, at: choices.range.lowerBound, emit)
        }
        if let usage = top.usage { emit(.usage(usage)) }
    }

    /// Whole seconds; some servers write fractions.
    private static func seconds(_ number: ByteSlice) -> Int? {
        let point = number.firstIndex(of: UInt8(ascii: ".")) ?? number.count
        guard number.firstIndex(of: UInt8(ascii: "e")) == nil,
            number.firstIndex(of: UInt8(ascii: "E")) == nil
        else { return nil }
        return number.prefix(point).decimalValue
    }

    // MARK: Choices

    private mutating func readChoices(
        _ scanner: inout JSONScanner, at base: Int, _ emit: Emit
    ) throws(JSONFailure) {
        var count = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            if scanner.comesObject {
                try readChoice(&scanner, position: count, at: base, emit)
            } else {
                try scanner.value()
            }
            count += 1
        }
        if count != 1 { mayTeach = false }
    }

    private mutating func readChoice(
        _ scanner: inout JSONScanner, position: Int, at base: Int, _ emit: Emit
    ) throws(JSONFailure) {
        var index: Int?
        var reason: FinishReason?
        var delta: JSONSpan?
        var stop: JSONSpan?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.choiceNames) {
            switch name.index {
            case 0:
                let value = try scanner.value()
                index = value.kind == .number ? Self.number(scanner.bytes(value.range)) : nil
            case 1: reason = try ChatUsageReader.finishReason(&scanner)
            case 2 where isChunk, 3 where !isChunk: delta = try scanner.value()
            case 4: stop = try scanner.value()
            default: try scanner.value()
            }
        }
        let choice = index ?? position
        guard assembler.begin(choice) else { return }
        if let delta, delta.kind == .object {
            try readDelta(
                scanner.bytes(delta.range), at: base + delta.range.lowerBound, choice, emit)
        }
        // A whole answer is over whatever it says.
        guard let reason = reason ?? (isChunk ? nil : .stop) else { return }
        mayTeach = false
        var finish = Finish(reason)
        if reason == .stop, let stop, stop.kind == .string {
            plain.removeAll()
            let text = scanner.bytes(stop.inside)
            if stop.hasEscapes { plain.append(jsonUnescaping: text) } else { plain.append(text) }
            finish.stopSequence = plain.slice
        }
        assembler.finish(choice, finish, emit)
    }

    /// An index; out of the dialect's range where it is no count.
    private static func number(_ digits: ByteSlice) -> Int { digits.decimalValue ?? -1 }

    // MARK: Pieces

    /// More text of a part. - Parameter offset: of the delta in the document.
    mutating func add(
        _ span: JSONSpan, of kind: ChatAnswerPart.Kind, in delta: ByteSlice, at offset: Int,
        _ choice: Int, _ emit: Emit
    ) {
        guard !span.inside.isEmpty else { return }
        teach(span, at: offset, choice, .part(kind))
        plain.removeAll()
        assembler.add(Self.text(span, delta, &plain), of: kind, to: choice, emit)
    }

    mutating func add(image data: ByteSlice, type: ByteSlice, to choice: Int, _ emit: Emit) {
        mayTeach = false
        assembler.add(image: data, type: type, to: choice, emit)
    }

    mutating func sign(
        _ span: JSONSpan, _ kind: ChatAnswerPart.Kind, in delta: ByteSlice, _ choice: Int,
        _ emit: Emit
    ) {
        guard span.kind == .string else { return }
        mayTeach = false
        plain.removeAll()
        assembler.sign(Self.text(span, delta, &plain), kind, of: choice, emit)
    }

    /// A piece of a call, by its spans.
    mutating func add(
        _ spans: ChatCallSpans, touchedFrom first: Int, in delta: ByteSlice, at offset: Int,
        _ choice: Int, _ emit: Emit
    ) {
        var piece = ChatCallPiece()
        piece.index = spans.index
        piece.isCustom = spans.isCustom
        plain.removeAll()
        plainID.removeAll()
        plainName.removeAll()
        piece.id = Self.text(spans.id, delta, &plainID)
        piece.name = Self.text(spans.name, delta, &plainName)
        if let arguments = spans.arguments, arguments.kind != .null {
            // Some servers write the object itself.
            piece.arguments =
                arguments.kind == .string
                ? Self.text(arguments, delta, &plain) : delta[arguments.range]
        }
        var signature = ByteBuffer()
        if let span = spans.signature, span.kind == .string {
            piece.signature = Self.text(span, delta, &signature)
        }
        let before = assembler.partCount(of: choice)
        let call = assembler.add(piece, touchedFrom: first, to: choice, emit)
        judge(spans, call, isNew: assembler.partCount(of: choice) > before, of: choice)
        guard let call, let arguments = spans.arguments, arguments.kind == .string,
            piece.name.isEmpty, piece.signature == nil
        else {
            mayTeach = false
            return
        }
        teach(arguments, at: offset, choice, .arguments(call: call))
    }

    /// Looks at the spelling of a piece of the call at `place`; nil: the call is over.
    private mutating func judge(
        _ spans: ChatCallSpans, _ place: Int?, isNew: Bool, of choice: Int
    ) {
        // The one legacy call has neither number nor id.
        if spans.index == ChatAnswerPart.functionIndex { return }
        guard let place else { return departs = true }
        let isNumbered =
            !isChunk || spans.index == assembler.callNumber(at: place, of: choice)
        let isText = spans.arguments.map { $0.kind == .string } ?? isChunk
        let isWhole = isChunk || spans.arguments?.inside.isEmpty == false
        let isNamed = !isNew || spans.id?.inside.isEmpty == false && spans.hasType
        if !isNumbered || !isText || !isWhole || !isNamed { departs = true }
    }

    /// More of what the lesson was about.
    mutating func add(
        _ inside: ByteSlice, like lesson: Lesson, _ emit: Emit
    ) -> Failure? {
        var text = inside
        if inside.firstIndex(of: ASCII.backslash) != nil {
            plain.removeAll()
            plain.append(jsonUnescaping: inside)
            text = plain.slice
        }
        switch lesson.target {
        case .part(let kind): assembler.add(text, of: kind, to: lesson.choice, emit)
        case .arguments(let call):
            assembler.add(arguments: text, call: call, of: lesson.choice, emit)
        }
        return assembler.failure
    }

    private mutating func teach(
        _ span: JSONSpan, at offset: Int, _ choice: Int, _ target: Lesson.Target
    ) {
        pieceCount += 1
        let inside = span.inside
        lesson = Lesson(
            hole: inside.lowerBound + offset..<inside.upperBound + offset, choice: choice,
            target: target)
    }

    /// A string's text: where it stands, or in `memory`, which must be empty.
    private static func text(
        _ span: JSONSpan?, _ bytes: ByteSlice, _ memory: inout ByteBuffer
    ) -> ByteSlice {
        guard let span, span.kind == .string else { return .empty }
        let inside = bytes[span.inside]
        guard span.hasEscapes else { return inside }
        memory.append(jsonUnescaping: inside)
        return memory.slice
    }
}

/// Where a delta's call says what.
struct ChatCallSpans {
    var index: Int?
    var id: JSONSpan?
    var name: JSONSpan?
    var arguments: JSONSpan?
    var signature: JSONSpan?
    var isCustom = false
    var hasType = false

    init() {}
}
