// Exchange.swift — one request, from the head to the end; then another's. The shell around
// ExchangeMachine: it takes the request in and asks Policy where it goes. It is handed to an upstream
// in Exchange+Dispatch.swift; what comes back is handled in Exchange+Relay.swift; what the client is
// told, in Exchange+Answer.swift; its calls to us, in Exchange+Server.swift.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import GatewayTools
import GatewayWire
import Reactor
import ReactorCore

/// Serves one request at a time. Between two it belongs to no connection: the worker keeps it, so that
/// an idle connection costs little.
package final class Exchange {
    /// A request body that is refused is awaited up to this size, so that the connection lives on.
    static let awaitedBodyBytesMax = 64 * 1024

    let worker: Worker
    var snapshot: Snapshot
    var machine: ExchangeMachine
    var client: HTTPServerConnection? {
        get { clientPlace?.takeUnretainedValue() }
        set { clientPlace = newValue.map { Unmanaged.passUnretained($0) } }
    }
    /// The same, for who asks at every event and would not count a reference each time.
    var clientPlace: Unmanaged<HTTPServerConnection>?

    // The request.
    var door = Door.notFound
    var method = HTTPMethod.get
    var admission = APIKeyTable.Admission.anyone
    var scan: DoorScan?
    var upstream: Upstream?
    /// The request's share of its key's limits; nil where it has none.
    var permit: Permit?
    var limitRefusal: Permit.Refusal?
    /// What the head is refused for: the first of a foreign Host, a missing right or door, a body
    /// that cannot be JSON.
    var refusal: Failure?
    var body = ByteBuffer()
    var requestID = ByteBuffer()
    var path = ByteBuffer()
    var forwarded = ByteBuffer()
    /// Fields of Anthropic's dialect, for an upstream that speaks it.
    var anthropicFields = ByteBuffer()
    /// Whether they name a version of it.
    var namesVersion = false
    /// The client's own name for the model, and the upstream's.
    var requestedModel = ByteBuffer()
    var upstreamModel = ByteBuffer()
    var providerHeader: String?
    /// Whether metrics may be told in OpenMetrics' form.
    var acceptsOpenMetrics = false
    /// The target with its query, where one is read.
    var query = ByteBuffer()
    var clientMilliseconds: Int?
    var origin = CORSGrant.any

    /// Where the template of the last request was.
    var templatePlace = 0
    /// The spare one behind this, while the worker keeps it.
    var nextSpare: Unmanaged<Exchange>?

    // The upstream's side.
    let call = HTTPClientCall()
    var player: SimulatorPlayer?
    var modelSettings = ModelSettings()
    var modelTimeouts = TimeoutOverrides()
    /// Nil on the relay lane.
    var translation: Translation?
    /// The credential that was lent for this request.
    var lease: TokenLease?
    /// Whether the upstream refused a lent credential once already, which was renewed for it.
    var hasRenewedLease = false
    /// Whether it refused one that had been renewed for others by then.
    var hasReplacedLease = false
    var renamesModel = false
    var answer = ByteBuffer()
    var head = UpstreamHead()
    var inflater: Inflater?
    var events = EventStreamParser()
    var streamObserver = ChatStreamObserver()
    var responseObserver: ChatResponseObserver?
    /// Whether the tool calls of a relayed answer are looked at; the request's body is kept then.
    var checksCalls = false
    /// There from the first call of a relayed stream on: of a chat, or of a dialect with named events.
    var chatRepair: ChatStreamRepair?
    var namedRepair: NamedStreamRepair?
    var unaryRepairs = RepairCounts()
    /// Whether the client gets a stream.
    var isStreamed = false
    var tools = ToolPlan()
    /// There where more than one try, or more than one target, can answer.
    var rerouting: Rerouting?
    /// How the breaker of the upstream let the request pass; nil where there is none.
    var breakerPass: BreakerPass?
    /// There where the gateway runs tools itself.
    var looped: LoopedRequest?
    var awaitsRound = false
    /// In place of the first where Anthropic's dialect is relayed.
    var messagesObserver: MessagesStreamObserver?
    /// In their place where the responses dialect is.
    var responsesObserver: ResponsesStreamObserver?
    /// Whether a count of tokens is the gateway's own guess.
    var isEstimate = false
    /// What a whole answer told that was relayed in either.
    var unaryUsage: Usage?
    var unaryFinishReason: FinishReason?
    private var heartbeat: LoopTimer?
    /// Set while a try is waited for that is not the first.
    var retryTimer: LoopTimer?
    var simulatorClock: LoopTimer?

    // Times of the current request, for headers and log.
    var began = Instant(nanoseconds: 0)
    var received = Instant(nanoseconds: 0)
    var dispatched = Instant(nanoseconds: 0)
    var firstEvent: Instant?
    var overheadMicroseconds = 0
    var attempts = 0
    /// Those at targets that have been left.
    var attemptsBefore = 0
    var requestBytes = 0
    var status = 0
    /// Empty where nothing went wrong.
    var failureText = ByteBuffer()

    /// There while somebody records this request.
    var trace: RequestTrace?
    /// Whether it is part of the client's.
    var followsTrace = false
    /// Documents whose shape was told.
    var shapedCount = 0

    package init(worker: Worker) {
        self.worker = worker
        snapshot = worker.snapshot
        machine = ExchangeMachine(heartbeatNanoseconds: nil)
    }

    deinit {
        heartbeat?.cancel()
        retryTimer?.cancel()
        simulatorClock?.cancel()
    }

    // MARK: The whole request

    func requestComplete() {
        received = worker.loop.now
        if let refusal { return fail(refusal) }
        switch door {
        case .answer(let answerDoor): ask(at: answerDoor)
        case .countTokens: countTokens()
        case .embeddings: embed()
        case .models, .model: tellModels()
        case .options: answerPreflight()
        case .statusEvents: beginStatusEvents()
        default: answerAdmin()
        }
    }

    /// Finds who answers, and asks.
    private func ask(at answerDoor: AnswerDoor) {
        do throws(Failure) {
            let scan = try answerDoor.scan(body.slice)
            self.scan = scan
            if trace != nil { traceRequest(scan, at: answerDoor) }
            let route = try route(scan)
            try takePermit(scan)
            let upstream = try choose(route)
            try prepare(scan, for: upstream, at: answerDoor)
            dispatch(scan, to: upstream)
        } catch {
            fail(error)
        }
    }

    /// Decides the lane, and puts the request into the words of its upstream.
    func prepare(
        _ scan: DoorScan, for upstream: Upstream, at answerDoor: AnswerDoor
    ) throws(Failure) {
        let isTranslated = leavesRelay(scan, upstream)
        if !isTranslated, upstream.provider.relays(answerDoor.dialect) {
            renamesModel = upstreamModel.slice != requestedModel.slice
            checksCalls = scan.hasTools
            if checksCalls { try checkDefinitions(scan, at: answerDoor) }
            if case .anthropic(let provider) = upstream.provider { begin(relayTo: provider) }
        } else {
            try translate(for: upstream, at: answerDoor)
            if rerouting == nil { giveBack(&body) }
        }
    }

    /// The client's own version goes before the operator's.
    private func begin(relayTo provider: AnthropicProvider) {
        provider.appendFields(hasVersion: namesVersion, to: &anthropicFields)
        forwarded.append(anthropicFields.slice)
    }

    /// Tokens are counted by the provider where it counts those of this dialect, else estimated.
    private func countTokens() {
        do throws(Failure) {
            let scan = try AnswerDoor.messages.scan(body.slice)
            self.scan = scan
            let upstream = try choose(try route(scan))
            guard prepareCount(for: upstream) else { return answerCount(try estimateTokens()) }
            dispatch(scan, to: upstream)
        } catch {
            fail(error)
        }
    }

    /// - Returns: whether `upstream` counts tokens of this dialect.
    func prepareCount(for upstream: Upstream) -> Bool {
        guard case .anthropic(let provider) = upstream.provider, provider.relays else {
            return false
        }
        renamesModel = upstreamModel.slice != requestedModel.slice
        begin(relayTo: provider)
        return true
    }

    /// Where the request goes; of several targets, the first.
    func route(_ scan: DoorScan) throws(Failure) -> Route {
        var scratch = ByteBuffer()
        requestedModel.append(scan.modelName(in: body.slice, scratch: &scratch))
        let model = requestedModel.slice
        guard snapshot.keys.allows(admission, model: model) else {
            throw Failure(
                .notPermitted, "This key may not use the model `\(model.string)`.",
                parameter: "model")
        }
        let route =
            if let providerHeader {
                providerHeader.withByteSlice {
                    snapshot.routes.route(model: model, providerHeader: $0)
                }
            } else {
                snapshot.routes.route(model: model, providerHeader: nil)
            }
        guard let route else {
            if let providerHeader,
                !snapshot.upstreams.contains(where: { $0.name == providerHeader })
            {
                throw Failure(
                    .unknownModel,
                    "No provider is called `\(providerHeader.prefix(64))`, which the header X-Provider names."
                )
            }
            throw Failure(
                .unknownModel,
                "The model `\(model.string)` does not exist or you do not have access to it.",
                parameter: "model")
        }
        modelSettings = route.settings
        modelTimeouts = route.timeouts
        isStreamed = scan.isStreaming
        if let name = route.upstreamModel {
            upstreamModel.append(name)
        } else {
            upstreamModel.append(model.dropFirst(route.prefixCount))
        }
        upstream = snapshot.upstreams[route.provider]
        return route
    }

    /// The upstream to ask first.
    func choose(_ route: Route) throws(Failure) -> Upstream {
        let upstream = snapshot.upstreams[route.provider]
        guard route.group != nil || upstream.isGuarded else { return upstream }
        return try chooseGuarded(route, upstream)
    }

    // MARK: Heartbeats

    func setHeartbeat() {
        let timer =
            heartbeat ?? LoopTimer(worker.loop) { [unowned(unsafe) self] in heartbeatDue() }
        heartbeat = timer
        timer.set(machine.heartbeatDeadline)
    }

    private func heartbeatDue() {
        switch machine.timePassed(now: worker.loop.now) {
        case .none: break
        case .heartbeat(let begins):
            if begins { beginStream() }
            writeHeartbeat()
            worker.counters.heartbeats += 1
        }
        heartbeat?.set(machine.heartbeatDeadline)
    }

    // MARK: The end

    /// Ends the exchange, in whatever way: logs it, counts it and gives its memory back. Once.
    func settle(_ outcome: StaticString) {
        guard machine.ended() else { return }
        heartbeat?.set(.never)
        simulatorClock?.set(.never)
        if breakerPass != nil { tellBreaker(status == 200 ? .succeeded : .undecided) }
        if let rerouting { end(rerouting) }
        log(outcome)
        switch door {
        case .statusEvents: worker.admin?.unwatch(self)
        case .models, .model: snapshot.catalog.forget(self)
        default: break
        }
        worker.counters.finished(status: status)
        settlePermit()
        snapshot.requestCount -= 1
        clientPlace?._withUnsafeGuaranteedRef { $0.releaseHandler() }
        client = nil
        reset()
        // Who called may still be at work with this object: a connection keeps it to the turn's end.
        guard worker.detached.isEmpty || worker.detached[ObjectIdentifier(self)] == nil else {
            return worker.loop.atEndOfTurn(self)
        }
        worker.giveExchange(self)
    }

    /// Bytes of the names and texts that stay allocated for the next request.
    var keptByteCount: Int {
        path.capacity + requestedModel.capacity + forwarded.capacity + failureText.capacity
    }

    private func reset() {
        giveBack(&body)
        giveBack(&answer)
        requestID.removeAll()
        path.removeAll()
        forwarded.removeAll()
        anthropicFields.removeAll()
        namesVersion = false
        acceptsOpenMetrics = false
        query.removeAll()
        requestedModel.removeAll()
        upstreamModel.removeAll()
        scan = nil
        upstream = nil
        refusal = nil
        providerHeader = nil
        clientMilliseconds = nil
        firstEvent = nil
        overheadMicroseconds = 0
        attempts = 0
        attemptsBefore = 0
        rerouting = nil
        requestBytes = 0
        status = 0
        failureText.removeAll()
        shapedCount = 0
        responseObserver = nil
        checksCalls = false
        chatRepair = nil
        namedRepair = nil
        unaryRepairs = RepairCounts()
        isStreamed = false
        tools = ToolPlan()
        looped = nil
        awaitsRound = false
        messagesObserver = nil
        responsesObserver = nil
        unaryUsage = nil
        unaryFinishReason = nil
        isEstimate = false
        modelSettings = ModelSettings()
        lease = nil
        hasRenewedLease = false
        hasReplacedLease = false
        if let translation { worker.giveTranslation(translation) }
        translation = nil
        inflater = nil
        streamObserver = ChatStreamObserver()
    }

    func giveBack(_ buffer: inout ByteBuffer) {
        guard buffer.capacity > 0 else { return }
        worker.loop.giveBuffer(&buffer)
    }
}
