// MessagesStreamRepair.swift — looks after the tool calls of a stream of Anthropic's dialect that is
// relayed: name and id in the event that opens a call, and one delta in front of its end that closes
// open JSON. Pure: events in, verdicts out. Every other event leaves as it came.

import GatewayCodec
import GatewayModel
import GatewayTools
import GatewayWire
import ReactorCore

/// One stream's.
package final class MessagesStreamRepair {
    private enum Block { case call, text }

    /// What was written for the last event, in whole events.
    private(set) var output = ByteBuffer()
    private var repair: ToolCallRepair
    /// The calls that are open, by index.
    private var open: [Int: Block] = [:]
    private var hasCalls = false
    private var hasTexts = false

    private static let names = JSONNames(
        MessagesWire.index, MessagesWire.contentBlock, MessagesWire.delta)
    private static let blockNames = JSONNames(
        MessagesWire.id, MessagesWire.name, MessagesWire.input, MessagesWire.type)
    private static let deltaNames = JSONNames(MessagesWire.partialJSON, MessagesWire.stopReason)

    init(_ repair: ToolCallRepair) { self.repair = repair }

    var counts: RepairCounts { repair.counts }

    static func opensCall(_ event: EventStreamEvent) -> Bool {
        guard event.name == MessagesWire.Event.blockStart else { return false }
        do throws(JSONFailure) {
            guard let block = try places(in: event.data).block else { return false }
            return try AnswerSplice.isMessagesCall(event.data[block])
        } catch { return false }
    }

    /// Takes one event.
    func take(_ event: EventStreamEvent) -> RepairedEvent {
        typealias Name = MessagesWire.Event
        output.removeAll()
        let name = event.name
        do throws(JSONFailure) {
            if name == Name.blockStart { return try start(event) }
            if name == Name.blockDelta, !open.isEmpty { return try delta(event) }
            if name == Name.blockStop, !open.isEmpty { return try stop(event) }
            if name == Name.messageDelta, hasTexts, !hasCalls { return try end(event) }
        } catch { return .asItCame }
        return .asItCame
    }

    // MARK: Blocks

    private func start(_ event: EventStreamEvent) throws(JSONFailure) -> RepairedEvent {
        let data = event.data
        let places = try Self.places(in: data)
        guard let index = places.index, let block = places.block,
            try AnswerSplice.isMessagesCall(data[block])
        else { return .asItCame }
        var scanner = JSONScanner(data[block])
        let spans = try scanner.callSpans(in: Self.blockNames)
        var idText = ByteBuffer()
        var nameText = ByteBuffer()
        let id = CallSplicer.text(spans.id, data[block], &idText)
        let name = CallSplicer.text(spans.name, data[block], &nameText)
        var edits = JSONEdits()
        var isText = false
        repair.pass(
            .partOpened(choice: index, .toolCall(id: id, name: name, isCustom: false))
        ) { told in
            guard case .partOpened(_, .toolCall(let newID, let newName, _)) = told else {
                isText = true
                return
            }
            if newID != id {
                Self.put(newID, MessagesWire.id, over: spans.id, in: block, &edits)
            }
            if newName != name {
                Self.put(newName, MessagesWire.name, over: spans.name, in: block, &edits)
            }
        }
        open[index] = isText ? .text : .call
        if isText {
            hasTexts = true
            edits.replace(block, Self.appendEmptyText)
        } else {
            hasCalls = true
        }
        return rewrite(event, edits)
    }

    /// Written out: the optimizer of Swift 6.3.1 crashes where `appendText` is given a constant.
    private static func appendEmptyText(to out: inout ByteBuffer) {
        out.writeJSON { json in
            json.beginObject()
            json.field(MessagesWire.type, MessagesWire.Block.text)
            json.field(MessagesWire.text, "" as StaticString)
            json.endObject()
        }
    }

    private static func put(
        _ text: ByteSlice, _ member: StaticString, over span: JSONSpan?, in block: Range<Int>,
        _ edits: inout JSONEdits
    ) {
        if let span {
            let range = span.moved(by: block.lowerBound).range
            return edits.replace(range) { $0.append(jsonString: text) }
        }
        edits.insert(at: block.lowerBound + 1) { out in
            out.append(jsonString: ByteSlice(member))
            out.append(ASCII.colon)
            out.append(jsonString: text)
            out.append(ASCII.comma)
        }
    }

    private func delta(_ event: EventStreamEvent) throws(JSONFailure) -> RepairedEvent {
        let data = event.data
        let places = try Self.places(in: data)
        guard let index = places.index, let block = open[index], let delta = places.delta,
            let json = try Self.member(0, of: data[delta])
        else { return .asItCame }
        guard block == .call else {
            var edits = JSONEdits()
            let text = data[delta][json.range]
            edits.replace(delta) { out in
                out.writeJSON { writer in
                    writer.beginObject()
                    writer.field(MessagesWire.type, MessagesWire.Delta.text)
                    writer.key(MessagesWire.text)
                    writer.raw(text)
                    writer.endObject()
                }
            }
            return rewrite(event, edits)
        }
        var memory = ByteBuffer()
        repair.pass(.delta(choice: index, CallSplicer.text(json, data[delta], &memory))) { _ in }
        return .asItCame
    }

    /// No arguments at all are no fault: then the input is the one that the call began with.
    private func stop(_ event: EventStreamEvent) throws(JSONFailure) -> RepairedEvent {
        guard let index = try Self.places(in: event.data).index,
            let block = open.removeValue(forKey: index)
        else { return .asItCame }
        let before = repair.counts
        var rest = ByteBuffer()
        repair.pass(.partClosed(choice: index)) {
            if case .delta(_, let text) = $0 { rest.append(text) }
        }
        guard block == .call, repair.counts != before else { return .asItCame }
        var data = ByteBuffer()
        data.append(MessagesWire.Delta.head)
        data.append(decimal: index)
        data.append(MessagesWire.Delta.inputMiddle)
        data.append(jsonEscaping: rest.slice)
        data.append("\"}}" as StaticString)
        EventStreamWriter.event(
            name: ByteSlice(MessagesWire.Event.blockDelta), data: data.slice, to: &output)
        return .precededBy(output.count)
    }

    /// Calls that went on as text are none that a caller could answer.
    private func end(_ event: EventStreamEvent) throws(JSONFailure) -> RepairedEvent {
        guard let delta = try Self.places(in: event.data).delta,
            let reason = try Self.member(1, of: event.data[delta]), reason.kind == .string,
            event.data[delta][reason.inside] == MessagesWire.Stop.toolUse
        else { return .asItCame }
        var edits = JSONEdits()
        edits.replace(reason.moved(by: delta.lowerBound).range) {
            $0.append(jsonString: ByteSlice(MessagesWire.Stop.endTurn))
        }
        return rewrite(event, edits)
    }

    private func rewrite(
        _ event: EventStreamEvent, _ edits: borrowing JSONEdits
    ) -> RepairedEvent {
        guard !edits.isEmpty else { return .asItCame }
        var data = ByteBuffer()
        edits.append(event.data, to: &data)
        EventStreamWriter.event(name: event.name, data: data.slice, to: &output)
        return .rewritten
    }

    // MARK: Places

    private struct Places {
        var index: Int?
        var block: Range<Int>?
        var delta: Range<Int>?
    }

    private static func places(in data: ByteSlice) throws(JSONFailure) -> Places {
        var places = Places()
        var scanner = JSONScanner(data)
        guard scanner.comesObject else { return places }
        try scanner.beginObject()
        while let name = try scanner.nextName(in: names) {
            let value = try scanner.value()
            switch name.index {
            case 0: places.index = value.kind == .number ? data[value.range].decimalValue : nil
            case 1: places.block = value.kind == .object ? value.range : nil
            default: places.delta = value.kind == .object ? value.range : nil
            }
        }
        return places
    }

    /// The member of a delta with this place in `deltaNames`, if it is a string.
    private static func member(_ index: Int, of delta: ByteSlice) throws(JSONFailure) -> JSONSpan? {
        var found: JSONSpan?
        var scanner = JSONScanner(delta)
        try scanner.beginObject()
        while let name = try scanner.nextName(in: deltaNames) {
            let value = try scanner.value()
            if name.index == index, value.kind == .string { found = value }
        }
        return found
    }
}
