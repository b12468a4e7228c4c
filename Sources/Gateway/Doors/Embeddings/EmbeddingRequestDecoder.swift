// EmbeddingRequestDecoder.swift — an embeddings request as the inputs that are to become vectors.
// Pure; borrows the tree. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package enum EmbeddingRequestDecoder {
    /// - Throws: a failure for the caller that names the parameter.
    package static func decode(_ root: JSONValue) throws(Failure) -> EmbeddingRequest {
        let fields = try RequestFields(root: root)
        var request = EmbeddingRequest()
        request.model = try fields.requiredString(EmbeddingWire.model)
        try readInput(fields, into: &request)
        request.dimensions = try fields.int(EmbeddingWire.dimensions, 1 ... .max)
        if let format = try fields.string(EmbeddingWire.encodingFormat) {
            if format == EmbeddingWire.base64 {
                request.format = .base64
            } else if format != ByteSlice(EmbeddingWire.float) {
                throw fields.at(EmbeddingWire.encodingFormat).invalid(
                    "must be 'float' or 'base64'")
            }
        }
        request.user = try fields.string(EmbeddingWire.user)
        for (name, value) in root.members where !value.isNull && !isKnown(name) {
            request.extras.members.append(Extras.Member(name: name, value: value))
        }
        return request
    }

    private static func isKnown(_ name: ByteSlice) -> Bool {
        name == EmbeddingWire.model || name == EmbeddingWire.input
            || name == EmbeddingWire.dimensions || name == EmbeddingWire.encodingFormat
            || name == EmbeddingWire.user
    }

    private static let shapes = "must be a string, a list of strings, or a list of tokens"

    private static func readInput(
        _ fields: RequestFields, into request: inout EmbeddingRequest
    ) throws(Failure) {
        let place = fields.at(EmbeddingWire.input)
        guard let input = fields[EmbeddingWire.input] else { throw place.missing }
        if let text = input.string {
            request.isSingle = true
            request.inputs = [try self.text(text, at: place)]
            return
        }
        guard input.kind == .array else { throw place.invalid(shapes) }
        var elements = input.elements
        guard let first = elements.next() else { throw place.invalid("must not be empty") }
        if first.kind == .number {
            request.isSingle = true
            request.inputs = [try tokens(input, at: place)]
            return
        }
        guard input.count <= EmbeddingRequest.inputCountMax else {
            throw place.invalid("holds more than \(EmbeddingRequest.inputCountMax) inputs")
        }
        request.inputs.reserveCapacity(input.count)
        for (index, element) in input.elements.enumerated() {
            let place = place.element(index)
            // One kind in one list: whoever mixes them means something else.
            if first.kind == .string {
                guard let text = element.string else {
                    throw place.invalid("must be a string like the first")
                }
                request.inputs.append(try self.text(text, at: place))
            } else {
                guard first.kind == .array, element.kind == .array else {
                    throw place.invalid("must be a string or a list of tokens")
                }
                request.inputs.append(try tokens(element, at: place))
            }
        }
    }

    private static func text(
        _ text: ByteSlice, at place: RequestPlace
    ) throws(Failure) -> EmbeddingRequest.Input {
        if text.isEmpty { throw place.invalid("must not be empty") }
        return .text(text)
    }

    private static func tokens(
        _ list: JSONValue, at place: RequestPlace
    ) throws(Failure) -> EmbeddingRequest.Input {
        if list.count == 0 { throw place.invalid("must not be empty") }
        for (index, token) in list.elements.enumerated() {
            guard let id = token.int, id >= 0 else {
                throw place.element(index).invalid("must be a token: an integer of at least 0")
            }
        }
        return .tokens(list)
    }
}
