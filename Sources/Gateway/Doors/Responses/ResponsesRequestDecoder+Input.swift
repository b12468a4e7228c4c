// ResponsesRequestDecoder+Input.swift — input items as messages.
// An assistant's message, its thoughts and its calls are items of their own in this dialect: those
// that follow one another are one turn.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension ResponsesRequestDecoder {
    private typealias Wire = ResponsesWire
    private typealias Item = ResponsesWire.Item

    /// Takes one item.
    mutating func read(_ item: JSONValue, _ place: ResponsesPlace) throws(Failure) {
        guard item.kind == .object else {
            throw place.wrong(expected: "an object")
        }
        if let id = ResponsesEcho.reference(item) { return try refer(id, place) }
        guard let type = try place.text(item, Wire.type) else {
            guard item[Wire.role] != nil else { throw place.missing(Wire.type) }
            return try readMessage(item, place)
        }
        if type == Item.message {
            try readMessage(item, place)
        } else if type == Item.functionCall {
            try readCall(item, Wire.arguments, isCustom: false, place)
        } else if type == Item.customCall {
            try readCall(item, Wire.input, isCustom: true, place)
        } else if type == Item.functionCallOutput || type == Item.customCallOutput {
            try readResult(item, place)
        } else if type == Item.reasoning {
            try readReasoning(item, place)
        } else if type == Item.reference {
            throw place.missing(Wire.id)
        } else if Self.records.contains(where: { type == $0 }) {
            leaveOut(type, item)
        } else {
            throw place.unknown(Wire.type, "item type", type)
        }
    }

    /// What tools did that OpenAI ran: their fruit is in the messages behind them.
    private static let records: [StaticString] = [
        Item.webSearch, Item.fileSearch, Item.codeInterpreter, Item.mcpCall, Item.mcpListTools,
        Item.imageGeneration, Item.toolSearch, Item.toolSearchOutput,
    ]

    /// Appends the assistant's turn, if there is one.
    mutating func endTurn() {
        guard !turn.isEmpty else { return }
        request.append(.assistant, turn)
        turn.removeAll(keepingCapacity: true)
    }

    /// An item by its id, which only the store can know.
    private mutating func refer(_ id: ByteSlice, _ place: ResponsesPlace) throws(Failure) {
        guard let found = recalled?[ResponseStore.references]?.member(id),
            ResponsesEcho.reference(found) == nil
        else {
            throw Failure(
                .invalidParameter,
                "The item that '\(place.path())' refers to is not kept for this model: send the "
                    + "item itself.",
                parameter: place.path(Wire.id))
        }
        try read(found, place)
    }

    // MARK: Messages

    private mutating func readMessage(
        _ item: JSONValue, _ place: ResponsesPlace
    ) throws(Failure) {
        let word = try place.word(item, Wire.role)
        guard let role = Self.role(word) else {
            throw place.wrong(Wire.role, expected: "user, assistant, system or developer")
        }
        let parts = try content(item, Wire.content, place)
        guard role == .assistant else {
            endTurn()
            request.append(role, parts)
            return
        }
        turn += parts
    }

    private static func role(_ word: ByteSlice) -> Message.Role? {
        typealias Role = ResponsesWire.Role
        if word == Role.user { return .user }
        if word == Role.assistant { return .assistant }
        if word == Role.system { return .system }
        return word == Role.developer ? .developer : nil
    }

    /// A string, or a list of parts.
    private func content(
        _ item: JSONValue, _ name: StaticString, _ place: ResponsesPlace
    ) throws(Failure) -> [ContentPart] {
        guard let value = item[name], !value.isNull else { throw place.missing(name) }
        if let text = value.string { return [ContentPart(.text(text))] }
        guard value.kind == .array else {
            throw place.wrong(name, expected: "a string or an array of parts")
        }
        var parts: [ContentPart] = []
        for (index, part) in value.elements.enumerated() {
            parts.append(ContentPart(try read(part: part, place.element(name, index))))
        }
        return parts
    }

    private func read(
        part: JSONValue, _ place: ResponsesPlace
    ) throws(Failure) -> ContentPart.Content {
        typealias Part = ResponsesWire.Part
        guard part.kind == .object else { throw place.wrong(expected: "an object") }
        let type = try place.word(part, Wire.type)
        if type == Part.inputText || type == Part.outputText || type == Part.text {
            return .text(try place.required(part, Wire.text))
        }
        if type == Part.refusal { return .refusal(try place.required(part, Wire.refusal)) }
        if type == Part.inputImage || type == Part.screenshot {
            return .image(try image(part, place))
        }
        if type == Part.inputFile { return .file(try file(part, place)) }
        if type == Part.inputAudio { return .audio(try audio(part, place)) }
        throw place.unknown(Wire.type, "content type", type)
    }

    private func image(_ part: JSONValue, _ place: ResponsesPlace) throws(Failure) -> Media {
        let detail = try place.text(part, Wire.detail)
        // An object, as in the chat dialect, is what some frameworks send.
        var url = part[Wire.imageURL]?[Wire.url]?.string
        if url == nil { url = try place.text(part, Wire.imageURL) }
        if let url {
            guard !url.isEmpty else { throw place.wrong(Wire.imageURL, expected: "a URL") }
            return Media(dataURL: url, detail: detail)
                ?? Media(.url(url), mediaType: .empty, detail: detail)
        }
        guard let id = try place.text(part, Wire.fileID) else {
            throw place.missing(Wire.imageURL)
        }
        return Media(.fileID(id), mediaType: .empty, detail: detail)
    }

    private func file(_ part: JSONValue, _ place: ResponsesPlace) throws(Failure) -> Media {
        let name = try place.text(part, Wire.filename)
        if let data = try place.text(part, Wire.fileData) {
            return Media(dataURL: data, name: name)
                ?? Media(.data(data), mediaType: .empty, name: name)
        }
        if let url = try place.text(part, Wire.fileURL) {
            return Media(.url(url), mediaType: .empty, name: name)
        }
        guard let id = try place.text(part, Wire.fileID) else {
            throw place.missing(Wire.fileData)
        }
        return Media(.fileID(id), mediaType: .empty, name: name)
    }

    private func audio(_ part: JSONValue, _ place: ResponsesPlace) throws(Failure) -> Media {
        guard let audio = try place.object(part, Wire.inputAudio) else {
            throw place.missing(Wire.inputAudio)
        }
        let data = try place.required(audio, Wire.data)
        let format = try place.required(audio, Wire.format)
        let type: StaticString = format == "mp3" ? "audio/mpeg" : "audio/wav"
        guard format == "mp3" || format == "wav" else {
            throw place.wrong(Wire.inputAudio, expected: "a sound of the format mp3 or wav")
        }
        return Media(.data(data), mediaType: ByteSlice(type))
    }

    // MARK: Tools

    private mutating func readCall(
        _ item: JSONValue, _ arguments: StaticString, isCustom: Bool, _ place: ResponsesPlace
    ) throws(Failure) {
        let signature = item[Wire.extraContent]?[Wire.google]?[Wire.thoughtSignature]?.string
        let call = ToolCall(
            id: try place.word(item, Wire.callID),
            name: name(
                try place.word(item, Wire.name), in: try place.text(item, Wire.namespace)),
            arguments: .text(try place.required(item, arguments)), isCustom: isCustom,
            signature: signature)
        turn.append(ContentPart(.toolCall(call)))
    }

    private mutating func readResult(
        _ item: JSONValue, _ place: ResponsesPlace
    ) throws(Failure) {
        let id = try place.word(item, Wire.callID)
        let parts = try content(item, Wire.output, place)
        endTurn()
        request.append(.tool, parts, result: ToolResult(callID: id))
    }

    // MARK: Thoughts

    /// What is encrypted goes back to the provider that made it; what others made, OpenAI among
    /// them, says nothing to this one.
    private mutating func readReasoning(
        _ item: JSONValue, _ place: ResponsesPlace
    ) throws(Failure) {
        let proof = try place.text(item, Wire.encryptedContent).flatMap {
            ResponsesProof($0, of: provider)
        }
        if case .redacted(let data) = proof {
            turn.append(ContentPart(.reasoning(Reasoning(text: .empty, redacted: data))))
            return
        }
        var texts: [ByteSlice] = []
        for name in [Wire.content, Wire.summary] where texts.isEmpty {
            guard let list = try place.list(item, name) else { continue }
            for (index, part) in list.enumerated() {
                let text = try place.element(name, index).required(part, Wire.text)
                if !text.isEmpty { texts.append(text) }
            }
        }
        guard case .signature(let signature) = proof else {
            for text in texts { turn.append(ContentPart(.reasoning(Reasoning(text: text)))) }
            return
        }
        // Signed thoughts are given out as one part.
        let text = texts.count == 1 ? texts[0] : .empty
        turn.append(ContentPart(.reasoning(Reasoning(text: text, signature: signature))))
    }
}
