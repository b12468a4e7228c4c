// ToolCallRepair.swift — stands between a provider's decoder and a door's encoder and sets tool
// calls right as they pass. Pure value: events in, events out; ids are drawn from a seed that is
// handed in. Used by Exchange.
//
// On good input every event is passed on as it is, at once. What a stream allows without holding
// anything back: id and name in the event that opens a call, and one delta at its end that closes
// open JSON. More (`ArgumentRecovery`) needs the whole call: `Mode.hold`.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One answer's filter.
package struct ToolCallRepair {
    package enum Mode: Sendable {
        /// Nothing is held back.
        case stream
        /// A call is held until it is whole: for unary answers, and where `repair: hold` asks.
        case hold
    }

    /// The longest call that is held: a longer one goes on as in a stream.
    package static let heldBytesMax = 1 << 20
    /// So many ids are compared; a call behind them keeps its own.
    package static let idCountMax = 1024

    private enum Part {
        case none
        /// Not a call, or a custom tool's, whose input is no JSON.
        case other
        case call
        case heldCall
        /// A call without a name that could be found, on its way as text.
        case text
    }

    private struct Choice {
        var part = Part.none
        var checker = ArgumentChecker()
        /// Whether a call was passed on, and whether one became text.
        var hasCalls = false
        var hasTextCalls = false
        var held = HeldCall()
    }

    private struct HeldCall {
        var id: [UInt8] = []
        var name: [UInt8] = []
        var arguments: [UInt8] = []
        var signature: [UInt8]?
    }

    private let names: ToolNames
    /// Properties of the tools, for calls without a name. Only known where calls are held.
    private let shapes: [ToolShape]
    private let mode: Mode
    private var random: SeededRandom
    private var choices: [Choice] = []
    private var ids: [UInt64] = []
    package private(set) var counts = RepairCounts()

    /// A filter for the answer to `request`, of which it copies what it needs.
    package init(_ request: ModelRequest, mode: Mode, seed: UInt64) {
        names = ToolNames(request.tools, choice: request.toolChoice)
        shapes = mode == .hold ? ToolShape.all(of: request.tools) : []
        self.mode = mode
        random = SeededRandom(seed: seed)
    }

    package mutating func pass(_ event: ModelEvent, _ emit: (ModelEvent) -> Void) {
        switch event {
        case .partOpened(let choice, let start):
            guard reach(choice) else { return emit(event) }
            guard case .toolCall(let id, let name, let isCustom) = start else {
                choices[choice].part = .other
                return emit(event)
            }
            open(choice, id, name, isCustom, emit)
        case .delta(let choice, let text):
            guard choice < choices.count else { return emit(event) }
            delta(choice, text, event, emit)
        case .signature(let choice, let signature):
            guard choice < choices.count else { return emit(event) }
            switch choices[choice].part {
            case .heldCall: choices[choice].held.signature = Array(signature.raw)
            case .text: return
            case .none, .other, .call: emit(event)
            }
        case .partClosed(let choice):
            guard choice < choices.count else { return emit(event) }
            close(choice, event, emit)
        case .finished(let choice, let finish):
            // A call that went on as text is none that a caller could answer.
            if choice < choices.count, finish.reason == .toolCalls, !choices[choice].hasCalls,
                choices[choice].hasTextCalls
            {
                return emit(.finished(choice: choice, Finish(.stop)))
            }
            emit(event)
        case .started, .usage, .ended, .failed: emit(event)
        }
    }

    private mutating func reach(_ choice: Int) -> Bool {
        guard choice >= 0, choice < EventOrder.choiceCountMax else { return false }
        while choices.count <= choice { choices.append(Choice()) }
        return true
    }

    private mutating func open(
        _ choice: Int, _ id: ByteSlice, _ name: ByteSlice, _ isCustom: Bool,
        _ emit: (ModelEvent) -> Void
    ) {
        if mode == .hold, !isCustom {
            choices[choice].part = .heldCall
            choices[choice].held = HeldCall(id: Array(id.raw), name: Array(name.raw))
            return
        }
        choices[choice].checker = ArgumentChecker()
        switch names.isEmpty ? .exact : names.match(name) {
        case .none where names.saysNothing(name):
            counts.count(.text)
            choices[choice].hasTextCalls = true
            choices[choice].part = .text
            emit(.partOpened(choice: choice, .text))
        case .exact, .none:
            choices[choice].part = isCustom ? .other : .call
            choices[choice].hasCalls = true
            announce(choice, id, name, isCustom, emit)
        case .tool(let index):
            counts.count(.name)
            choices[choice].part = isCustom ? .other : .call
            choices[choice].hasCalls = true
            let known = names[index]
            known.withUnsafeBytes { announce(choice, id, ByteSlice($0), isCustom, emit) }
        }
    }

    /// Opens a call under an id that no other call has.
    private mutating func announce(
        _ choice: Int, _ id: ByteSlice, _ name: ByteSlice, _ isCustom: Bool,
        _ emit: (ModelEvent) -> Void
    ) {
        let hash = Self.hash(id)
        if !id.isEmpty, ids.count >= Self.idCountMax || !ids.contains(hash) {
            if ids.count < Self.idCountMax { ids.append(hash) }
            return emit(
                .partOpened(choice: choice, .toolCall(id: id, name: name, isCustom: isCustom)))
        }
        counts.count(.id)
        var made = ByteBuffer()
        CallID.append(to: &made, using: &random)
        emit(.partOpened(choice: choice, .toolCall(id: made.slice, name: name, isCustom: isCustom)))
    }

    /// FNV-1a.
    private static func hash(_ bytes: ByteSlice) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<bytes.count { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
        return hash
    }

    private mutating func delta(
        _ choice: Int, _ text: ByteSlice, _ event: ModelEvent, _ emit: (ModelEvent) -> Void
    ) {
        switch choices[choice].part {
        case .call:
            choices[choice].checker.take(text)
            emit(event)
        case .heldCall:
            choices[choice].held.arguments.append(contentsOf: text.raw)
            if choices[choice].held.arguments.count > Self.heldBytesMax { release(choice, emit) }
        case .none, .other, .text: emit(event)
        }
    }

    private mutating func close(
        _ choice: Int, _ event: ModelEvent, _ emit: (ModelEvent) -> Void
    ) {
        let part = choices[choice].part
        choices[choice].part = .none
        switch part {
        case .call:
            closeArguments(of: choice, emit)
            emit(event)
        case .heldCall: finishHeld(choice, emit)
        case .none, .other, .text: emit(event)
        }
    }

    /// Adds what is missing, if something is. No arguments at all are not a fault: `{}`.
    private mutating func closeArguments(of choice: Int, _ emit: (ModelEvent) -> Void) {
        let checker = choices[choice].checker
        switch checker.verdict {
        case .complete, .broken: return
        case .empty: break
        case .open: counts.count(.closed)
        }
        var rest = ByteBuffer()
        checker.appendClosing(to: &rest)
        emit(.delta(choice: choice, rest.slice))
    }

    /// The call is too long to be held: what has come goes on, and the rest as in a stream.
    private mutating func release(_ choice: Int, _ emit: (ModelEvent) -> Void) {
        let held = choices[choice].held
        choices[choice].held = HeldCall()
        choices[choice].part = .call
        choices[choice].checker = ArgumentChecker()
        openHeld(choice, held, resolve(held), emit)
        held.arguments.withUnsafeBytes {
            choices[choice].checker.take(ByteSlice($0))
            emit(.delta(choice: choice, ByteSlice($0)))
        }
    }

    /// The name of a held call; nil if it has none.
    private mutating func resolve(_ held: HeldCall) -> [UInt8]? {
        held.name.withUnsafeBytes { raw -> [UInt8]? in
            let name = ByteSlice(raw)
            switch names.isEmpty ? .exact : names.match(name) {
            case .tool(let index):
                counts.count(.name)
                return names[index]
            case .exact: return held.name
            case .none: return names.saysNothing(name) ? nil : held.name
            }
        }
    }

    private mutating func openHeld(
        _ choice: Int, _ held: HeldCall, _ name: [UInt8]?, _ emit: (ModelEvent) -> Void
    ) {
        choices[choice].hasCalls = true
        held.id.withUnsafeBytes { id in
            (name ?? held.name).withUnsafeBytes { name in
                announce(choice, ByteSlice(id), ByteSlice(name), false, emit)
            }
        }
    }

    private mutating func finishHeld(_ choice: Int, _ emit: (ModelEvent) -> Void) {
        let held = choices[choice].held
        choices[choice].held = HeldCall()
        var arguments = ByteBuffer()
        let recovery = held.arguments.withUnsafeBytes {
            ArgumentRecovery.recover(ByteSlice($0), into: &arguments)
        }
        var name = resolve(held)
        if name == nil, recovery != nil,
            let tool = ToolShape.only(shapes, taking: arguments.slice)
        {
            counts.count(.name)
            name = tool.name
        }
        guard let recovery, let name else { return pass(asText: held, choice, emit) }
        switch recovery {
        case .untouched: break
        case .syntax: counts.count(.syntax)
        case .extracted: counts.count(.extracted)
        }
        openHeld(choice, held, name, emit)
        emit(.delta(choice: choice, arguments.slice))
        held.signature?.withUnsafeBytes { emit(.signature(choice: choice, ByteSlice($0))) }
        emit(.partClosed(choice: choice))
    }

    private mutating func pass(
        asText held: HeldCall, _ choice: Int, _ emit: (ModelEvent) -> Void
    ) {
        counts.count(.text)
        choices[choice].hasTextCalls = true
        emit(.partOpened(choice: choice, .text))
        var text = ByteBuffer()
        held.name.withUnsafeBytes { text.append(ByteSlice($0)) }
        if !held.name.isEmpty, !held.arguments.isEmpty { text.append(ASCII.space) }
        held.arguments.withUnsafeBytes { text.append(ByteSlice($0)) }
        if !text.isEmpty { emit(.delta(choice: choice, text.slice)) }
        emit(.partClosed(choice: choice))
    }
}

/// Ids of calls that a provider gave none.
package enum CallID {
    /// Appends `call_` and 24 letters and digits.
    package static func append(to buffer: inout ByteBuffer, using random: inout SeededRandom) {
        buffer.append("call_" as StaticString)
        let alphabet = ByteSlice("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        for _ in 0..<24 { buffer.append(alphabet[Int(random.next() % 62)]) }
    }
}
