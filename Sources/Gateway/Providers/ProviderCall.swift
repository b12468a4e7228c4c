// ProviderCall.swift — a request as a provider is to get it, and what its encoder may draw on.
// Pure. Filled by a provider's request encoder; Exchange adds host, credential and framing, and
// keeps it until the answer begins, because it may have to be sent twice.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One request in a provider's words.
package struct ProviderCall: ~Copyable {
    /// Path and query behind the base URL's path, beginning with a slash.
    package var target = ByteBuffer()
    /// Whole field lines of its own, each with its line end; no credential.
    package var fields = ByteBuffer()
    package var body = ByteBuffer()
    /// Whether the answer is asked for as a stream.
    package var streams = false
    /// Whether such a stream comes in AWS's frames.
    package var hasFrames = false
    /// How the answer will be spelled.
    package var codec = AnswerCodec.chat
    /// What the caller asked for and the provider cannot be told.
    package private(set) var dropped = ParameterSet()
    /// Names of dropped members that the model has no word for, comma-separated.
    package private(set) var droppedExtras = ByteBuffer()

    /// So many bytes of names are told.
    package static let droppedExtrasBytesMax = 512

    package init() {}

    /// The media type of the answer that is asked for.
    package var accept: StaticString {
        if !streams { return RequestHead.json }
        return hasFrames ? RequestHead.frames : RequestHead.events
    }

    /// Notes that a parameter was left out.
    package mutating func drop(_ parameter: Parameter) { dropped.insert(parameter) }

    /// Notes that a member without a word in the model was left out.
    package mutating func drop(extra name: ByteSlice) {
        dropped.insert(.extras)
        guard droppedExtras.count + name.count + 2 <= Self.droppedExtrasBytesMax else { return }
        if !droppedExtras.isEmpty { droppedExtras.append(", " as StaticString) }
        for index in 0..<name.count {
            let byte = name[index]
            let isPlain = ASCII.isVisible(byte) && byte != ASCII.comma
            droppedExtras.append(isPlain ? byte : UInt8(ascii: "?"))
        }
    }

    /// Appends the names of all that was dropped, comma-separated.
    package func appendDropped(to buffer: inout ByteBuffer) {
        let start = buffer.count
        dropped.forEach { parameter in
            guard parameter != .extras else { return }
            if buffer.count > start { buffer.append(", " as StaticString) }
            buffer.append(parameter.name)
        }
        guard !droppedExtras.isEmpty else { return }
        if buffer.count > start { buffer.append(", " as StaticString) }
        buffer.append(droppedExtras.slice)
    }

    /// Empties it and keeps its memory.
    package mutating func reset() {
        target.removeAll()
        fields.removeAll()
        body.removeAll()
        streams = false
        hasFrames = false
        codec = .chat
        dropped = ParameterSet()
        droppedExtras.removeAll()
    }
}

/// What an encoder or decoder may draw on besides the request and the answer.
package struct ProviderContext {
    /// The model's name at the provider.
    package var model: ByteSlice
    /// What the operator says of the model.
    package var settings: ModelSettings
    /// For documents that are taken apart.
    package var arena: JSONArena
    /// Draws ids that providers leave out.
    package var ids: IDSource
    /// Proofs of thought that clients may forget; nil where none are kept.
    package var signatures: ThoughtSignatures?
    /// Whether calls without a name are told, for somebody behind the decoder to name them; else
    /// such an answer has failed.
    package var tellsNamelessCalls = false

    package init(
        model: ByteSlice, arena: JSONArena, ids: IDSource, signatures: ThoughtSignatures? = nil,
        settings: ModelSettings = ModelSettings()
    ) {
        self.model = model
        self.settings = settings
        self.arena = arena
        self.ids = ids
        self.signatures = signatures
    }
}

/// Draws ids; one a worker.
package final class IDSource {
    private var random: SeededRandom

    package init(seed: UInt64) { random = SeededRandom(seed: seed) }

    private static let alphabet: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

    /// Appends `prefix` and 24 letters and digits.
    package func append(_ prefix: StaticString, to buffer: inout ByteBuffer) {
        buffer.append(prefix)
        let alphabet = ByteSlice(Self.alphabet)
        for _ in 0..<24 { buffer.append(alphabet[Int(random.next() % 62)]) }
    }
}
