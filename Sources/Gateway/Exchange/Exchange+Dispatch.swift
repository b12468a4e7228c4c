// Exchange+Dispatch.swift — how a request is handed to its upstream: with which credential, and in
// which bytes. An upstream is asked over the network or simulated here. The clocks are in
// Exchange+Clocks.swift.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayWire
import Reactor
import ReactorCore

extension Exchange {
    func dispatch(_ scan: DoorScan, to upstream: Upstream) {
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
        call.start(on: origin, clocks: clocks(for: scan, at: upstream), delegate: self)
    }

    /// Whether the request's body is needed once the answer has begun.
    var keepsBody: Bool { checksCalls || rerouting != nil }

    private func play(
        _ settings: SimulatorSettings, for upstream: Upstream, _ scan: DoorScan
    ) {
        worker.simulatorOrdinal += 1
        if rerouting != nil { attempts = attemptsBefore + 1 }
        dispatched = worker.loop.clock()
        setSimulatorClock(upstream, scan)
        let player = self.player ?? SimulatorPlayer(worker.loop)
        self.player = player
        var request = worker.loop.takeBuffer()
        if let translation {
            request.append(translation.call.body.slice)
        } else {
            relaySplice(scan, asksForUsage: upstream.asksForUsage).append(body.slice, to: &request)
        }
        player.play(
            SimulatorScript.answer(
                method: ByteSlice("POST"),
                target: ByteSlice(translation == nil ? relayTarget : OpenAIProvider.target),
                body: request.slice, arena: worker.arena, settings: settings,
                created: worker.loop.secondsSince1970, ordinal: worker.simulatorOrdinal),
            to: self)
        worker.loop.giveBuffer(&request)
        if !keepsBody { giveBack(&body) }
    }

    /// Appends the request as the upstream gets it. The body and what changes in it are kept until
    /// the answer begins: it may have to be written twice.
    func appendRequest(to output: inout ByteBuffer) {
        guard let scan, let upstream, let place = upstream.place(for: lease) else {
            preconditionFailure("a request was written without an upstream")
        }
        if let translation {
            forwarded.append(translation.call.fields.slice)
            place.head.append(
                target: translation.call.target.slice, accept: translation.call.accept,
                token: lentSecret, fields: forwarded.slice,
                contentLength: translation.call.body.count, to: &output)
            forwarded.truncate(to: forwarded.count - translation.call.fields.count)
            output.append(translation.call.body.slice)
            return
        }
        let splice = relaySplice(scan, asksForUsage: upstream.asksForUsage)
        place.head.append(
            target: ByteSlice(relayTarget),
            accept: scan.isStreaming ? RequestHead.events : RequestHead.json,
            token: lentSecret, fields: forwarded.slice,
            contentLength: body.count + splice.byteCountDelta, to: &output)
        splice.append(body.slice, to: &output)
    }

    /// The credential that was lent for this request. To look at a lease copies it, so it is not
    /// looked at where none can be.
    var lentSecret: Secret? { upstream?.tokens == nil ? nil : lease?.token.secret }

    /// Where a relayed request goes, behind the base URL.
    private var relayTarget: StaticString {
        switch door {
        case .answer(.messages): MessagesWire.target
        case .answer(.responses): OpenAIProvider.responsesTarget
        case .answer(.completions): CompletionWire.target
        case .countTokens: MessagesWire.countTarget
        case .embeddings: EmbeddingWire.target
        default: OpenAIProvider.target
        }
    }

    private func relaySplice(_ scan: DoorScan, asksForUsage: Bool) -> JSONSplice {
        scan.splice(
            model: renamesModel ? upstreamModel.slice : nil, addingUsage: asksForUsage)
    }
}
