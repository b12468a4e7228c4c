// MessagesContent.swift — content blocks of a request as parts.
// Pure. Only MessagesRequestDecoder uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum MessagesContent {
    /// The parts of a message's content: a text, or an array of blocks. Results of tools are left
    /// out: they are messages.
    static func parts(
        of content: JSONValue, _ place: String, _ role: Message.Role
    ) throws(Failure) -> [ContentPart] {
        if let text = content.string { return [ContentPart(.text(text))] }
        guard content.kind == .array else {
            throw Failure(
                .invalidParameter, "\(place): Input should be a valid string or list of blocks")
        }
        var parts: [ContentPart] = []
        for (index, block) in content.elements.enumerated() where !isResult(block) {
            parts.append(try part(block, "\(place).\(index)", role))
        }
        return parts
    }

    static func isResult(_ block: JSONValue) -> Bool {
        block[MessagesWire.type]?.string.map { $0 == MessagesWire.Block.toolResult } ?? false
    }

    private static func part(
        _ block: JSONValue, _ place: String, _ role: Message.Role
    ) throws(Failure) -> ContentPart {
        typealias Word = MessagesWire.Block
        guard let type = block[MessagesWire.type]?.string else {
            throw Failure(.missingParameter, "\(place).type: Field required")
        }
        let content: ContentPart.Content
        if type == Word.text {
            content = .text(try string(block, MessagesWire.text, place))
        } else if role == .system {
            throw Failure(.invalidParameter, "\(place).type: Input should be 'text'")
        } else if type == Word.image {
            content = try image(block, "\(place).source")
        } else if type == Word.document {
            content = try document(block, "\(place).source")
        } else if role == .assistant, type == Word.toolUse {
            content = .toolCall(
                ToolCall(
                    id: try string(block, MessagesWire.id, place),
                    name: try string(block, MessagesWire.name, place),
                    arguments: block[MessagesWire.input].map { .value($0) } ?? .text(.empty)))
        } else if role == .assistant, type == Word.thinking {
            let signature = block[MessagesWire.signature]?.string
            content = .reasoning(
                Reasoning(
                    text: try string(block, MessagesWire.thinking, place),
                    // Ours stands for none.
                    signature: signature.flatMap { $0 == MessagesWire.unsigned ? nil : $0 }))
        } else if role == .assistant, type == Word.redactedThinking {
            content = .reasoning(
                Reasoning(text: .empty, redacted: try string(block, MessagesWire.data, place)))
        } else {
            content = .foreign(.messages, block)
        }
        var part = ContentPart(content)
        if let mark = block[MessagesWire.cacheControl], !mark.isNull { part.cacheControl = mark }
        return part
    }

    private static func string(
        _ block: JSONValue, _ name: StaticString, _ place: String
    ) throws(Failure) -> ByteSlice {
        guard let value = block[name] else {
            throw Failure(.missingParameter, "\(place).\(name): Field required")
        }
        return try MessagesField.string(value, "\(place).\(name)")
    }

    private static func image(
        _ block: JSONValue, _ place: String
    ) throws(Failure) -> ContentPart.Content {
        guard let source = block[MessagesWire.source] else {
            throw Failure(.missingParameter, "\(place): Field required")
        }
        guard let media = try media(source, nil, place) else {
            throw Failure(
                .invalidParameter, "\(place).type: Input should be 'base64', 'url' or 'file'")
        }
        return .image(media)
    }

    private static func document(
        _ block: JSONValue, _ place: String
    ) throws(Failure) -> ContentPart.Content {
        guard let source = block[MessagesWire.source] else {
            throw Failure(.missingParameter, "\(place): Field required")
        }
        let title = block[MessagesWire.title]?.string
        let type = source[MessagesWire.type]?.string ?? .empty
        if type == MessagesWire.Source.text {
            let text = try string(source, MessagesWire.data, place)
            return .file(Media(.text(text), mediaType: ByteSlice("text/plain"), name: title))
        }
        // A document of blocks of its own has no counterpart.
        guard let media = try media(source, title, place) else { return .foreign(.messages, block) }
        return .file(media)
    }

    private static func media(
        _ source: JSONValue, _ title: ByteSlice?, _ place: String
    ) throws(Failure) -> Media? {
        typealias Word = MessagesWire.Source
        let type = source[MessagesWire.type]?.string ?? .empty
        if type == Word.base64 {
            return Media(
                .data(try string(source, MessagesWire.data, place)),
                mediaType: try string(source, MessagesWire.mediaType, place), name: title)
        }
        if type == Word.url {
            return Media(
                .url(try string(source, MessagesWire.url, place)), mediaType: .empty, name: title)
        }
        if type == Word.file {
            return Media(
                .fileID(try string(source, MessagesWire.fileID, place)), mediaType: .empty,
                name: title)
        }
        return nil
    }
}
