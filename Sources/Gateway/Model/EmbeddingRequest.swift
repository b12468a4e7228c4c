// EmbeddingRequest.swift — texts that a caller wants as vectors, in no dialect's words.
// Pure; borrows everything from the document that it was decoded from and is encoded before that
// goes away. Made by the embeddings door, read by providers.

import GatewayCodec
import ReactorCore

/// A request for one vector per input.
package struct EmbeddingRequest {
    package enum Input {
        /// Plain UTF-8, unescaped; not empty.
        case text(ByteSlice)
        /// An array of whole numbers of at least 0, not empty: ids of some model's alphabet.
        case tokens(JSONValue)
    }

    /// How the vectors are told to the caller.
    package enum Format: Equatable, Sendable {
        /// Numbers.
        case float
        /// Base64 of little-endian float32.
        case base64
    }

    /// No dialect takes more inputs at once.
    package static let inputCountMax = 2048

    /// The model as the caller named it.
    package var model = ByteSlice.empty
    /// At least one.
    package var inputs: [Input] = []
    /// Whether the caller wrote the one input without a list around it.
    package var isSingle = false
    /// Numbers of a vector; nil: not said.
    package var dimensions: Int?
    package var format = Format.float
    /// The caller's word for its own user.
    package var user: ByteSlice?
    /// Members that have no word here, as they were written.
    package var extras = Extras()

    package init() {}

    /// The first input that is made of tokens.
    package var firstTokenInput: Int? {
        inputs.firstIndex { if case .tokens = $0 { true } else { false } }
    }

    /// Where an input stands in the caller's request, such as `input[3]`.
    package func place(ofInput index: Int) -> String {
        isSingle ? "input" : "input[\(index)]"
    }
}
