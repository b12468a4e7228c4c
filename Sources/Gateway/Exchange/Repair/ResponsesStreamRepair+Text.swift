// ResponsesStreamRepair+Text.swift — a call that nobody can name, told as a message: its events take
// the place of the call's, as the dialect has them for text. Pure.

import GatewayCodec
import GatewayWire
import ReactorCore

extension ResponsesStreamRepair {
    /// What of the message has been told.
    struct Message {
        /// The id of the call's item, which the message goes on under: a JSON string.
        var itemID: [UInt8]
        var hasBegun = false
        var hasPieces = false
        var hasEnded = false
        /// All of its text, as far as it was told as a whole.
        var text: [UInt8] = []

        /// Appends the item as it has become.
        func append(to out: inout ByteBuffer) {
            text.withUnsafeBytes { text in
                itemID.withUnsafeBytes { id in
                    AnswerSplice.appendMessage(ByteSlice(text), id: ByteSlice(id), to: &out)
                }
            }
        }
    }

    /// Writes a message's events in place of the one at hand, if that one is of a call which is told
    /// as a message. - Returns: whether it is; then it does not leave as it came.
    func tellAsMessage(
        _ places: ResponsesEventPlaces, _ data: ByteSlice
    ) throws(JSONFailure) -> Bool {
        typealias Name = ResponsesWire.Event
        guard let index = places.index, let call = calls[index], var message = call.message else {
            return false
        }
        let type = places.type
        let events = Events(places: places, index: index, added: addedCount, message.itemID)
        if type == Name.itemAdded, !message.hasBegun {
            events.begin(&message, to: &output)
        } else if type == Name.argumentsDelta || type == Name.customDelta {
            var memory = ByteBuffer()
            let piece = CallSplicer.text(places.delta, data, &memory)
            events.add(piece, to: &message, &output)
        } else if type == Name.argumentsDone || type == Name.customDone {
            let whole = call.isCustom ? places.input : places.arguments
            events.end(&message, with: whole, of: data, to: &output)
        } else if type == Name.itemDone, let item = places.item {
            if !message.hasEnded {
                var scanner = JSONScanner(data[item])
                let names = call.isCustom ? AnswerSplice.customCallNames : Self.callNames
                let whole = try scanner.callSpans(in: names).arguments
                events.end(&message, with: whole, of: data[item], to: &output)
            }
            events.close(message, to: &output)
        } else {
            return false
        }
        calls[index]?.message = message
        addedCount += max(0, events.count - 1)
        return true
    }

    /// Writes the events that leave in place of one.
    private final class Events {
        private typealias Name = ResponsesWire.Event

        private let places: ResponsesEventPlaces
        private let index: Int
        private let added: Int
        private let itemID: [UInt8]
        /// How many were written.
        private(set) var count = 0

        init(places: ResponsesEventPlaces, index: Int, added: Int, _ itemID: [UInt8]) {
            self.places = places
            self.index = index
            self.added = added
            self.itemID = itemID
        }

        func begin(_ message: inout Message, to output: inout ByteBuffer) {
            guard !message.hasBegun else { return }
            message.hasBegun = true
            write(Name.itemAdded, to: &output) { json in
                json.field(ResponsesWire.outputIndex, index)
                json.beginObject(ResponsesWire.item)
                itemID.withUnsafeBytes { id in
                    json.key(ResponsesWire.id)
                    json.raw(ByteSlice(id))
                }
                json.field(ResponsesWire.type, ResponsesWire.Item.message)
                json.field(ResponsesWire.status, ResponsesWire.Status.inProgress)
                json.field(ResponsesWire.role, ResponsesWire.Role.assistant)
                json.beginArray(ResponsesWire.content)
                json.endArray()
                json.endObject()
            }
            writePart(Name.partAdded, [], to: &output)
        }

        func add(
            _ piece: ByteSlice, to message: inout Message, _ output: inout ByteBuffer
        ) {
            begin(&message, to: &output)
            message.hasPieces = message.hasPieces || !piece.isEmpty
            write(Name.textDelta, to: &output) { json in
                writePlace(&json)
                json.field(ResponsesWire.delta, piece)
                Self.writeLogprobs(&json)
            }
        }

        /// - Parameter whole: where `data` tells all of the text.
        func end(
            _ message: inout Message, with whole: JSONSpan?, of data: ByteSlice,
            to output: inout ByteBuffer
        ) {
            message.hasEnded = true
            begin(&message, to: &output)
            var memory = ByteBuffer()
            let text =
                whole?.kind == .string
                ? CallSplicer.text(whole, data, &memory) : CallSplicer.raw(whole, data)
            message.text = Array(text.raw)
            if !message.hasPieces, !text.isEmpty { add(text, to: &message, &output) }
            write(Name.textDone, to: &output) { json in
                writePlace(&json)
                json.field(ResponsesWire.text, text)
                Self.writeLogprobs(&json)
            }
            writePart(Name.partDone, message.text, to: &output)
        }

        func close(_ message: Message, to output: inout ByteBuffer) {
            write(Name.itemDone, to: &output) { json in
                json.field(ResponsesWire.outputIndex, index)
                var item = ByteBuffer()
                message.append(to: &item)
                json.key(ResponsesWire.item)
                json.raw(item.slice)
            }
        }

        private func writePart(
            _ type: StaticString, _ text: [UInt8], to output: inout ByteBuffer
        ) {
            write(type, to: &output) { json in
                writePlace(&json)
                json.key(ResponsesWire.part)
                text.withUnsafeBytes { AnswerSplice.write(part: ByteSlice($0), to: &json) }
            }
        }

        private func writePlace(_ json: inout JSONWriter) {
            itemID.withUnsafeBytes { id in
                json.key(ResponsesWire.itemID)
                json.raw(ByteSlice(id))
            }
            json.field(ResponsesWire.outputIndex, index)
            json.field(ResponsesWire.contentIndex, 0)
        }

        private static func writeLogprobs(_ json: inout JSONWriter) {
            json.beginArray(ResponsesWire.logprobs)
            json.endArray()
        }

        private func write(
            _ type: StaticString, to output: inout ByteBuffer, _ body: (inout JSONWriter) -> Void
        ) {
            var event = ByteBuffer()
            event.writeJSON { json in
                json.beginObject()
                json.field(ResponsesWire.type, type)
                if places.number != nil {
                    json.field(ResponsesWire.sequenceNumber, places.numberValue + added + count)
                }
                body(&json)
                json.endObject()
            }
            EventStreamWriter.event(name: ByteSlice(type), data: event.slice, to: &output)
            count += 1
        }
    }
}
