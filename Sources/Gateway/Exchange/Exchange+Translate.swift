// Exchange+Translate.swift — the lane for a door and a provider that speak different dialects: the
// request goes through the model in the middle, and so does the answer.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

extension Exchange {
    /// Puts the request into the provider's words.
    /// - Throws: what the caller must change, or what this provider cannot do.
    func translate(for upstream: Upstream, at answerDoor: AnswerDoor) throws(Failure) {
        let tree: JSONTree
        do throws(JSONFailure) { tree = try worker.arena.read(body.slice) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        let request = try answerDoor.decode(tree.root)
        let translation = worker.takeTranslation()
        self.translation = translation
        try upstream.provider.encode(request, providerContext, into: &translation.call)
        if modelSettings.unsupportedParameters == .error, !translation.call.dropped.isEmpty {
            throw Self.unsupported(translation.call, at: upstream)
        }
        let context = answerContext(wantsUsage: request.wantsUsage)
        translation.begin(
            encoder: request.streams ? answerDoor.openStream(context) : nil,
            answerBytesMax: snapshot.answerBytesMax)
    }

    /// The operator would rather refuse a request than leave a part of it out.
    private static func unsupported(
        _ call: borrowing ProviderCall, at upstream: Upstream
    ) -> Failure {
        var names = ByteBuffer()
        call.appendDropped(to: &names)
        return Failure(
            .unsupportedParameter,
            "The provider '\(upstream.name)' cannot be told: \(names.string).",
            parameter: names.slice.firstIndex(of: ASCII.comma) == nil ? names.string : nil)
    }

    private func answerContext(wantsUsage: Bool) -> AnswerContext {
        AnswerContext(
            requestID: requestID.slice, requestedModel: requestedModel.slice,
            createdSeconds: worker.loop.secondsSince1970, wantsUsage: wantsUsage)
    }

    /// The tokens of a request to count, by their size.
    func estimateTokens() throws(Failure) -> Int {
        let tree: JSONTree
        do throws(JSONFailure) { tree = try worker.arena.read(body.slice) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
        return TokenEstimate.inputTokens(
            of: try MessagesRequestDecoder.decode(tree.root, isCount: true))
    }

    /// What encoders and decoders of this exchange draw on.
    var providerContext: ProviderContext {
        ProviderContext(
            model: upstreamModel.slice, arena: worker.arena, ids: worker.ids,
            signatures: worker.signatures, settings: modelSettings)
    }

    // MARK: The answer

    /// The head of the answer has come.
    func beginTranslation(_ translation: Translation, contentType: ByteSlice) {
        head.hasFrames = contentType.hasPrefix("application/vnd.amazon.eventstream")
        if head.hasFrames { head.isEventStream = true }
        guard head.isSuccess, head.isEventStream else { return }
        if head.hasFrames {
            translation.openFrames()
        } else {
            events = EventStreamParser()
            translation.openStream()
        }
    }

    func translateBody(_ bytes: ByteSlice, by translation: Translation) {
        guard head.hasFrames else { return translateEvents(bytes, by: translation) }
        translation.decode(frames: bytes, providerContext)
        pass(on: translation)
    }

    private func translateEvents(_ bytes: ByteSlice, by translation: Translation) {
        var input = bytes
        let context = providerContext
        do throws(EventStreamFailure) {
            while translation.outcome == nil, let event = try events.next(&input) {
                translation.decode(event, context)
            }
        } catch {
            stopUpstream()
            return fail(
                Failure(.upstreamMalformed, "The upstream sent an event over the limit."))
        }
        pass(on: translation)
    }

    func translationEnded(_ translation: Translation) {
        let context = providerContext
        if head.hasFrames {
            translation.finishStream(context)
        } else if head.isEventStream {
            if let event = events.finish() { translation.decode(event, context) }
            translation.finishStream(context)
        } else {
            translation.decode(answer: answer.slice, context)
        }
        pass(on: translation)
    }

    /// Gives the client what has been made of the answer so far.
    private func pass(on translation: Translation) {
        if case .failed(let failure) = translation.outcome {
            // What came whole before the failure is the client's.
            if translation.hasBegun { writeOutput(of: translation) }
            stopUpstream()
            return fail(failure)
        }
        if scan?.isStreaming == true {
            if translation.hasBegun { writeOutput(of: translation) }
            if translation.outcome == .ended { return endStream() }
        } else if translation.outcome == .ended {
            return answerTranslated(translation)
        }
        if client?.isFull == true {
            call.pause()
            player?.pause()
        }
    }

    private func writeOutput(of translation: Translation) {
        guard !translation.output.isEmpty else { return }
        prepareEvent()
        client?.writeBody(translation.output.slice)
        translation.output.removeAll()
    }

    private func answerTranslated(_ translation: Translation) {
        call.dropRest()
        player?.stop()
        answer.removeAll()
        if answer.capacity == 0 { answer = worker.loop.takeBuffer() }
        if case .answer(let answerDoor) = door {
            translation.encodeAnswer(
                at: answerDoor, answerContext(wantsUsage: true), to: &answer)
        }
        answerUnary()
    }
}
