// ToolDefinition.swift — the tools that a model may call, and whether it must.
// Pure; see ModelRequest for how long slices live.

import GatewayCodec
import ReactorCore

/// A tool on offer.
package struct ToolDefinition {
    package enum Kind {
        /// Called with arguments that satisfy a JSON Schema; nil: none given.
        case function(parameters: JSONValue?)
        /// Called with free text; the format is OpenAI's, raw.
        case custom(format: JSONValue?)
        /// A tool that one dialect's provider runs itself, as it was written.
        case foreign(Dialect, JSONValue)
    }

    package var name: ByteSlice
    package var description: ByteSlice?
    package var kind: Kind
    /// Whether arguments must follow the schema to the letter; nil: not said.
    package var isStrict: Bool?
    package var cacheControl: JSONValue?

    package init(
        name: ByteSlice, description: ByteSlice? = nil, kind: Kind, isStrict: Bool? = nil,
        cacheControl: JSONValue? = nil
    ) {
        self.name = name
        self.description = description
        self.kind = kind
        self.isStrict = isStrict
        self.cacheControl = cacheControl
    }
}

/// Whether and which tools must be called.
package struct ToolChoice {
    package enum Mode {
        case auto
        case none
        /// At least one.
        case required
        /// This one.
        case named(ByteSlice)
    }

    package var mode: Mode
    /// Only these may be called; nil: all.
    package var allowed: [ByteSlice]?

    package init(_ mode: Mode, allowed: [ByteSlice]? = nil) {
        self.mode = mode
        self.allowed = allowed
    }
}
