// ResponsesStreamRepair.swift — looks after the tool calls of a responses stream that is relayed. Pure:
// events in, verdicts out. Every other event leaves as it came, but for its number behind one more.
//
// This dialect tells each call four times: when it begins, in pieces, whole when it ends, and whole in
// the answer. Name and id are set right wherever they stand. Pieces that end open are closed by one
// more; what is told as a whole is repaired as a whole, also where the pieces cannot be taken back.
// A call that nobody can name is told as a message (+Text).

import GatewayCodec
import GatewayModel
import GatewayTools
import GatewayWire
import ReactorCore

/// One stream's.
package final class ResponsesStreamRepair {
    /// What of a call is new.
    struct Call {
        var isCustom = false
        /// What is told of it as a message; nil: it is told as a call.
        var message: Message?
        var isWhole = false
        var hasPieces = false
        var id: [UInt8]?
        var name: [UInt8]?
        var arguments: [UInt8]?
    }

    /// What was written for the last event, in whole events.
    var output = ByteBuffer()
    private var repair: ToolCallRepair
    /// For calls that only the last event tells.
    private var answer: AnswerSplice
    /// By the place in the output.
    var calls: [Int: Call] = [:]
    /// Events that were added, by which the numbers of later ones grow.
    var addedCount = 0
    private var wholeCounts = RepairCounts()

    static let callNames = JSONNames(
        ResponsesWire.callID, ResponsesWire.name, ResponsesWire.arguments, ResponsesWire.type)

    init(_ repair: ToolCallRepair, whole: consuming CallSplicer) {
        self.repair = repair
        answer = AnswerSplice(whole)
    }

    var counts: RepairCounts {
        var counts = repair.counts
        counts.add(answer.counts)
        counts.add(wholeCounts)
        return counts
    }

    static func opensCall(_ event: EventStreamEvent) -> Bool {
        typealias Name = ResponsesWire.Event
        // A name that is there is right, or the stream is not looked after.
        let name = event.name
        guard
            name.isEmpty || name == Name.itemAdded || name == Name.itemDone
                || name == Name.completed
        else { return false }
        do throws(JSONFailure) {
            let places = try ResponsesEventPlaces(event)
            if let item = places.item { return try AnswerSplice.kind(of: event.data[item]) != nil }
            guard let response = places.response, places.type == Name.completed else {
                return false
            }
            return try AnswerSplice.hasResponsesCalls(event.data[response])
        } catch { return false }
    }

    /// Takes one event.
    func take(_ event: EventStreamEvent) -> RepairedEvent {
        typealias Name = ResponsesWire.Event
        output.removeAll()
        do throws(JSONFailure) {
            let places = try ResponsesEventPlaces(event)
            var edits = JSONEdits()
            let type = places.type
            if type == Name.itemAdded {
                try begin(places, event.data, &edits)
            } else if type == Name.itemDone, let index = places.index, calls[index] == nil {
                var unused = JSONEdits()
                try begin(places, event.data, &unused)
            }
            if try tellAsMessage(places, event.data) { return .rewritten }
            if type == Name.argumentsDelta {
                add(places, event.data)
            } else if type == Name.argumentsDone {
                endArguments(places, event.data, &edits)
            } else if type == Name.itemDone {
                try end(places, event.data, &edits)
            } else if type == Name.completed || type == Name.incomplete {
                try endAll(places, event.data, &edits)
            }
            if addedCount > 0, let number = places.number {
                let value = places.numberValue + addedCount
                edits.replace(number.range) { $0.append(decimal: value) }
            }
            return close(event, edits)
        } catch { return .asItCame }
    }

    private func close(
        _ event: EventStreamEvent, _ edits: borrowing JSONEdits
    ) -> RepairedEvent {
        guard !edits.isEmpty else {
            return output.isEmpty ? .asItCame : .precededBy(output.count)
        }
        var data = ByteBuffer()
        edits.append(event.data, to: &data)
        EventStreamWriter.event(name: event.name, data: data.slice, to: &output)
        return .rewritten
    }

    // MARK: One call

    private func begin(
        _ places: ResponsesEventPlaces, _ data: ByteSlice, _ edits: inout JSONEdits
    ) throws(JSONFailure) {
        guard let index = places.index, let range = places.item,
            let kind = try AnswerSplice.kind(of: data[range])
        else { return }
        var scanner = JSONScanner(data[range])
        let spans = try scanner.callSpans(in: Self.callNames)
        var idText = ByteBuffer()
        var nameText = ByteBuffer()
        let id = CallSplicer.text(spans.id, data[range], &idText)
        let name = CallSplicer.text(spans.name, data[range], &nameText)
        var call = Call(isCustom: kind == .custom)
        var isMessage = false
        let start = PartStart.toolCall(id: id, name: name, isCustom: call.isCustom)
        repair.pass(.partOpened(choice: index, start)) { told in
            guard case .partOpened(_, .toolCall(let newID, let newName, _)) = told else {
                isMessage = true
                return
            }
            if newID != id { call.id = Array(newID.raw) }
            if newName != name { call.name = Array(newName.raw) }
        }
        if isMessage {
            call.message = Message(itemID: Array(try AnswerSplice.id(of: data[range]).raw))
        }
        calls[index] = call
        Self.put(call, over: spans, in: range, &edits)
    }

    private func add(_ places: ResponsesEventPlaces, _ data: ByteSlice) {
        guard let index = places.index, calls[index] != nil else { return }
        var memory = ByteBuffer()
        let text = CallSplicer.text(places.delta, data, &memory)
        if !text.isEmpty { calls[index]?.hasPieces = true }
        repair.pass(.delta(choice: index, text)) { _ in }
    }

    private func endArguments(
        _ places: ResponsesEventPlaces, _ data: ByteSlice, _ edits: inout JSONEdits
    ) {
        guard let index = places.index, let call = calls[index] else { return }
        settle(index, places.arguments, itemID: places.itemID, places, data)
        var spans = CallSpans()
        spans.arguments = places.arguments
        var told = calls[index] ?? call
        // A name need not stand here, and an id does not.
        told.id = nil
        if places.name == nil { told.name = nil }
        if places.arguments == nil { told.arguments = nil }
        spans.name = places.name
        Self.put(told, over: spans, in: 0..<data.count, &edits)
    }

    private func end(
        _ places: ResponsesEventPlaces, _ data: ByteSlice, _ edits: inout JSONEdits
    ) throws(JSONFailure) {
        guard let index = places.index, let range = places.item, let call = calls[index] else {
            return
        }
        var scanner = JSONScanner(data[range])
        let spans = try scanner.callSpans(in: Self.callNames)
        if !call.isWhole {
            let id = try ResponsesEventPlaces.id(ofItem: data[range])
            settle(
                index, spans.arguments?.moved(by: range.lowerBound),
                itemID: id?.moved(by: range.lowerBound), places, data)
        }
        Self.put(calls[index] ?? call, over: spans, in: range, &edits)
    }

    private func endAll(
        _ places: ResponsesEventPlaces, _ data: ByteSlice, _ edits: inout JSONEdits
    ) throws(JSONFailure) {
        guard let range = places.response else { return }
        let response = data[range]
        answer.edits = JSONEdits()
        for (index, item) in try AnswerSplice.outputItems(of: response).enumerated() {
            guard let call = calls[index] else {
                try answer.mend(item: item, of: response)
                continue
            }
            guard try AnswerSplice.kind(of: response[item]) != nil else { continue }
            if let message = call.message {
                answer.edits.replace(item) { message.append(to: &$0) }
                continue
            }
            var scanner = JSONScanner(response[item])
            let spans = try scanner.callSpans(in: Self.callNames)
            Self.put(call, over: spans, in: item, &answer.edits)
        }
        guard !answer.edits.isEmpty else { return }
        var rewritten = ByteBuffer()
        answer.edits.append(response, to: &rewritten)
        edits.replace(range) { $0.append(rewritten.slice) }
    }

    // MARK: Arguments

    /// The call's arguments are told as a whole: closes their pieces, and repairs the whole.
    private func settle(
        _ index: Int, _ span: JSONSpan?, itemID: JSONSpan?, _ places: ResponsesEventPlaces,
        _ data: ByteSlice
    ) {
        calls[index]?.isWhole = true
        guard calls[index]?.isCustom == false else { return }
        var memory = ByteBuffer()
        let text = CallSplicer.text(span, data, &memory)
        let before = repair.counts
        var rest = ByteBuffer()
        repair.pass(.partClosed(choice: index)) {
            if case .delta(_, let closing) = $0 { rest.append(closing) }
        }
        let isClosed = repair.counts != before
        if isClosed || text.isEmpty { tell(rest.slice, index, itemID, places, data) }
        var whole = ByteBuffer()
        if isClosed {
            whole.append(text)
            whole.append(rest.slice)
            if Self.isObject(whole.slice) { return keep(whole.slice, index) }
            whole.removeAll()
        }
        guard let recovery = ArgumentRecovery.recover(text, into: &whole) else { return }
        switch recovery {
        // No arguments at all are an empty object, unless the pieces told some.
        case .untouched: if !text.isEmpty || calls[index]?.hasPieces == true { return }
        case .syntax: if !isClosed { wholeCounts.count(.syntax) }
        case .extracted: if !isClosed { wholeCounts.count(.extracted) }
        }
        keep(whole.slice, index)
    }

    private func keep(_ arguments: ByteSlice, _ index: Int) {
        calls[index]?.arguments = Array(arguments.raw)
    }

    private static func isObject(_ text: ByteSlice) -> Bool {
        do throws(JSONFailure) { return try JSONScanner.validate(text) == .object } catch {
            return false
        }
    }

    /// One more piece, in front of the event at hand, whose number it takes.
    private func tell(
        _ piece: ByteSlice, _ index: Int, _ itemID: JSONSpan?, _ places: ResponsesEventPlaces,
        _ data: ByteSlice
    ) {
        guard !piece.isEmpty else { return }
        var event = ByteBuffer()
        event.writeJSON { json in
            json.beginObject()
            json.field(ResponsesWire.type, ResponsesWire.Event.argumentsDelta)
            if places.number != nil {
                json.field(ResponsesWire.sequenceNumber, places.numberValue + addedCount)
            }
            if let itemID {
                json.key(ResponsesWire.itemID)
                json.raw(data[itemID.range])
            }
            json.field(ResponsesWire.outputIndex, index)
            json.field(ResponsesWire.delta, piece)
            json.endObject()
        }
        EventStreamWriter.event(
            name: ByteSlice(ResponsesWire.Event.argumentsDelta), data: event.slice, to: &output)
        addedCount += 1
    }

    // MARK: Places

    /// Puts what of a call is new over what stands in an object at `range`.
    private static func put(
        _ call: Call, over spans: CallSpans, in range: Range<Int>, _ edits: inout JSONEdits
    ) {
        func put(_ text: [UInt8]?, _ member: StaticString, _ span: JSONSpan?) {
            guard let text else { return }
            let place = span?.moved(by: range.lowerBound).range
            let start = range.lowerBound + 1
            edits.replace(place ?? start..<start) { out in
                if place == nil {
                    out.append(jsonString: ByteSlice(member))
                    out.append(ASCII.colon)
                }
                text.withUnsafeBytes { out.append(jsonString: ByteSlice($0)) }
                if place == nil { out.append(ASCII.comma) }
            }
        }
        put(call.id, ResponsesWire.callID, spans.id)
        put(call.name, ResponsesWire.name, spans.name)
        put(call.arguments, ResponsesWire.arguments, spans.arguments)
    }
}

/// Where an event says what, as far as it concerns calls.
struct ResponsesEventPlaces {
    private(set) var type: ByteSlice
    private(set) var index: Int?
    private(set) var number: JSONSpan?
    private(set) var numberValue = 0
    private(set) var itemID: JSONSpan?
    private(set) var item: Range<Int>?
    private(set) var response: Range<Int>?
    private(set) var delta: JSONSpan?
    private(set) var arguments: JSONSpan?
    private(set) var name: JSONSpan?
    private(set) var input: JSONSpan?

    private static let names = JSONNames(
        ResponsesWire.type, ResponsesWire.outputIndex, ResponsesWire.sequenceNumber,
        ResponsesWire.itemID, ResponsesWire.item, ResponsesWire.response, ResponsesWire.delta,
        ResponsesWire.arguments, ResponsesWire.name, ResponsesWire.input)
    private static let idNames = JSONNames(ResponsesWire.id)

    init(_ event: EventStreamEvent) throws(JSONFailure) {
        // What the data says goes before the name that stands above it.
        type = event.name
        let data = event.data
        var scanner = JSONScanner(data)
        guard scanner.comesObject else { return }
        try scanner.beginObject()
        while let found = try scanner.nextName(in: Self.names) {
            let value = try scanner.value()
            switch (found.index, value.kind) {
            case (0, .string): type = data[value.inside]
            case (1, .number): index = data[value.range].decimalValue
            case (2, .number):
                guard let count = data[value.range].decimalValue else { continue }
                (number, numberValue) = (value, count)
            case (3, .string): itemID = value
            case (4, .object): item = value.range
            case (5, .object): response = value.range
            case (6, .string): delta = value
            case (7, _): arguments = value
            case (8, .string): name = value
            case (9, _): input = value
            default: break
            }
        }
    }

    /// The id of an item itself.
    static func id(ofItem item: ByteSlice) throws(JSONFailure) -> JSONSpan? {
        var found: JSONSpan?
        var scanner = JSONScanner(item)
        try scanner.beginObject()
        while try scanner.nextName(in: idNames) != nil {
            let value = try scanner.value()
            if value.kind == .string { found = value }
        }
        return found
    }
}
