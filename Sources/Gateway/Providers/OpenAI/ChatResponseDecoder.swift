// ChatResponseDecoder.swift — a whole chat completion as events.
// Pure; borrows the body. Imported by Catalog.

import GatewayCodec
import GatewayModel
import ReactorCore

package enum ChatResponseDecoder {
    /// Emits the events of an answer under a status of success; the last is `ended` or `failed`.
    /// - Returns: whether a call in it is spelled otherwise than the dialect has it.
    @discardableResult
    package static func decode(
        _ body: ByteSlice, _ context: ProviderContext, _ emit: (ModelEvent) -> Void
    ) -> Bool {
        var reader = ChatAnswerReader(context, isChunk: false)
        do throws(JSONFailure) {
            if let failure = try reader.read(body, emit) {
                emit(.failed(failure))
                return false
            }
        } catch {
            emit(
                .failed(
                    Failure(
                        .upstreamMalformed,
                        "The upstream's answer is not valid JSON: \(error).")))
            return false
        }
        guard reader.assembler.areFinished else {
            emit(
                .failed(
                    Failure(
                        .upstreamMalformed, "The upstream's answer is no chat completion.")))
            return false
        }
        emit(.ended)
        return reader.departs
    }
}
