// Exchange.swift — one client connection's requests, from the head to the answer. The shell around
// ExchangeMachine: it takes the request in, asks Policy where it goes, and hands it to an upstream.
// What comes back is handled in Exchange+Relay.swift; what the client is told, in
// Exchange+Answer.swift.

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

/// Serves the requests of one client connection, one after the other.
package final class Exchange {
    /// A request body that is refused is awaited up to this size, so that the connection lives on.
    static let awaitedBodyBytesMax = 64 * 1024

    let worker: Worker
    var snapshot: Snapshot
    var machine: ExchangeMachine
    unowned(unsafe) var client: HTTPServerConnection?

    // The request.
    var door = Door.notFound
    var method = HTTPMethod.get
    var admission = APIKeyTable.Admission.anyone
    var scan: DoorScan?
    var upstream: Upstream?
    /// The request's share of its key's limits; nil where it has none.
    var permit: Permit?
    var limitRefusal: Permit.Refusal?
    /// What the head is refused for, the graver first: a foreign Host, a missing right or door, a
    /// body that cannot be JSON.
    var refusal: Failure?
    var hostRefusal: Failure?
    var bodyRefusal: Failure?
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
    var clientMilliseconds: Int?
    var origin = CORSGrant.any

    /// The last credential on this connection and what it was judged to be: clients repeat it.
    var knownCredential = ByteBuffer()
    var knownAdmission: (snapshot: ObjectIdentifier, admission: APIKeyTable.Admission)?

    // The upstream's side.
    let call = HTTPClientCall()
    var player: SimulatorPlayer?
    var modelSettings = ModelSettings()
    /// Nil on the relay lane.
    var translation: Translation?
    /// The credential that was lent for this request.
    var lease: TokenLease?
    /// Whether the upstream refused a lent credential once already.
    var hasRenewedLease = false
    private var renamesModel = false
    var answer = ByteBuffer()
    var head = UpstreamHead()
    var inflater: Inflater?
    var events = EventStreamParser()
    var streamObserver = ChatStreamObserver()
    var responseObserver: ChatResponseObserver?
    /// Whether the tool calls of a relayed answer are looked at; the request's body is kept then.
    var checksCalls = false
    /// There from the first call of a relayed stream on.
    var relayRepair: RelayRepair?
    var unaryRepairs = RepairCounts()
    /// Whether the client gets a stream.
    var isStreamed = false
    var tools = ToolPlan()
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
    var simulatorClock: LoopTimer?

    // Times of the current request, for headers and log.
    var began = Instant(nanoseconds: 0)
    var received = Instant(nanoseconds: 0)
    var dispatched = Instant(nanoseconds: 0)
    var firstEvent: Instant?
    var overheadMicroseconds = 0
    var attempts = 0
    var requestBytes = 0
    var status = 0
    var failureText: String?

    package init(worker: Worker) {
        self.worker = worker
        snapshot = worker.snapshot
        machine = ExchangeMachine(heartbeatNanoseconds: nil)
    }

    deinit {
        heartbeat?.cancel()
        simulatorClock?.cancel()
    }

    // MARK: The whole request

    private func requestComplete() {
        received = worker.loop.now
        if let refusal { return fail(refusal) }
        switch door {
        case .answer(let answerDoor): ask(at: answerDoor)
        case .countTokens: countTokens()
        case .options: answerPreflight()
        default: answerAdmin()
        }
    }

    /// Finds who answers, and asks.
    private func ask(at answerDoor: AnswerDoor) {
        do throws(Failure) {
            let scan = try answerDoor.scan(body.slice)
            self.scan = scan
            let (upstream, hasNameOfItsOwn) = try route(scan)
            try takePermit(scan)
            let isTranslated = leavesRelay(scan, upstream)
            if !isTranslated, upstream.provider.relays(answerDoor.dialect) {
                renamesModel = hasNameOfItsOwn
                checksCalls = answerDoor == .chat && scan.hasTools
                if case .anthropic(let provider) = upstream.provider { begin(relayTo: provider) }
            } else {
                try translate(for: upstream, at: answerDoor)
                giveBack(&body)
            }
            dispatch(scan, to: upstream)
        } catch {
            fail(error)
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
            let (upstream, hasNameOfItsOwn) = try route(scan)
            if case .anthropic(let provider) = upstream.provider, provider.relays {
                renamesModel = hasNameOfItsOwn
                begin(relayTo: provider)
                return dispatch(scan, to: upstream)
            }
            answerCount(try estimateTokens())
        } catch {
            fail(error)
        }
    }

    /// The provider, and whether `upstreamModel` is to replace the client's name.
    private func route(_ scan: DoorScan) throws(Failure) -> (Upstream, Bool) {
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
            throw Failure(
                .unknownModel,
                "The model `\(model.string)` does not exist or you do not have access to it.",
                parameter: "model")
        }
        modelSettings = route.settings
        isStreamed = scan.isStreaming
        if let name = route.upstreamModel {
            upstreamModel.append(name)
        } else {
            upstreamModel.append(model.dropFirst(route.prefixCount))
        }
        let upstream = snapshot.upstreams[route.provider]
        self.upstream = upstream
        return (upstream, upstreamModel.slice != requestedModel.slice)
    }

    private func dispatch(_ scan: DoorScan, to upstream: Upstream) {
        machine.dispatched(streams: isStreamed, now: worker.loop.now)
        if isStreamed {
            worker.counters.streams += 1
            setHeartbeat()
        }
        head = UpstreamHead()
        start(scan, at: upstream)
    }

    /// Asks the upstream.
    func start(_ scan: DoorScan, at upstream: Upstream) {
        switch upstream.transport {
        case .network: send(to: upstream, scan)
        case .simulator(let settings): play(settings, for: upstream, scan)
        }
    }

    /// Starts the call, once there is a credential for it.
    func send(to upstream: Upstream, _ scan: DoorScan) {
        if let tokens = upstream.tokens, lease == nil {
            lease = tokens.lease(for: self)
            if lease == nil { return }
        }
        guard let origin = upstream.place(for: lease)?.origin else {
            return fail(
                Failure(
                    .upstreamUnreachable,
                    "The host that the credential of '\(upstream.name)' names cannot be used."))
        }
        let clocks = upstream.timeouts.clocks(
            bodyBytes: requestBytes, streams: asksForStream(scan),
            tokensMax: scan.outputTokensMax,
            clientMilliseconds: clientMilliseconds)
        call.start(on: origin, clocks: clocks, delegate: self)
    }

    /// Whether the upstream is asked for a stream.
    private func asksForStream(_ scan: DoorScan) -> Bool {
        translation?.call.streams ?? scan.isStreaming
    }

    private func play(
        _ settings: SimulatorSettings, for upstream: Upstream, _ scan: DoorScan
    ) {
        worker.simulatorOrdinal += 1
        dispatched = worker.loop.clock()
        setSimulatorClock(upstream, scan)
        let player = self.player ?? SimulatorPlayer(worker.loop)
        self.player = player
        var request = worker.loop.takeBuffer()
        if let translation {
            request.append(translation.call.body.slice)
        } else {
            relaySplice(scan, asksForUsage: false).append(body.slice, to: &request)
        }
        player.play(
            SimulatorScript.answer(
                method: ByteSlice("POST"), target: ByteSlice("/v1/chat/completions"),
                body: request.slice, arena: worker.arena, settings: settings,
                created: worker.loop.secondsSince1970, ordinal: worker.simulatorOrdinal),
            to: self)
        worker.loop.giveBuffer(&request)
        if !checksCalls { giveBack(&body) }
    }

    /// Appends the request as the upstream gets it. The body and what changes in it are kept until
    /// the answer begins: it may have to be written twice.
    func appendRequest(to output: inout ByteBuffer) {
        guard let scan, let upstream, let head = upstream.place(for: lease)?.head else {
            preconditionFailure("a request was written without an upstream")
        }
        if let translation {
            forwarded.append(translation.call.fields.slice)
            head.append(
                target: translation.call.target.slice, accept: translation.call.accept,
                token: lease?.token.secret, fields: forwarded.slice,
                contentLength: translation.call.body.count, to: &output)
            forwarded.truncate(to: forwarded.count - translation.call.fields.count)
            output.append(translation.call.body.slice)
            return
        }
        let splice = relaySplice(scan, asksForUsage: upstream.asksForUsage)
        head.append(
            target: ByteSlice(relayTarget),
            accept: scan.isStreaming ? RequestHead.events : RequestHead.json,
            token: lease?.token.secret, fields: forwarded.slice,
            contentLength: body.count + splice.byteCountDelta, to: &output)
        splice.append(body.slice, to: &output)
    }

    /// Where a relayed request goes, behind the base URL.
    private var relayTarget: StaticString {
        switch door {
        case .answer(.messages): MessagesWire.target
        case .answer(.responses): OpenAIProvider.responsesTarget
        case .countTokens: MessagesWire.countTarget
        default: OpenAIProvider.target
        }
    }

    private func relaySplice(_ scan: DoorScan, asksForUsage: Bool) -> JSONSplice {
        scan.splice(
            model: renamesModel ? upstreamModel.slice : nil, addingUsage: asksForUsage)
    }

    // MARK: Clocks

    /// The simulator has no connection that could keep the clocks of an exchange: here is the one
    /// for the head, so that a simulated upstream that hangs ends like a real one.
    private func setSimulatorClock(_ upstream: Upstream, _ scan: DoorScan) {
        let clocks = upstream.timeouts.clocks(
            bodyBytes: requestBytes, streams: asksForStream(scan),
            tokensMax: scan.outputTokensMax,
            clientMilliseconds: clientMilliseconds)
        let timer =
            simulatorClock
            ?? LoopTimer(worker.loop) { [unowned(unsafe) self] in
                callFailed(.timedOut(head.status == 0 ? .head : .idle))
            }
        simulatorClock = timer
        timer.set(worker.loop.now + clocks.head)
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
        log(outcome)
        worker.counters.finished(status: status)
        settlePermit()
        snapshot.requestCount -= 1
        client = nil
        reset()
        // Who called may still be at work with this object.
        if !worker.detached.isEmpty { worker.loop.atEndOfTurn(self) }
    }

    private func reset() {
        giveBack(&body)
        giveBack(&answer)
        requestID.removeAll()
        path.removeAll()
        forwarded.removeAll()
        anthropicFields.removeAll()
        namesVersion = false
        requestedModel.removeAll()
        upstreamModel.removeAll()
        scan = nil
        upstream = nil
        refusal = nil
        hostRefusal = nil
        bodyRefusal = nil
        providerHeader = nil
        clientMilliseconds = nil
        firstEvent = nil
        overheadMicroseconds = 0
        attempts = 0
        requestBytes = 0
        status = 0
        failureText = nil
        responseObserver = nil
        checksCalls = false
        relayRepair = nil
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

extension Exchange: HTTPServerHandler {
    package func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        begin(head, on: connection)
        switch head.framing {
        case .none, .untilClose: break
        case .length(let count):
            if refusal == nil {
                body = worker.loop.takeBuffer()
                body.reserve(Int(min(count, 1 << 20)))
            } else if count > UInt64(Self.awaitedBodyBytesMax) || connection.awaitsContinue {
                requestComplete()
            }
        case .chunked:
            if refusal != nil { requestComplete() } else { body = worker.loop.takeBuffer() }
        }
    }

    package func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        guard machine.isActive else { return }
        requestBytes += bytes.count
        if refusal == nil { body.append(bytes) }
    }

    package func requestEnded(on connection: HTTPServerConnection) {
        if machine.isActive { requestComplete() }
    }

    package func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection
    ) {
        guard machine.isActive else { return }
        client = nil
        switch reason {
        case .clientLeft:
            status = 499
            if snapshot.doors[door].onClientDisconnect == .drain, scan != nil, detach() { return }
            abandon("cancelled")
        case .clientStalled:
            status = 499
            abandon("stalled")
        case .refused(let refusal):
            status = refusal.status
            failureText = refusal.text
            worker.refused(requestID.slice, at: door)
            abandon("error")
        case .stopped:
            status = 499
            abandon("stopped")
        }
    }

    /// Runs on without the client, whose connection lets go of this exchange.
    private func detach() -> Bool {
        guard worker.detached.count < Worker.detachedCountMax else { return false }
        worker.detached[ObjectIdentifier(self)] = self
        // What was held back for the client's sake has nobody to wait for.
        call.resume()
        player?.resume()
        return true
    }

    func stop() { abandon("stopped") }

    private func abandon(_ outcome: StaticString) {
        attempts = call.attempts
        stopUpstream()
        settle(outcome)
    }

    package func outputHasRoom(on connection: HTTPServerConnection) {
        call.resume()
        player?.resume()
    }
}

extension Exchange: Deferrable {
    package func turnEnding() {
        if awaitsRound { return startRound() }
        if !machine.isActive { worker.detached[ObjectIdentifier(self)] = nil }
    }
}
