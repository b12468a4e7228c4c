// TextToolParser.swift — stands behind the decoder of a text-only provider and makes tool calls of
// the calls in its text. Pure value: events in, events out. Its mirror is TextTools.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One answer's parser.
///
/// Text in front of the first call stays text, at once but for what may be a call. Text between and
/// behind calls stays text, white space aside; what follows a result that the model made up itself
/// is dropped. What looked like a call and cannot be understood is text.
package struct TextToolParser {
    private struct Choice {
        var scanner = CallScanner()
        var isOpen = false
        var hasCalls = false
        /// The rest of the answer is of no use.
        var isDeaf = false
        /// White space that is told only if text follows.
        var space: [UInt8] = []
        /// A part of the provider that is no text is passed on.
        var isForeign = false
    }

    private static let spaceBytesMax = 4096

    private let isActive: Bool
    private let isSingle: Bool
    private var reader: CallReader
    private var random: SeededRandom
    private var choices: [Choice] = []
    private var texts = RepairCounts()

    /// A parser of the answer to `request`, as it was before it was folded.
    package init(_ request: ModelRequest, seed: UInt64) {
        isActive = TextTools.mayBeCalled(in: request)
        isSingle = request.allowsParallelCalls == false
        reader = CallReader(names: ToolNames(request.tools, choice: request.toolChoice))
        random = SeededRandom(seed: seed)
    }

    package var counts: RepairCounts {
        var counts = reader.counts
        counts.add(texts)
        return counts
    }

    package mutating func pass(_ event: ModelEvent, _ emit: (ModelEvent) -> Void) {
        guard isActive else { return emit(event) }
        switch event {
        case .partOpened(let choice, let start):
            guard choice >= 0, choice < EventOrder.choiceCountMax else { return emit(event) }
            while choices.count <= choice { choices.append(Choice()) }
            if case .text = start {
                choices[choice].isForeign = false
                return
            }
            choices[choice].isForeign = true
            emit(event)
        case .delta(let choice, let text):
            guard choice < choices.count, !choices[choice].isForeign else { return emit(event) }
            scan(choice, text, emit)
        case .signature(let choice, _):
            // Text has none.
            if choice >= choices.count || choices[choice].isForeign { emit(event) }
        case .partClosed(let choice):
            guard choice < choices.count, !choices[choice].isForeign else { return emit(event) }
            scan(choice, nil, emit)
            closeText(choice, emit)
        case .finished(let choice, let finish):
            guard choice < choices.count, choices[choice].hasCalls, finish.reason == .stop else {
                return emit(event)
            }
            emit(.finished(choice: choice, Finish(.toolCalls)))
        case .started, .usage, .ended, .failed: emit(event)
        }
    }

    /// Takes text of a choice; nil: its part has ended.
    private mutating func scan(
        _ choice: Int, _ text: ByteSlice?, _ emit: (ModelEvent) -> Void
    ) {
        guard !choices[choice].isDeaf else { return }
        var scanner = choices[choice].scanner
        choices[choice].scanner = CallScanner()
        if let text {
            scanner.take(text) { take($1, choice, &$0, emit) }
        } else {
            scanner.finish { take($1, choice, &$0, emit) }
        }
        choices[choice].scanner = text == nil ? CallScanner() : scanner
    }

    private mutating func take(
        _ piece: CallScanner.Piece, _ choice: Int, _ scanner: inout CallScanner,
        _ emit: (ModelEvent) -> Void
    ) {
        guard !choices[choice].isDeaf else { return }
        switch piece {
        case .text(let text): tell(text, choice, emit)
        case .result(let text):
            // In front of any call it answers nothing, and is text.
            guard choices[choice].hasCalls else { return tell(text, choice, emit) }
            choices[choice].isDeaf = true
        case .call(let form, let body, let whole):
            guard let calls = reader.read(form, body) else {
                if form != .bare, form != .fence { texts.count(.text) }
                return tell(whole, choice, emit)
            }
            if form == .fence { scanner.fenceWasCall() }
            // White space around calls is the calls'.
            choices[choice].space = []
            closeText(choice, emit)
            for call in calls {
                if isSingle, choices[choice].hasCalls { break }
                tell(call, choice, emit)
            }
            if isSingle { choices[choice].isDeaf = true }
        }
    }

    private mutating func tell(
        _ call: CallReader.Call, _ choice: Int, _ emit: (ModelEvent) -> Void
    ) {
        choices[choice].hasCalls = true
        var id = ByteBuffer()
        CallID.append(to: &id, using: &random)
        let isCustom = reader.names.isCustom(call.tool)
        reader.names.withName(call.tool) { name in
            emit(
                .partOpened(
                    choice: choice, .toolCall(id: id.slice, name: name, isCustom: isCustom)))
        }
        if !call.arguments.isEmpty {
            call.arguments.withUnsafeBytes { emit(.delta(choice: choice, ByteSlice($0))) }
        }
        emit(.partClosed(choice: choice))
    }

    private mutating func tell(
        _ text: ByteSlice, _ choice: Int, _ emit: (ModelEvent) -> Void
    ) {
        var text = text
        if choices[choice].hasCalls, !choices[choice].isOpen {
            choices[choice].space = []
            while !text.isEmpty, ArgumentRecovery.isSpace(text[0]) { text = text.dropFirst(1) }
        }
        guard !text.isEmpty else { return }
        var length = text.count
        while length > 0, ArgumentRecovery.isSpace(text[length - 1]) { length -= 1 }
        if length == 0, choices[choice].space.count < Self.spaceBytesMax {
            choices[choice].space.append(contentsOf: text.raw)
            return
        }
        if !choices[choice].isOpen {
            choices[choice].isOpen = true
            emit(.partOpened(choice: choice, .text))
        }
        let space = choices[choice].space
        if !space.isEmpty {
            space.withUnsafeBytes { emit(.delta(choice: choice, ByteSlice($0))) }
        }
        choices[choice].space = Array(text.dropFirst(length).raw)
        if length > 0 { emit(.delta(choice: choice, text.prefix(length))) }
    }

    private mutating func closeText(_ choice: Int, _ emit: (ModelEvent) -> Void) {
        if !choices[choice].hasCalls, !choices[choice].space.isEmpty, choices[choice].isOpen {
            choices[choice].space.withUnsafeBytes { emit(.delta(choice: choice, ByteSlice($0))) }
            choices[choice].space = []
        }
        guard choices[choice].isOpen else { return }
        choices[choice].isOpen = false
        emit(.partClosed(choice: choice))
    }
}
