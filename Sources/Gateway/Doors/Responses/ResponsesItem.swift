// ResponsesItem.swift — one item of a response while it comes into being.
// Pure; keeps the item's text, escaped, because the dialect tells it again at every close. Only
// ResponsesStreamEncoder uses it.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// The item that is open; its memory serves the next one.
struct ResponsesItem: ~Copyable {
    enum Kind {
        case message, reasoning, functionCall, customCall, image

        fileprivate var prefix: StaticString {
            switch self {
            case .message: "msg_"
            case .reasoning: "rs_"
            case .functionCall: "fc_"
            case .customCall: "ctc_"
            case .image: "ig_"
            }
        }
    }

    private typealias Wire = ResponsesWire

    private(set) var kind = Kind.message
    /// Place in the output.
    private(set) var index = 0
    private(set) var id = ByteBuffer()
    private var callID = ByteBuffer()
    private(set) var name = ByteBuffer()
    /// The group that a call's tool is in; empty for none.
    private var namespace = ByteBuffer()
    /// The inside of a JSON string: the open part's text, a call's arguments, an image's data, or
    /// the text of thoughts.
    private(set) var text = ByteBuffer()
    /// A message's parts that are closed, comma-separated JSON.
    private var parts = ByteBuffer()
    /// Place of a message's open part, or of its next one.
    private(set) var partIndex = 0
    private(set) var isRefusal = false
    /// The inside of a JSON string: the proof of thoughts or of a call.
    private var proof = ByteBuffer()

    init() {}

    /// What is kept.
    var byteCount: Int { parts.count + text.count + proof.count }

    /// Begins an item; `stem` is what the answer's ids have in common.
    mutating func begin(_ kind: Kind, index: Int, stem: ByteSlice) {
        self.kind = kind
        self.index = index
        partIndex = 0
        id.removeAll()
        callID.removeAll()
        name.removeAll()
        namespace.removeAll()
        text.removeAll()
        parts.removeAll()
        proof.removeAll()
        ResponsesIDs.append(kind.prefix, of: stem, index: index, to: &id)
    }

    /// Says which tool a call is of. A call must have an id: answers refer to it.
    mutating func call(
        _ name: ByteSlice, in namespaces: ToolNamespaces?, id: ByteSlice, stem: ByteSlice
    ) {
        if let (namespace, name) = namespaces?.split(name) {
            self.name.append(name)
            self.namespace.append(namespace)
        } else {
            self.name.append(name)
        }
        if id.isEmpty {
            ResponsesIDs.append("call_", of: stem, index: index, to: &callID)
        } else {
            callID.append(id)
        }
    }

    /// A message's next part is open.
    mutating func beginPart(isRefusal: Bool) {
        self.isRefusal = isRefusal
        text.removeAll()
    }

    /// A message's open part is closed.
    mutating func endPart() {
        // Out of the item while the item is read.
        var list = ByteBuffer()
        swap(&list, &parts)
        if partIndex > 0 { list.append(ASCII.comma) }
        list.writeJSON { writePart(&$0) }
        swap(&list, &parts)
        partIndex += 1
        text.removeAll()
    }

    /// Adds to the text. - Returns: where in it the new piece begins.
    mutating func add(_ piece: ByteSlice) -> Int {
        let start = text.count
        text.append(jsonEscaping: piece)
        return start
    }

    /// Adds the proof of `provider`'s.
    mutating func sign(_ signature: ByteSlice, _ provider: ByteSlice) {
        if kind == .reasoning {
            beginProof(isRedacted: false, provider)
        }
        proof.append(jsonEscaping: signature)
    }

    /// Adds thoughts that are encrypted.
    mutating func addRedacted(_ data: ByteSlice, _ provider: ByteSlice) {
        if proof.isEmpty { beginProof(isRedacted: true, provider) }
        proof.append(jsonEscaping: data)
    }

    private mutating func beginProof(isRedacted: Bool, _ provider: ByteSlice) {
        ResponsesProof.appendHead(isRedacted: isRedacted, of: provider, to: &proof)
    }

    // MARK: Writing

    /// The open part of a message, or the one part of thoughts, with its text so far.
    borrowing func writePart(isEmpty: Bool = false, _ json: inout JSONWriter) {
        json.beginObject()
        if kind == .reasoning {
            json.field(Wire.type, Wire.Part.summaryText)
            writeText(Wire.text, isEmpty: isEmpty, &json)
        } else if isRefusal {
            json.field(Wire.type, Wire.Part.refusal)
            writeText(Wire.refusal, isEmpty: isEmpty, &json)
        } else {
            json.field(Wire.type, Wire.Part.outputText)
            writeText(Wire.text, isEmpty: isEmpty, &json)
            for name in [Wire.annotations, Wire.logprobs] {
                json.beginArray(name)
                json.endArray()
            }
        }
        json.endObject()
    }

    /// The text so far as a string member.
    borrowing func writeText(
        _ name: StaticString, isEmpty: Bool = false, _ json: inout JSONWriter
    ) {
        json.key(name)
        json.string { if !isEmpty { $0.append(text.slice) } }
    }

    /// The piece of the text from `start` on as a string member.
    borrowing func writePiece(
        _ name: StaticString, from start: Int, _ json: inout JSONWriter
    ) {
        json.key(name)
        json.string { $0.append(text.slice.dropFirst(start)) }
    }

    /// The item as it begins.
    borrowing func writeAdded(wantsProof: Bool, _ json: inout JSONWriter) {
        write(Wire.Status.inProgress, isEmpty: true, wantsProof, &json)
    }

    /// The item as it has become.
    borrowing func writeDone(
        _ status: StaticString, wantsProof: Bool, _ json: inout JSONWriter
    ) {
        write(status, isEmpty: false, wantsProof, &json)
    }

    private borrowing func write(
        _ status: StaticString, isEmpty: Bool, _ wantsProof: Bool, _ json: inout JSONWriter
    ) {
        json.beginObject()
        json.field(Wire.type, typeName)
        json.field(Wire.id, id.slice)
        switch kind {
        case .message:
            json.field(Wire.status, status)
            json.field(Wire.role, Wire.Role.assistant)
            json.beginArray(Wire.content)
            if !isEmpty, !parts.isEmpty { json.raw(parts.slice) }
            json.endArray()
        case .reasoning:
            json.beginArray(Wire.summary)
            if !isEmpty, !text.isEmpty { writePart(&json) }
            json.endArray()
            guard wantsProof else { break }
            writeProof(Wire.encryptedContent, isEmpty: isEmpty, &json)
        case .functionCall, .customCall:
            json.field(Wire.status, status)
            json.field(Wire.callID, callID.slice)
            json.field(Wire.name, name.slice)
            if !namespace.isEmpty { json.field(Wire.namespace, namespace.slice) }
            writeText(
                kind == .customCall ? Wire.input : Wire.arguments, isEmpty: isEmpty, &json)
            guard !isEmpty, !proof.isEmpty else { break }
            json.beginObject(Wire.extraContent)
            json.beginObject(Wire.google)
            writeProof(Wire.thoughtSignature, isEmpty: false, &json)
            json.endObject()
            json.endObject()
        case .image:
            json.field(Wire.status, status)
            if isEmpty { json.null(Wire.result) } else { writeText(Wire.result, &json) }
        }
        json.endObject()
    }

    private borrowing func writeProof(
        _ name: StaticString, isEmpty: Bool, _ json: inout JSONWriter
    ) {
        guard !isEmpty, !proof.isEmpty else { return json.null(name) }
        json.key(name)
        json.string { $0.append(proof.slice) }
    }

    private var typeName: StaticString {
        switch kind {
        case .message: Wire.Item.message
        case .reasoning: Wire.Item.reasoning
        case .functionCall: Wire.Item.functionCall
        case .customCall: Wire.Item.customCall
        case .image: Wire.Item.imageGeneration
        }
    }
}
