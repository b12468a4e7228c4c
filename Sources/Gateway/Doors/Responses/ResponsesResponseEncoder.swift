// ResponsesResponseEncoder.swift — a whole answer as a response object.
// Pure. Imported by Exchange.

import GatewayModel
import ReactorCore

package enum ResponsesResponseEncoder {
    /// Appends the body of an answer that did not fail: the object with which a stream of the same
    /// answer would have ended.
    ///
    /// - Parameters:
    ///   - provider: as for the decoder.
    ///   - keep: gets the answer's items, comma-separated JSON, for the store.
    package static func encode(
        _ response: ModelResponse, _ context: AnswerContext, _ echo: ResponsesEcho,
        provider: ByteSlice = .empty, to buffer: inout ByteBuffer,
        keep: (ByteSlice) -> Void = { _ in }
    ) {
        var encoder = ResponsesStreamEncoder(context, echo, provider, isQuiet: true)
        var unused = ByteBuffer()
        response.unfold { encoder.encode($0, to: &unused) }
        buffer.writeJSON { encoder.writeEnd(&$0) }
        keep(encoder.outputItems)
    }
}
