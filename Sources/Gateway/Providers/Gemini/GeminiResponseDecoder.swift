// GeminiResponseDecoder.swift — a whole answer of generateContent as canonical events.
// Pure. Imported by Catalog.

import GatewayModel
import ReactorCore

package enum GeminiResponseDecoder {
    /// Reads a body under a status of success; the events end with `ended` or `failed`.
    package static func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        var decoder = GeminiStreamDecoder(isUnary: true)
        decoder.decode(json: body, context, emit)
        decoder.finish(context, emit)
    }
}
