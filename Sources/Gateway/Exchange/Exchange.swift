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
    var scan: ChatRequestScan?
    var upstream: Upstream?
    /// What the head is refused for, the graver first: a foreign Host, a missing right or door, a
    /// body that cannot be JSON.
    var refusal: Failure?
    private var hostRefusal: Failure?
    private var bodyRefusal: Failure?
    var body = ByteBuffer()
    var requestID = ByteBuffer()
    var path = ByteBuffer()
    var forwarded = ByteBuffer()
    /// The client's own name for the model, and the upstream's.
    var requestedModel = ByteBuffer()
    var upstreamModel = ByteBuffer()
    var providerHeader: String?
    var clientMilliseconds: Int?
    var origin = CORSGrant.any

    /// The last credential on this connection and what it was judged to be: clients repeat it.
    private var knownCredential = ByteBuffer()
    private var knownAdmission: (snapshot: ObjectIdentifier, admission: APIKeyTable.Admission)?

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

    // MARK: The head

    private func begin(_ head: HTTPHead, on connection: HTTPServerConnection) {
        client = connection
        snapshot = worker.snapshot
        snapshot.requestCount += 1
        machine = ExchangeMachine(heartbeatNanoseconds: snapshot.heartbeatNanoseconds)
        machine.requestBegan()
        worker.counters.requests += 1
        worker.counters.inFlight += 1
        began = worker.loop.now
        received = began
        method = head.method
        let path = HTTPRequestRules.path(of: head.target)
        door = DoorTable.door(method: ByteSlice(method.token), path: path)
        self.path.append(path)
        readFields(head.fields)
        if requestID.isEmpty {
            RequestID.append(to: &requestID, using: &worker.random)
        }
        refusal = hostRefusal ?? judge() ?? bodyRefusal
    }

    /// One walk over the fields; each is recognised by its length first.
    private func readFields(_ fields: HTTPFields) {
        var credential = ByteSlice.empty
        var contentType: ByteSlice?
        var isEncoded = false
        var originValue: ByteSlice?
        var connection = ByteSlice.empty
        var forwards = false
        for index in 0..<fields.count {
            let name = fields.name(index)
            let value = fields.value(index)
            switch name.count {
            case 4 where name.equalsIgnoringCase("host"): checkHost(value)
            case 6 where name.equalsIgnoringCase("origin"): originValue = value
            case 7 where name.equalsIgnoringCase("api-key"): credential = value
            case 9 where name.equalsIgnoringCase("x-api-key"): credential = value
            case 10 where name.equalsIgnoringCase("x-provider"): providerHeader = value.string
            case 10 where name.equalsIgnoringCase("connection"): connection = value
            case 11 where name.equalsIgnoringCase("traceparent"): forwards = true
            case 11 where name.equalsIgnoringCase("openai-beta"): forwards = true
            case 12 where name.equalsIgnoringCase("content-type"): contentType = value
            case 12 where name.equalsIgnoringCase("x-request-id"):
                if requestID.isEmpty, RequestID.isSane(value) { requestID.append(value) }
            case 13 where name.equalsIgnoringCase("authorization"):
                credential = Self.bearer(value) ?? credential
            case 15 where name.equalsIgnoringCase("idempotency-key"): forwards = true
            case 16 where name.equalsIgnoringCase("content-encoding"):
                isEncoded = !value.equalsIgnoringCase("identity")
            case 19 where name.equalsIgnoringCase("x-stainless-timeout"): limitClocks(value)
            case 24 where name.equalsIgnoringCase("x-stainless-read-timeout"): limitClocks(value)
            default: break
            }
        }
        origin = CORSGrant.judge(originValue, by: snapshot.cors)
        admission = admit(credential)
        if forwards { forward(fields, connection: connection) }
        if door == .chatCompletions { checkBodyType(contentType, isEncoded: isEncoded) }
    }

    /// Keeps the few fields that go on to the upstream, but for those that the client's Connection
    /// field names: they are meant for this hop (RFC 9110 section 7.6.1).
    private func forward(_ fields: HTTPFields, connection: ByteSlice) {
        for index in 0..<fields.count {
            let (name, value) = (fields.name(index), fields.value(index))
            let isForwarded =
                name.equalsIgnoringCase("traceparent") || name.equalsIgnoringCase("openai-beta")
                || name.equalsIgnoringCase("idempotency-key")
            guard isForwarded, !connection.lists(name),
                forwarded.count + name.count + value.count < 4096
            else { continue }
            forwarded.append(name)
            forwarded.append(": " as StaticString)
            forwarded.append(value)
            forwarded.append("\r\n" as StaticString)
        }
    }

    /// Seconds, with a fraction or without: a client's limit only ever lowers ours.
    private func limitClocks(_ value: ByteSlice) {
        let dot = value.firstIndex(of: 0x2E)
        let whole = dot.map { value.prefix($0) } ?? value
        guard let seconds = whole.decimalValue, seconds < 86400 else { return }
        var milliseconds = seconds * 1000
        if let dot {
            let digits = value.dropFirst(dot + 1)
            if digits.count > 0, ASCII.isDigit(digits[0]) {
                milliseconds += Int(digits[0] - ASCII.zero) * 100
            }
        }
        guard milliseconds > 0 else { return }
        clientMilliseconds = min(clientMilliseconds ?? .max, milliseconds)
    }

    private static func bearer(_ value: ByteSlice) -> ByteSlice? {
        guard value.count > 7, value.prefix(7).equalsIgnoringCase("bearer ") else { return nil }
        return value.dropFirst(7).trimmed
    }

    private func admit(_ credential: ByteSlice) -> APIKeyTable.Admission {
        if snapshot.keys.mode == .open { return .anyone }
        if let known = knownAdmission, known.snapshot == ObjectIdentifier(snapshot),
            knownCredential.slice == credential
        {
            return known.admission
        }
        let admission = snapshot.keys.admit(credential.isEmpty ? nil : credential)
        knownCredential.removeAll()
        knownCredential.append(credential)
        knownAdmission = (ObjectIdentifier(snapshot), admission)
        return admission
    }

    /// On a loopback address without keys, a page of a foreign site must not reach the gateway by
    /// a name that it had resolved to this machine.
    private func checkHost(_ host: ByteSlice) {
        guard let hosts = snapshot.cors.hosts, !CORSGrant.isAllowedHost(host, listed: hosts) else {
            return
        }
        hostRefusal = Failure(
            .notPermitted,
            "This gateway serves requests to a loopback address only; list other names under "
                + "server.allowed_hosts.")
    }

    private func checkBodyType(_ type: ByteSlice?, isEncoded: Bool) {
        if isEncoded {
            bodyRefusal = Failure(
                .unsupportedMediaType, "Encoded request bodies are not understood here.")
        } else if let type, !Self.mayBeJSON(type) {
            bodyRefusal = Failure(
                .unsupportedMediaType,
                "The request's content type must be application/json.")
        }
    }

    private static func mayBeJSON(_ type: ByteSlice) -> Bool {
        let end = type.firstIndex(of: 0x3B) ?? type.count
        let media = type.prefix(end).trimmed
        if media.isEmpty || media.equalsIgnoringCase("application/json") { return true }
        // Not text/plain: a page of any site may post that without asking.
        return media.equalsIgnoringCase("text/json")
            || media.equalsIgnoringCase("application/octet-stream")
            || (media.count > 5 && media.dropFirst(media.count - 5).equalsIgnoringCase("+json"))
    }

    /// What can be refused without the body; 401 comes before 404.
    private func judge() -> Failure? {
        if !door.isPublic {
            switch admission {
            case .missing:
                return Failure(
                    .missingKey,
                    "You didn't provide an API key. Send it in the Authorization header as a "
                        + "bearer token.")
            case .invalid: return Failure(.invalidKey, "Incorrect API key provided.")
            case .anyone, .key: break
            }
        }
        switch door {
        case .notFound:
            return Failure(
                .unknownPath, "Invalid URL (\(method.token) \(path.string))")
        case .methodNotAllowed(let allow):
            return Failure(
                .methodNotAllowed,
                "The method \(method.token) is not allowed here; allowed: \(allow).")
        default: return nil
        }
    }

    // MARK: The whole request

    private func requestComplete() {
        received = worker.loop.now
        if let refusal { return fail(refusal) }
        switch door {
        case .chatCompletions: chat()
        case .options: answerPreflight()
        default: answerAdmin()
        }
    }

    private func chat() {
        do throws(Failure) {
            let scan = try ChatRequestScan.scan(body.slice)
            self.scan = scan
            var scratch = ByteBuffer()
            requestedModel.append(scan.modelName(in: body.slice, scratch: &scratch))
            let (upstream, hasNameOfItsOwn) = try route()
            self.upstream = upstream
            if upstream.provider.relays(.chat) {
                renamesModel = hasNameOfItsOwn
            } else {
                try translate(for: upstream)
                giveBack(&body)
            }
            dispatch(scan, to: upstream)
        } catch {
            fail(error)
        }
    }

    /// The provider, and whether `upstreamModel` is to replace the client's name.
    private func route() throws(Failure) -> (Upstream, Bool) {
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
        if let name = route.upstreamModel {
            upstreamModel.append(name)
        } else {
            upstreamModel.append(model.dropFirst(route.prefixCount))
        }
        return (
            snapshot.upstreams[route.provider], upstreamModel.slice != requestedModel.slice
        )
    }

    private func dispatch(_ scan: ChatRequestScan, to upstream: Upstream) {
        machine.dispatched(streams: scan.isStreaming, now: worker.loop.now)
        if scan.isStreaming {
            worker.counters.streams += 1
            setHeartbeat()
        }
        head = UpstreamHead()
        switch upstream.transport {
        case .network: send(to: upstream, scan)
        case .simulator(let settings): play(settings, for: upstream, scan)
        }
    }

    /// Starts the call, once there is a credential for it.
    func send(to upstream: Upstream, _ scan: ChatRequestScan) {
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
            bodyBytes: requestBytes, streams: scan.isStreaming, tokensMax: scan.outputTokensMax,
            clientMilliseconds: clientMilliseconds)
        call.start(on: origin, clocks: clocks, delegate: self)
    }

    private func play(
        _ settings: SimulatorSettings, for upstream: Upstream, _ scan: ChatRequestScan
    ) {
        worker.simulatorOrdinal += 1
        dispatched = worker.loop.clock()
        setSimulatorClock(upstream, scan)
        let player = self.player ?? SimulatorPlayer(worker.loop)
        self.player = player
        var request = worker.loop.takeBuffer()
        relaySplice(scan, asksForUsage: false).append(body.slice, to: &request)
        player.play(
            SimulatorScript.answer(
                method: ByteSlice("POST"), target: ByteSlice("/v1/chat/completions"),
                body: request.slice, arena: worker.arena, settings: settings,
                created: worker.loop.secondsSince1970, ordinal: worker.simulatorOrdinal),
            to: self)
        worker.loop.giveBuffer(&request)
        giveBack(&body)
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
                target: translation.call.target.slice, streams: translation.call.streams,
                token: lease?.token.secret, fields: forwarded.slice,
                contentLength: translation.call.body.count, to: &output)
            forwarded.truncate(to: forwarded.count - translation.call.fields.count)
            output.append(translation.call.body.slice)
            return
        }
        let splice = relaySplice(scan, asksForUsage: upstream.asksForUsage)
        head.append(
            target: ByteSlice(OpenAIProvider.target), streams: scan.isStreaming,
            token: lease?.token.secret, fields: forwarded.slice,
            contentLength: body.count + splice.byteCountDelta, to: &output)
        splice.append(body.slice, to: &output)
    }

    private func relaySplice(_ scan: ChatRequestScan, asksForUsage: Bool) -> JSONSplice {
        scan.splice(
            model: renamesModel ? upstreamModel.slice : nil, addingUsage: asksForUsage)
    }

    // MARK: Clocks

    /// The simulator has no connection that could keep the clocks of an exchange: here is the one
    /// for the head, so that a simulated upstream that hangs ends like a real one.
    private func setSimulatorClock(_ upstream: Upstream, _ scan: ChatRequestScan) {
        let clocks = upstream.timeouts.clocks(
            bodyBytes: requestBytes, streams: scan.isStreaming, tokensMax: scan.outputTokensMax,
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
            if snapshot.disconnectPolicy == .drain, scan != nil, detach() { return }
            abandon("cancelled")
        case .clientStalled:
            status = 499
            abandon("stalled")
        case .refused(let refusal):
            status = refusal.status
            failureText = refusal.text
            worker.refused(requestID.slice)
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

extension ByteSlice {
    /// Whether this comma-separated list names `token`, compared without case.
    fileprivate func lists(_ token: ByteSlice) -> Bool {
        var rest = self
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.comma) ?? rest.count
            let item = rest.prefix(end).trimmed
            if item.count == token.count {
                var isSame = true
                for index in 0..<item.count
                where ASCII.lowercased(item[index]) != ASCII.lowercased(token[index]) {
                    isSame = false
                }
                if isSame { return true }
            }
            rest = rest.dropFirst(min(end + 1, rest.count))
        }
        return false
    }
}

extension Exchange: Deferrable {
    package func turnEnding() { worker.detached[ObjectIdentifier(self)] = nil }
}
