// ResponsesRequestDecoder.swift — a responses request as a request to a model.
// Pure; borrows the tree and what was recalled. Input items are in +Input, tools and forms in +Tools.
// Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Reads one request.
package struct ResponsesRequestDecoder {
    var request = ModelRequest()
    /// The parts of the assistant's turn that the next item may go on with.
    var turn: [ContentPart] = []
    /// Whether tools that are kept in groups get one name made of both words.
    var joinsNamespaces = true
    let provider: ByteSlice
    let recalled: JSONValue?
    private let root: ResponsesRoot

    /// Takes a request apart.
    ///
    /// - Parameters:
    ///   - provider: the name under which proofs of thought were given out (`ResponsesProof`).
    ///   - recalled: what `ResponseStore.recall` wrote for this request, read again; it must live
    ///     as long as the request. Nil where it wrote nothing.
    package static func decode(
        _ root: JSONValue, provider: ByteSlice = .empty, recalled: JSONValue? = nil
    ) throws(Failure) -> ModelRequest {
        guard root.kind == .object else {
            throw Failure(.malformedRequest, "The request body must be a JSON object.")
        }
        var decoder = ResponsesRequestDecoder(root, provider, recalled)
        try decoder.refuseState()
        try decoder.readModel()
        try decoder.readInput()
        try decoder.readSampling()
        try decoder.readReasoning(root)
        try decoder.readOutput(root)
        try decoder.readTools(root)
        decoder.readExtras()
        return decoder.request
    }

    init(_ root: JSONValue, _ provider: ByteSlice, _ recalled: JSONValue?) {
        self.root = ResponsesRoot(root: root)
        self.provider = provider
        self.recalled = recalled
        request.extras.dialect = .responses
        // The last event tells it, asked or not.
        request.wantsUsage = true
    }

    /// What only OpenAI's own memory could answer.
    private func refuseState() throws(Failure) {
        typealias Wire = ResponsesWire
        if try root.bool(Wire.background) == true {
            throw Failure(
                .unsupportedParameter,
                "'background' is not supported for this model: its answers are not kept to be "
                    + "fetched later. Send the request without it, best with 'stream'.",
                parameter: "\(Wire.background)")
        }
        if root.value(Wire.conversation) != nil {
            throw Failure(
                .unsupportedParameter,
                "'conversation' is not supported for this model: send the whole conversation as "
                    + "'input'.",
                parameter: "\(Wire.conversation)")
        }
        if root.value(Wire.prompt) != nil {
            throw Failure(
                .unsupportedParameter,
                "'prompt' is not supported for this model: templates are kept by OpenAI only.",
                parameter: "\(Wire.prompt)")
        }
    }

    private mutating func readModel() throws(Failure) {
        guard let model = try root.text(ResponsesWire.model), !model.isEmpty else {
            throw Failure(
                .missingParameter, "The parameter 'model' is missing.", parameter: "model")
        }
        request.model = model
        request.streams = try root.bool(ResponsesWire.stream) ?? false
    }

    private mutating func readInput() throws(Failure) {
        typealias Wire = ResponsesWire
        if let text = try root.text(Wire.instructions), !text.isEmpty {
            request.append(.system, [ContentPart(.text(text))])
        }
        var hasInput = false
        if try root.text(Wire.previousResponseID) != nil {
            guard let items = recalled?[ResponseStore.items] else { throw ResponseStore.isOff }
            hasInput = true
            for (index, item) in items.elements.enumerated() {
                try read(item, ResponsesPlace(Wire.previousResponseID, index))
            }
        }
        if let input = root.value(Wire.input) {
            hasInput = true
            if let text = input.string {
                endTurn()
                request.append(.user, [ContentPart(.text(text))])
            } else {
                guard input.kind == .array else {
                    throw ResponsesRoot.wrong(Wire.input, expected: "a string or an array of items")
                }
                for (index, item) in input.elements.enumerated() {
                    try read(item, ResponsesPlace(Wire.input, index))
                }
            }
        }
        endTurn()
        guard hasInput else {
            throw Failure(
                .missingParameter, "The parameter 'input' is missing.", parameter: "input")
        }
        guard !request.messages.isEmpty else {
            throw ResponsesRoot.wrong(Wire.input, expected: "at least one item")
        }
    }

    private mutating func readSampling() throws(Failure) {
        typealias Wire = ResponsesWire
        request.sampling.temperature = try root.double(Wire.temperature)
        request.sampling.topP = try root.double(Wire.topP)
        request.sampling.outputTokensMax = try root.int(Wire.maxOutputTokens, atLeast: 1)
        request.sampling.topLogprobs = try root.int(Wire.topLogprobs, atLeast: 0)
        if request.sampling.topLogprobs == 0 { request.sampling.topLogprobs = nil }
        request.sampling.wantsLogprobs =
            ResponsesEcho.includes(root.root, Wire.includeLogprobs)
            || request.sampling.topLogprobs != nil
        request.user = try root.text(Wire.user)
        if request.user == nil { request.user = try root.text(Wire.safetyIdentifier) }
        if let include = root.value(Wire.include), include.kind != .array {
            throw ResponsesRoot.wrong(Wire.include, expected: "an array")
        }
        _ = try root.object(Wire.metadata)
        _ = try root.bool(Wire.store)
    }

    /// What is acted upon here, or repeated in the answer and not the model's business.
    private static let known: [StaticString] = [
        ResponsesWire.model, ResponsesWire.input, ResponsesWire.instructions,
        ResponsesWire.maxOutputTokens, ResponsesWire.temperature, ResponsesWire.topP,
        ResponsesWire.topLogprobs, ResponsesWire.tools, ResponsesWire.toolChoice,
        ResponsesWire.parallelToolCalls, ResponsesWire.previousResponseID,
        ResponsesWire.store, ResponsesWire.background, ResponsesWire.stream,
        ResponsesWire.streamOptions, ResponsesWire.text, ResponsesWire.reasoning,
        ResponsesWire.include, ResponsesWire.metadata, ResponsesWire.user,
        ResponsesWire.safetyIdentifier, ResponsesWire.conversation, ResponsesWire.prompt,
    ]

    private mutating func readExtras() {
        for (name, value) in root.root.members where !value.isNull {
            if Self.known.contains(where: { name == $0 }) { continue }
            // Nothing is cut off here unless it is asked for.
            if name == ResponsesWire.truncation,
                value.string.map({ $0 == ResponsesWire.disabled })
                    ?? false
            {
                continue
            }
            leaveOut(name, value)
        }
    }

    /// Keeps what a provider of another dialect will leave out, and name to the caller.
    mutating func leaveOut(_ name: ByteSlice, _ value: JSONValue) {
        if request.extras.members.contains(where: { $0.name == name }) { return }
        request.extras.members.append(.init(name: name, value: value))
    }
}
