// ChatResponseDecoder.swift — a whole chat completion as events.
// Pure; borrows the body. Imported by Catalog.

import GatewayCodec
import GatewayModel
import ReactorCore

package enum ChatResponseDecoder {
    /// Emits the events of an answer under a status of success; the last is `ended` or `failed`.
    package static func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) {
        var reader = ChatAnswerReader(ids: context.ids, isChunk: false)
        do throws(JSONFailure) {
            if let failure = try reader.read(body, emit) { return emit(.failed(failure)) }
        } catch {
            return emit(
                .failed(
                    Failure(
                        .upstreamMalformed,
                        "The upstream's answer is not valid JSON: \(error).")))
        }
        guard reader.assembler.areFinished else {
            return emit(
                .failed(
                    Failure(
                        .upstreamMalformed, "The upstream's answer is no chat completion.")))
        }
        emit(.ended)
    }
}
