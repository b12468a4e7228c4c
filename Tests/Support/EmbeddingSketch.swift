// EmbeddingSketch.swift — an EmbeddingRequest written as JSON, for golden files of providers, and as
// lines, for those of the door.

import GatewayCodec
import GatewayModel
import ReactorCore

package enum EmbeddingSketch {
    /// Members: `inputs` (strings and arrays of tokens), `single`, `dimensions`, `base64`, `user`,
    /// `extras`.
    package static func read(_ root: JSONValue) -> EmbeddingRequest {
        var request = EmbeddingRequest()
        request.inputs =
            (root["inputs"]?.elements).map { elements in
                elements.map { value in value.string.map { .text($0) } ?? .tokens(value) }
            } ?? []
        request.isSingle = root["single"]?.bool ?? false
        request.dimensions = root["dimensions"]?.int
        request.format = root["base64"]?.bool == true ? .base64 : .float
        request.user = root["user"]?.string
        if let extras = root["extras"] {
            request.extras.members = extras.members.map {
                Extras.Member(name: $0.name, value: $0.value)
            }
        }
        return request
    }

    package static func text(_ request: EmbeddingRequest) -> String {
        var lines = ["model \(request.model.string.debugDescription)"]
        for (index, input) in request.inputs.enumerated() {
            switch input {
            case .text(let text):
                lines.append("\(request.place(ofInput: index)) \(text.string.debugDescription)")
            case .tokens(let list):
                let ids = list.elements.compactMap { $0.int.map(String.init) }
                lines.append(
                    "\(request.place(ofInput: index)) tokens \(ids.joined(separator: " "))")
            }
        }
        if let dimensions = request.dimensions { lines.append("dimensions \(dimensions)") }
        lines.append("\(request.format)")
        if let user = request.user { lines.append("user \(user.string.debugDescription)") }
        for extra in request.extras.members { lines.append("extra \(extra.name.string)") }
        return lines.joined(separator: "\n")
    }

    package static func text(_ response: EmbeddingResponse) -> String {
        var lines = ["model \(String(decoding: response.model, as: UTF8.self).debugDescription)"]
        for vector in response.vectors {
            lines.append(vector.map(\.description).joined(separator: " "))
        }
        if let usage = response.usage {
            lines.append("usage input=\(usage.inputTokens) total=\(usage.totalTokens)")
        }
        return lines.joined(separator: "\n")
    }

    package static func text(_ failure: Failure) -> String {
        "\(failure.kind) \(failure.parameter ?? "-")\n\(failure.message)"
    }
}
