// Exchange+Translate.swift — the lane for a door and a provider that speak different dialects: the
// request goes through the model in the middle, and so does the answer.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTools
import GatewayWire
import Reactor
import ReactorCore

extension Exchange {
    /// Puts the request into the provider's words.
    /// - Throws: what the caller must change, or what this provider cannot do.
    func translate(for upstream: Upstream, at answerDoor: AnswerDoor) throws(Failure) {
        let tree = try readBody()
        let recalled = try recall(tree.root, at: answerDoor)
        let translation = worker.takeTranslation()
        self.translation = translation
        translation.trace = trace
        let documents = RequestDocuments(tree, recalled: recalled)
        try withExtendedLifetime(documents) { () throws(Failure) in
            try encode(documents, for: upstream, at: answerDoor, translation)
        }
    }

    func readBody() throws(Failure) -> JSONTree {
        do throws(JSONFailure) { return try worker.arena.read(body.slice) } catch {
            throw Failure(.malformedRequest, "The request body is not valid JSON: \(error).")
        }
    }

    private func encode(
        _ documents: RequestDocuments, for upstream: Upstream, at answerDoor: AnswerDoor,
        _ translation: Translation
    ) throws(Failure) {
        let (root, recalled) = (documents.tree.root, documents.recalledRoot)
        var request = try answerDoor.decode(
            root, provider: upstream.nameBytes, recalled: recalled)
        if recalled != nil || snapshot.history.boundsClients {
            HistoryBound.apply(to: &request, messagesMax: snapshot.history.messagesMax)
        }
        translation.echoedPrompt.append(request.echo)
        translation.namespaces = request.namespaces
        if answerDoor == .responses {
            translation.echo = ResponsesEcho(
                root, recalled: recalled, storeIsOn: snapshot.storesResponses)
        }
        guard FreeTextTools.has(request) else {
            let loop = offerBuiltIn(to: &request)
            return try begin(&request, loop, documents, for: upstream, at: answerDoor, translation)
        }
        // Tools that are called with free text go to every provider as functions: of those who are
        // translated for, only few know another kind. Beside them no function of ours is run: the
        // document that they are written into does not outlive this call.
        tools.freeText = FreeTextCalls(request)
        var buffer = worker.loop.takeBuffer()
        defer { worker.loop.giveBuffer(&buffer) }
        FreeTextTools.document(for: request, to: &buffer)
        let document: JSONTree
        do throws(JSONFailure) { document = try worker.arena.read(buffer.slice) } catch {
            preconditionFailure("what was written as JSON is none: \(error)")
        }
        FreeTextTools.rewrite(&request, document.root)
        try begin(&request, nil, documents, for: upstream, at: answerDoor, translation)
    }

    /// Encodes the request and sets up what its answer will pass.
    private func begin(
        _ request: inout ModelRequest, _ loop: ToolLoopMachine?, _ documents: RequestDocuments,
        for upstream: Upstream, at answerDoor: AnswerDoor, _ translation: Translation
    ) throws(Failure) {
        try ToolDefinitionCheck(
            door: answerDoor.dialect, target: upstream.provider.dialect(of: upstreamModel.slice)
        ).check(request)
        planAnswer(to: &request)
        try encode(request, for: upstream, into: translation)
        var filter = toolFilter(for: request)
        if let loop {
            filter = filter ?? ToolFilter()
            filter?.add(loop)
            looped = LoopedRequest(request, documents, forwarded: forwarded.slice)
        }
        let context = answerContext(
            provider: upstream.nameBytes, wantsUsage: request.wantsUsage)
        translation.begin(
            encoder: isStreamed ? answerDoor.openStream(context) : nil,
            answerBytesMax: snapshot.answerBytesMax, filter: filter,
            isBurst: tools.isDowngraded && isStreamed)
    }

    // MARK: Conversations that are kept

    /// What a request at the responses door goes on with.
    private func recall(
        _ root: JSONValue, at answerDoor: AnswerDoor
    ) throws(Failure) -> JSONTree? {
        guard answerDoor == .responses else { return nil }
        guard snapshot.storesResponses else {
            if let id = root[ResponsesWire.previousResponseID], !id.isNull {
                throw ResponseStore.isOff
            }
            return nil
        }
        var recalled = worker.loop.takeBuffer()
        defer { worker.loop.giveBuffer(&recalled) }
        guard
            try worker.responses.recall(
                for: root, of: snapshot.keys.name(admission), now: worker.loop.now, to: &recalled)
        else { return nil }
        do throws(JSONFailure) { return try worker.arena.read(recalled.slice) } catch {
            preconditionFailure("a stored conversation is not JSON: \(error)")
        }
    }

    private func remember(_ items: ByteSlice) {
        guard let echo = translation?.echo else { return }
        worker.responses.remember(
            requestID.slice, of: snapshot.keys.name(admission), echo, output: items,
            now: worker.loop.now)
    }

    private func answerContext(provider: ByteSlice, wantsUsage: Bool) -> AnswerContext {
        var context = AnswerContext(
            requestID: requestID.slice, requestedModel: requestedModel.slice,
            createdSeconds: worker.loop.secondsSince1970, wantsUsage: wantsUsage)
        context.provider = provider
        if let translation {
            context.echo = translation.echo
            context.namespaces = translation.namespaces
            context.echoedPrompt = translation.echoedPrompt.slice
        }
        return context
    }

    /// The tokens of a request to count, by their size.
    func estimateTokens() throws(Failure) -> Int {
        let tree = try readBody()
        return TokenEstimate.inputTokens(
            of: try MessagesRequestDecoder.decode(tree.root, isCount: true))
    }

    /// What encoders and decoders of this exchange draw on.
    var providerContext: ProviderContext {
        var context = ProviderContext(
            model: upstreamModel.slice, arena: worker.arena, ids: worker.ids,
            signatures: worker.signatures, settings: modelSettings)
        context.tellsNamelessCalls = translation?.repairsCalls ?? false
        return context
    }

    // MARK: The answer

    /// The head of the answer has come.
    func beginTranslation(_ translation: Translation, contentType: ByteSlice) {
        if translation.vectors != nil {
            // Whatever it calls itself, it is read as what was asked for.
            head.isEventStream = false
            return
        }
        head.hasFrames = contentType.hasPrefix(RequestHead.frames)
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

    /// Whether it is told what this answer is made of (seed row S73).
    private var tellsShapes: Bool {
        snapshot.observability.tellsExtraction && upstream?.system == "salesforce"
    }

    private func translateEvents(_ bytes: ByteSlice, by translation: Translation) {
        var input = bytes
        let context = providerContext
        do throws(EventStreamFailure) {
            while !translation.isOver, let event = try events.next(&input) {
                if tellsShapes { noteShape(of: event.data) }
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
        if let plan = translation.vectors { return vectorsArrived(plan, translation) }
        let context = providerContext
        if head.hasFrames {
            translation.finishStream(context)
        } else if head.isEventStream {
            if let event = events.finish() { translation.decode(event, context) }
            translation.finishStream(context)
        } else {
            if tellsShapes { noteShape(of: answer.slice) }
            translation.decode(answer: answer.slice, context)
        }
        pass(on: translation)
    }

    /// Gives the client what has been made of the answer so far.
    private func pass(on translation: Translation) {
        if translation.isOver, case .failed(let failure) = translation.outcome {
            // What came whole before the failure is the client's.
            if translation.hasBegun { writeOutput(of: translation) }
            stopUpstream()
            return fail(failure)
        }
        if translation.outcome == .wantsRound {
            if isStreamed, translation.hasBegun { writeOutput(of: translation) }
            return requestRound()
        }
        if isStreamed {
            if translation.hasBegun { writeOutput(of: translation) }
            if translation.isOver, translation.outcome == .ended {
                translation.keep { remember($0) }
                return endStream()
            }
        } else if translation.isOver, translation.outcome == .ended {
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
        if case .answer(let answerDoor) = door, let upstream {
            translation.encodeAnswer(
                at: answerDoor,
                answerContext(provider: upstream.nameBytes, wantsUsage: true), to: &answer,
                keep: { remember($0) })
        }
        answerUnary()
    }
}
