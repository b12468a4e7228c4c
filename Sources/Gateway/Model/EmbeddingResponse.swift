// EmbeddingResponse.swift — vectors, one per input and in the order of the inputs.
// Pure; owns what it holds. Made by providers' decoders, written by the embeddings door.

import ReactorCore

/// The vectors of one request.
package struct EmbeddingResponse: Equatable {
    /// The model by the provider's name; empty where it does not say.
    package var model: [UInt8] = []
    /// Every number is finite.
    package var vectors: [[Float]]
    /// Nil where the provider does not count.
    package var usage: Usage?

    package init(vectors: [[Float]], model: ByteSlice = .empty, usage: Usage? = nil) {
        self.vectors = vectors
        self.model = Array(model.raw)
        self.usage = usage
    }
}
