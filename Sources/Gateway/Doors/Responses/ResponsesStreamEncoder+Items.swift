// ResponsesStreamEncoder+Items.swift — parts and items: how they begin, grow and close.
// The order of events is that of OpenAI's own streams; an event that would say nothing is left out.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension ResponsesStreamEncoder {
    // MARK: Opening

    mutating func openPart(_ start: PartStart, to buffer: inout ByteBuffer) {
        switch start {
        case .text: openMessagePart(isRefusal: false, to: &buffer)
        case .refusal: openMessagePart(isRefusal: true, to: &buffer)
        case .reasoning:
            begin(.reasoning, to: &buffer)
            tellAdded(to: &buffer)
            open = .part
        case .redactedReasoning:
            // Without its proof there is nothing to be told of it.
            guard echo.wantsEncryptedReasoning else {
                closeItem(isCut: false, to: &buffer)
                open = .ignored
                return
            }
            begin(.reasoning, to: &buffer)
            tellAdded(to: &buffer)
            open = .redacted
        case .toolCall(let id, let name, let isCustom):
            begin(isCustom ? .customCall : .functionCall, to: &buffer)
            let stem = stem
            let namespaces = namespaces
            stem.withUnsafeBytes {
                item.call(name, in: namespaces, id: id, stem: ByteSlice($0))
            }
            tellAdded(to: &buffer)
            open = .part
        case .image:
            begin(.image, to: &buffer)
            tellAdded(to: &buffer)
            itemEvent(Event.imageInProgress, to: &buffer) { _, _ in }
            open = .part
        }
    }

    /// Text and refusals that follow one another are parts of one message.
    private mutating func openMessagePart(isRefusal: Bool, to buffer: inout ByteBuffer) {
        let goesOn = if case .item = open { item.kind == .message } else { false }
        if !goesOn {
            begin(.message, to: &buffer)
            tellAdded(to: &buffer)
        }
        item.beginPart(isRefusal: isRefusal)
        open = .part
        partEvent(Event.partAdded, to: &buffer) { encoder, json in
            json.key(Wire.part)
            encoder.item.writePart(isEmpty: true, &json)
        }
    }

    private mutating func begin(_ kind: ResponsesItem.Kind, to buffer: inout ByteBuffer) {
        closeItem(isCut: false, to: &buffer)
        let stem = stem
        stem.withUnsafeBytes { item.begin(kind, index: itemCount, stem: ByteSlice($0)) }
    }

    private mutating func tellAdded(to buffer: inout ByteBuffer) {
        event(Event.itemAdded, to: &buffer) { encoder, json in
            json.field(Wire.outputIndex, encoder.item.index)
            json.key(Wire.item)
            encoder.item.writeAdded(wantsProof: encoder.echo.wantsEncryptedReasoning, &json)
        }
    }

    // MARK: Growing

    mutating func add(_ text: ByteSlice, to buffer: inout ByteBuffer) {
        guard !text.isEmpty else { return }
        let provider = provider
        switch open {
        case .nothing, .item, .ignored: return
        case .redacted: provider.withUnsafeBytes { item.addRedacted(text, ByteSlice($0)) }
        case .part:
            let isFirst = item.text.isEmpty
            let start = item.add(text)
            switch item.kind {
            case .message:
                let isRefusal = item.isRefusal
                partEvent(isRefusal ? Event.refusalDelta : Event.textDelta, to: &buffer) {
                    encoder, json in
                    encoder.item.writePiece(Wire.delta, from: start, &json)
                    if !isRefusal { Self.writeLogprobs(&json) }
                }
            case .reasoning:
                if isFirst {
                    summaryEvent(Event.summaryPartAdded, to: &buffer) { encoder, json in
                        json.key(Wire.part)
                        encoder.item.writePart(isEmpty: true, &json)
                    }
                }
                summaryEvent(Event.summaryTextDelta, to: &buffer) { encoder, json in
                    encoder.item.writePiece(Wire.delta, from: start, &json)
                }
            case .functionCall, .customCall: tellPiece(from: start, to: &buffer)
            case .image: break
            }
        }
    }

    private mutating func tellPiece(from start: Int, to buffer: inout ByteBuffer) {
        let isCustom = item.kind == .customCall
        itemEvent(isCustom ? Event.customDelta : Event.argumentsDelta, to: &buffer) {
            encoder, json in
            encoder.item.writePiece(Wire.delta, from: start, &json)
        }
    }

    private static func writeLogprobs(_ json: inout JSONWriter) {
        json.beginArray(Wire.logprobs)
        json.endArray()
    }

    mutating func sign(_ signature: ByteSlice) {
        guard case .part = open, !signature.isEmpty else { return }
        let provider = provider
        switch item.kind {
        case .reasoning where echo.wantsEncryptedReasoning, .functionCall, .customCall:
            provider.withUnsafeBytes { item.sign(signature, ByteSlice($0)) }
        // The dialect has no place for it.
        case .message, .image, .reasoning: break
        }
    }

    // MARK: Closing

    mutating func closePart(to buffer: inout ByteBuffer) {
        switch open {
        case .nothing, .item: return
        case .ignored: open = .nothing
        case .redacted: open = .item
        case .part:
            switch item.kind {
            case .message: closeMessagePart(to: &buffer)
            case .reasoning: closeSummary(to: &buffer)
            case .functionCall: closeCall(to: &buffer)
            case .customCall:
                itemEvent(Event.customDone, to: &buffer) { encoder, json in
                    encoder.item.writeText(Wire.input, &json)
                }
            case .image: break
            }
            open = .item
        }
    }

    private mutating func closeMessagePart(to buffer: inout ByteBuffer) {
        let isRefusal = item.isRefusal
        partEvent(isRefusal ? Event.refusalDone : Event.textDone, to: &buffer) { encoder, json in
            encoder.item.writeText(isRefusal ? Wire.refusal : Wire.text, &json)
            if !isRefusal { Self.writeLogprobs(&json) }
        }
        partEvent(Event.partDone, to: &buffer) { encoder, json in
            json.key(Wire.part)
            encoder.item.writePart(&json)
        }
        item.endPart()
    }

    private mutating func closeSummary(to buffer: inout ByteBuffer) {
        guard !item.text.isEmpty else { return }
        summaryEvent(Event.summaryTextDone, to: &buffer) { encoder, json in
            encoder.item.writeText(Wire.text, &json)
        }
        summaryEvent(Event.summaryPartDone, to: &buffer) { encoder, json in
            json.key(Wire.part)
            encoder.item.writePart(&json)
        }
    }

    /// Clients read the arguments as JSON, whatever they are.
    private mutating func closeCall(to buffer: inout ByteBuffer) {
        if item.text.isEmpty { tellPiece(from: item.add(ByteSlice("{}")), to: &buffer) }
        itemEvent(Event.argumentsDone, to: &buffer) { encoder, json in
            json.field(Wire.name, encoder.item.name.slice)
            encoder.item.writeText(Wire.arguments, &json)
        }
    }

    /// Closes the open item, if there is one. - Parameter isCut: whether the answer ended in it.
    mutating func closeItem(isCut: Bool, to buffer: inout ByteBuffer) {
        closePart(to: &buffer)
        guard case .item = open else { return }
        if item.kind == .image { itemEvent(Event.imageCompleted, to: &buffer) { _, _ in } }
        // A picture has no such status.
        let isCut = isCut && item.kind != .image
        let start = keepItem(isCut ? Wire.Status.incomplete : Wire.Status.completed)
        event(Event.itemDone, to: &buffer) { encoder, json in
            json.field(Wire.outputIndex, encoder.item.index)
            json.key(Wire.item)
            json.raw(encoder.output.slice.dropFirst(start))
        }
    }

    // MARK: Events of the open item

    private mutating func itemEvent(
        _ type: StaticString, to buffer: inout ByteBuffer,
        _ body: (borrowing ResponsesStreamEncoder, inout JSONWriter) -> Void
    ) {
        event(type, to: &buffer) { encoder, json in
            json.field(Wire.itemID, encoder.item.id.slice)
            json.field(Wire.outputIndex, encoder.item.index)
            body(encoder, &json)
        }
    }

    private mutating func partEvent(
        _ type: StaticString, to buffer: inout ByteBuffer,
        _ body: (borrowing ResponsesStreamEncoder, inout JSONWriter) -> Void
    ) {
        itemEvent(type, to: &buffer) { encoder, json in
            json.field(Wire.contentIndex, encoder.item.partIndex)
            body(encoder, &json)
        }
    }

    private mutating func summaryEvent(
        _ type: StaticString, to buffer: inout ByteBuffer,
        _ body: (borrowing ResponsesStreamEncoder, inout JSONWriter) -> Void
    ) {
        itemEvent(type, to: &buffer) { encoder, json in
            json.field(Wire.summaryIndex, 0)
            body(encoder, &json)
        }
    }
}
