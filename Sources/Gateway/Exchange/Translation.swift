// Translation.swift — one exchange's way through the model in the middle: the request in the
// provider's words, its answer as events, and the events in the door's words.
// No socket: bytes in, bytes and an outcome out. Exchange+Translate.swift feeds it.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTools
import ReactorCore

/// The translate lane's state of one exchange; reused by the next.
package final class Translation {
    /// How an answer ended.
    package enum Outcome: Equatable {
        case ended
        case failed(Failure)
        /// The answer goes on with another request: `beginRound` before it.
        case wantsRound
    }

    /// The request as the provider gets it.
    package var call = ProviderCall()
    /// Nil until the terminal event has come.
    package private(set) var outcome: Outcome?
    /// Whether there is an outcome; asked for every event, for which the outcome is too large.
    package var isOver: Bool {
        if case .some = outcome { true } else { false }
    }
    package internal(set) var usage: Usage?
    /// Whether `usage` is the gateway's own guess.
    package internal(set) var isEstimate = false
    /// The last choice's to end.
    package private(set) var finishReason: FinishReason?
    /// The model by the provider's own word.
    private(set) var reportedModel = ByteBuffer()
    /// A stream's output that waits to be written, in whole events of the door's.
    package var output = ByteBuffer()
    /// Whether `output` holds anything that a client may be told: what comes before the first piece
    /// of the answer is held back, so that a failure right behind it keeps its status.
    package private(set) var hasBegun = false

    private var decoder: ProviderStreamDecoder?
    /// There for streams in AWS's frames.
    private var frames: AWSModelStream?
    private var encoder: DoorStreamEncoder?
    /// What an answer at the responses door repeats of its request.
    package var echo: ResponsesEcho?
    /// Names of tools that the answer tells in two words.
    package var namespaces: ToolNamespaces?
    /// What every choice of a text completion begins with.
    package var echoedPrompt = ByteBuffer()
    /// There where vectors were asked for, and no answer of a model.
    package var vectors: VectorPlan?
    private var response = ModelResponse()
    /// Where somebody records the request: what is told of its answer.
    var trace: RequestTrace?
    private var answerBytesMax = Int.max
    private var filter = ToolFilter()
    /// Whether it does anything; to ask it copies it.
    private var isFiltered = false
    /// Whether the stream is written when the answer is whole, and not before.
    private var isBurst = false
    #if DEBUG
        private var order = EventOrder()
        private var filteredOrder = EventOrder()
    #endif

    package init() {}

    /// What was set right in the answer's tool calls.
    package var repairs: RepairCounts { isFiltered ? filter.counts : RepairCounts() }

    /// Whether somebody is there who finds names for calls that have none.
    package var repairsCalls: Bool { isFiltered }

    /// Begins an answer, after `reset`. With `encoder` the client gets a stream, else one answer.
    func begin(
        encoder: consuming DoorStreamEncoder?, answerBytesMax: Int, filter: ToolFilter? = nil,
        isBurst: Bool = false
    ) {
        self.encoder = encoder
        self.answerBytesMax = answerBytesMax
        self.isBurst = isBurst
        guard let filter else { return }
        self.filter = filter
        isFiltered = filter.isActive
    }

    /// The rounds of built-in tools, if there may be any.
    var loop: ToolLoopMachine? { filter.loop }

    /// The next request of the same answer follows.
    func beginRound(_ filter: ToolFilter?) {
        var filter = filter ?? ToolFilter()
        filter.follow(self.filter)
        self.filter = filter
        isFiltered = filter.isActive
        decoder = nil
        frames = nil
        outcome = nil
        call.reset()
        #if DEBUG
            order = EventOrder()
        #endif
    }

    /// Lets go of what the exchange needed; `call` keeps its memory.
    package func reset() {
        encoder = nil
        if isFiltered { filter = ToolFilter() }
        isFiltered = false
        decoder = nil
        frames = nil
        response.removeAll()
        outcome = nil
        usage = nil
        isEstimate = false
        finishReason = nil
        reportedModel.removeAll()
        hasBegun = false
        output.removeAll()
        #if DEBUG
            order = EventOrder()
            filteredOrder = EventOrder()
        #endif
        echo = nil
        namespaces = nil
        echoedPrompt.removeAll()
        vectors = nil
        trace = nil
        call.reset()
    }

    // MARK: The answer

    /// The provider's answer will be a stream.
    package func openStream() { decoder = call.codec.openStream() }

    /// The provider's answer will be a stream in AWS's frames.
    package func openFrames() {
        openStream()
        frames = AWSModelStream()
    }

    /// Takes bytes of such a stream.
    package func decode(frames bytes: ByteSlice, _ context: ProviderContext) {
        var input = bytes
        while !isOver {
            switch frames?.next(&input) {
            case .event(let event): decode(event, context)
            case .failed(let failure): take(.failed(failure), context)
            case .needsInput, nil: return
            }
        }
    }

    /// Takes one event of the provider's stream.
    package func decode(_ event: EventStreamEvent, _ context: ProviderContext) {
        decoder?.decode(event, context) { take($0, context) }
    }

    /// The provider's stream has ended.
    package func finishStream(_ context: ProviderContext) {
        decoder?.finish(context) { take($0, context) }
    }

    /// Takes a whole answer.
    package func decode(answer: ByteSlice, _ context: ProviderContext) {
        call.codec.decode(answer, context) { take($0, context) }
    }

    /// Writes the whole answer in the door's words.
    package func encodeAnswer(
        at door: AnswerDoor, _ context: AnswerContext, to buffer: inout ByteBuffer,
        keep: (ByteSlice) -> Void
    ) {
        door.encode(response, context, to: &buffer, keep: keep)
    }

    /// Appends the end of a stream that cannot be completed to `output`, where the dialect tells it
    /// with what it has told so far. - Returns: whether it does.
    package func encodeFailure(_ failure: Failure) -> Bool {
        encoder?.encodeFailure(failure, to: &output) ?? false
    }

    /// Hands out a stream's items for the store.
    package func keep(_ body: (ByteSlice) -> Void) { encoder?.keep(body) }

    private func take(_ event: ModelEvent, _ context: ProviderContext) {
        guard !isOver else { return }
        #if DEBUG
            if let violation = order.check(event) {
                preconditionFailure("an event out of order: \(violation), \(event)")
            }
        #endif
        guard isFiltered else { return deliver(event) }
        filter.pass(event, context.arena) { if !isOver { deliver($0) } }
        if case .ended = event, outcome == nil, filter.wantsRound { outcome = .wantsRound }
    }

    /// Takes an event behind the filters.
    private func deliver(_ event: ModelEvent) {
        #if DEBUG
            if let violation = filteredOrder.check(event) {
                preconditionFailure("a filtered event out of order: \(violation), \(event)")
            }
        #endif
        if let trace { trace.take(event) }
        if case .started(let start) = event, reportedModel.isEmpty {
            reportedModel.append(start.model.prefixed(by: RequestTrace.nameBytesMax))
        }
        switch event {
        case .usage(let usage): self.usage = usage
        case .finished(_, let finish): finishReason = finish.reason
        case .ended: outcome = .ended
        case .failed(let failure):
            outcome = .failed(failure)
            return
        case .started, .partOpened, .delta, .signature, .partClosed: break
        }
        guard encoder != nil, !isBurst else { return fold(event) }
        switch event {
        case .started, .usage: break
        default: hasBegun = true
        }
        encoder?.encode(event, to: &output)
        if let failure = encoder?.failure { outcome = .failed(failure) }
    }

    private func fold(_ event: ModelEvent) {
        response.add(event)
        if response.byteCount > answerBytesMax {
            outcome = .failed(
                Failure(.upstreamMalformed, "The upstream's answer is too large."))
        }
        if isBurst, outcome == .ended { burst() }
    }

    /// Writes the whole answer as a stream.
    private func burst() {
        hasBegun = true
        response.unfold { event in
            encoder?.encode(event, to: &output)
            if let failure = encoder?.failure { outcome = .failed(failure) }
        }
    }
}
