// Exchange+Embeddings.swift — texts that become vectors: passed on where the provider takes OpenAI's
// embeddings as they are; elsewhere the request is put into the provider's words and its answer into
// the door's.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

extension Exchange {
    /// Finds who makes the vectors, and asks.
    func embed() {
        do throws(Failure) {
            let scan = DoorScan.embeddings(try EmbeddingRequestScan.scan(body.slice))
            self.scan = scan
            let route = try route(scan)
            try takePermit(scan)
            let upstream = try choose(route)
            try prepareEmbeddings(for: upstream)
            dispatch(scan, to: upstream)
        } catch {
            fail(error)
        }
    }

    /// Puts the request into the words of its upstream.
    func prepareEmbeddings(for upstream: Upstream) throws(Failure) {
        if upstream.provider.relaysEmbeddings {
            renamesModel = upstreamModel.slice != requestedModel.slice
        } else {
            try translateEmbeddings(for: upstream)
            if rerouting == nil { giveBack(&body) }
        }
    }

    private func translateEmbeddings(for upstream: Upstream) throws(Failure) {
        let tree = try readBody()
        let translation = worker.takeTranslation()
        self.translation = translation
        translation.begin(encoder: nil, answerBytesMax: snapshot.answerBytesMax)
        try withExtendedLifetime(tree) { () throws(Failure) in
            let request = try EmbeddingRequestDecoder.decode(tree.root)
            let codec = try upstream.provider.encode(
                request, providerContext, into: &translation.call)
            try refuseDropped(by: translation.call, at: upstream)
            translation.vectors = VectorPlan(codec, for: request)
        }
    }

    /// The provider's answer is there.
    func vectorsArrived(_ plan: VectorPlan, _ translation: Translation) {
        var vectors = worker.loop.takeBuffer()
        do throws(Failure) {
            try translation.encodeVectors(
                answer.slice, plan, providerContext,
                AnswerContext(
                    requestID: requestID.slice, requestedModel: requestedModel.slice,
                    createdSeconds: worker.loop.secondsSince1970, wantsUsage: true),
                to: &vectors)
            isEstimate = translation.isEstimate
            swap(&answer, &vectors)
            giveBack(&vectors)
            answerUnary()
        } catch {
            giveBack(&vectors)
            fail(error)
        }
    }
}
