// ContentPart.swift — what a message is made of: the union of what dialects mean.
// Pure; see ModelRequest for how long slices live.

import GatewayCodec
import ReactorCore

/// One part of a message.
package struct ContentPart {
    package enum Content {
        case text(ByteSlice)
        case image(Media)
        case audio(Media)
        case file(Media)
        case reasoning(Reasoning)
        case toolCall(ToolCall)
        case refusal(ByteSlice)
        /// A part that means something in one dialect only, as it was written.
        case foreign(Dialect, JSONValue)
    }

    package var content: Content
    /// A mark that the prompt may be cached up to here (Anthropic's `cache_control`), raw.
    package var cacheControl: JSONValue?

    package init(_ content: Content, cacheControl: JSONValue? = nil) {
        self.content = content
        self.cacheControl = cacheControl
    }
}

/// An image, a sound or a document.
package struct Media {
    package enum Source {
        /// Base64 text.
        case data(ByteSlice)
        case url(ByteSlice)
        /// A file that was uploaded to the provider.
        case fileID(ByteSlice)
        /// A document that is plain text.
        case text(ByteSlice)
    }

    package var source: Source
    /// Such as `image/png`; empty where it is not known.
    package var mediaType: ByteSlice
    /// A file's name or title.
    package var name: ByteSlice?
    /// How closely to look: `auto`, `low`, `high`.
    package var detail: ByteSlice?

    package init(
        _ source: Source, mediaType: ByteSlice, name: ByteSlice? = nil, detail: ByteSlice? = nil
    ) {
        self.source = source
        self.mediaType = mediaType
        self.name = name
        self.detail = detail
    }

    /// Takes `data:TYPE;base64,DATA` apart; nil for any other URL.
    package init?(dataURL url: ByteSlice, name: ByteSlice? = nil, detail: ByteSlice? = nil) {
        guard url.count > 5, url.prefix(5).equalsIgnoringCase("data:"),
            let comma = url.firstIndex(of: ASCII.comma)
        else { return nil }
        let head = url[5..<comma]
        guard head.count >= 7, head.dropFirst(head.count - 7).equalsIgnoringCase(";base64") else {
            return nil
        }
        let type = head.prefix(head.count - 7)
        let end = type.firstIndex(of: UInt8(ascii: ";")) ?? type.count
        self.init(
            .data(url.dropFirst(comma + 1)), mediaType: type.prefix(end), name: name,
            detail: detail)
    }
}

/// What the model thought before it answered.
package struct Reasoning {
    /// Empty where it is redacted or was not shown.
    package var text: ByteSlice
    /// The provider's proof that it is its own; opaque, to be returned as it is.
    package var signature: ByteSlice?
    /// Thoughts that are encrypted; opaque, to be returned as they are.
    package var redacted: ByteSlice?

    package init(text: ByteSlice, signature: ByteSlice? = nil, redacted: ByteSlice? = nil) {
        self.text = text
        self.signature = signature
        self.redacted = redacted
    }
}

/// A call of a tool by the model.
package struct ToolCall {
    package enum Arguments {
        /// JSON text as the model wrote it: perhaps empty, perhaps invalid. For a custom tool, its
        /// input, which is no JSON.
        case text(ByteSlice)
        case value(JSONValue)
    }

    package var id: ByteSlice
    package var name: ByteSlice
    package var arguments: Arguments
    /// Whether it is of a custom tool, whose input is free text.
    package var isCustom: Bool
    /// A provider's opaque proof of the thought behind it (Gemini's thought signature).
    package var signature: ByteSlice?

    package init(
        id: ByteSlice, name: ByteSlice, arguments: Arguments, isCustom: Bool = false,
        signature: ByteSlice? = nil
    ) {
        self.id = id
        self.name = name
        self.arguments = arguments
        self.isCustom = isCustom
        self.signature = signature
    }
}
