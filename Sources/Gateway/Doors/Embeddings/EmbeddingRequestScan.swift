// EmbeddingRequestScan.swift — what the relay lane must know of an embeddings request, read in one
// pass.
// Pure; borrows the body. Checks what routing and accounting stand on and nothing else: the rest
// is the upstream's to judge. Imported by Exchange.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// Places of an embeddings request, good as long as its body.
package struct EmbeddingRequestScan: Sendable {
    package private(set) var model = ScannedModel()
    /// The end user's name, quotes included, if it is a string.
    package private(set) var user: Range<Int>?
    package private(set) var details = ScannedDetails()

    private static let names = JSONNames(
        EmbeddingWire.model, EmbeddingWire.input, EmbeddingWire.user)
    private static let spelled: [StaticString] = [
        EmbeddingWire.model, EmbeddingWire.input, EmbeddingWire.user,
    ]

    private init() {}

    /// The edits that make the body the upstream's: its own model name, if it has another.
    package func splice(model upstreamModel: ByteSlice?) -> JSONSplice {
        var splice = JSONSplice()
        if let upstreamModel { splice.replace(model.range, with: .string(upstreamModel)) }
        return splice
    }

    /// Reads a request's body.
    package static func scan(_ body: ByteSlice) throws(Failure) -> EmbeddingRequestScan {
        var scan = EmbeddingRequestScan()
        let problem: Failure?
        do throws(JSONFailure) { problem = try scan.read(body) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        if let problem { throw problem }
        return scan
    }

    /// - Returns: the first wrong value; a syntax error anywhere wins over it.
    private mutating func read(_ body: ByteSlice) throws(JSONFailure) -> Failure? {
        var scanner = JSONScanner(body)
        guard scanner.comesObject else {
            try scanner.value()
            try scanner.finish()
            return Failure(.malformedRequest, "The request body must be a JSON object.")
        }
        var names = ScannedNames()
        var problem: Failure?
        try scanner.beginObject()
        while let name = try scanner.nextName(in: Self.names) {
            let found = names.mark(
                name.index, Self.spelled[name.index], hasEscapes: name.hasEscapes)
            problem = problem ?? found
            let value = try scanner.value()
            switch name.index {
            case 0:
                let found = model.take(value, in: body)
                problem = problem ?? found
            case 1:
                details.content = .init(value.range)
                if value.kind != .string && value.kind != .array {
                    problem =
                        problem
                        ?? ScannedNames.wrong(EmbeddingWire.input, "a string or an array")
                }
            default: if value.kind == .string { user = value.range }
            }
        }
        try scanner.finish()
        if !names.has(0) { problem = problem ?? ScannedNames.missing(EmbeddingWire.model) }
        if !names.has(1) { problem = problem ?? ScannedNames.missing(EmbeddingWire.input) }
        return problem
    }
}
