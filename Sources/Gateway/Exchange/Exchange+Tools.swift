// Exchange+Tools.swift — tools on the translate lane: what stands between decoder and encoder, streams
// that are answered in one piece, and the rounds of built-in tools.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import GatewayProviders
import GatewayTools
import Reactor
import ReactorCore

/// What one request's tools mean for the way of its answer.
struct ToolPlan {
    /// Tools must be told in the prompt, and calls read out of the text.
    var isTextOnly = false
    /// What the gateway itself may run.
    var builtIn: [BuiltInTool] = []
    /// What the request's head asks for; nil: nothing is said.
    var listed: [BuiltInTool]?
    /// The client shows itself one of streams.
    var readsStreams = false
    /// A stream was asked for, and the answer comes in one piece.
    var isDowngraded = false
    /// There where tools called with free text go out as functions.
    var freeText: FreeTextCalls?
}

extension Exchange {
    // MARK: Before the request

    /// Reads what a head says about tools and streams. Only where it can matter.
    func readToolFields(_ fields: HTTPFields) {
        for index in 0..<fields.count {
            let (name, value) = (fields.name(index), fields.value(index))
            if name.count > 12, name.prefix(12).equalsIgnoringCase("x-stainless-") {
                tools.readsStreams = true
            } else if name.equalsIgnoringCase("accept") {
                if value.containsIgnoringCase("text/event-stream") { tools.readsStreams = true }
            } else if snapshot.tools.allowsPerRequest, name.equalsIgnoringCase("x-gateway-tools") {
                tools.listed = snapshot.tools.listed(in: value)
            }
        }
    }

    /// Whether a request is translated although its provider speaks its dialect.
    func leavesRelay(_ scan: DoorScan, _ upstream: Upstream) -> Bool {
        // Completions know no tools.
        if case .completions = scan { return false }
        let policy = snapshot.tools
        tools.builtIn = tools.listed ?? (policy.executes ? policy.builtIn : [])
        tools.isTextOnly = isTextOnly(upstream)
        if tools.isTextOnly || !tools.builtIn.isEmpty { return true }
        return scan.hasTools && scan.isStreaming
            && (modelSettings.repair == .hold || modelSettings.streamTools == .downgrade)
    }

    /// The provider's word, and the registry's.
    private func isTextOnly(_ upstream: Upstream) -> Bool {
        if upstream.provider.isTextOnly(modelSettings) { return true }
        guard snapshot.hasTextModels else { return false }
        let isSame = requestedModel.slice == upstreamModel.slice
        return snapshot.capabilities.capabilities(
            of: requestedModel.slice, upstream: isSame ? nil : upstreamModel.slice
        ).tools == .text
    }

    // MARK: The request

    /// Decides in which form the client gets its answer, and asks for it accordingly.
    func planAnswer(to request: inout ModelRequest) {
        guard request.streams, !request.tools.isEmpty else { return }
        let mode = modelSettings.streamTools ?? (tools.isTextOnly ? .downgrade : .native)
        guard mode == .downgrade else { return }
        tools.isDowngraded = true
        request.streams = false
        // Where a heartbeat has begun the stream, it is one.
        isStreamed = machine.isStreaming || isStreamedInOnePiece
    }

    private var isStreamedInOnePiece: Bool {
        switch modelSettings.downgradeForm {
        case .auto: tools.readsStreams
        case .json: false
        case .sse: true
        }
    }

    /// Adds the built-in tools. - Returns: their rounds, if there may be any.
    func offerBuiltIn(to request: inout ModelRequest) -> ToolLoopMachine? {
        guard !tools.builtIn.isEmpty else { return nil }
        let loop = ToolLoopMachine(
            names: tools.builtIn.map { ByteSlice($0.name) }, roundsMax: snapshot.tools.roundsMax)
        return loop.begin(&request) ? loop : nil
    }

    /// Puts a request into the provider's words.
    func encode(
        _ request: ModelRequest, for upstream: Upstream, into translation: Translation
    ) throws(Failure) {
        if tools.isTextOnly, TextTools.areNeeded(by: request) {
            let texts = ComposedText()
            defer { withExtendedLifetime(texts) {} }
            let told = try TextTools.fold(request, into: texts)
            try upstream.provider.encode(told, providerContext, into: &translation.call)
        } else {
            try upstream.provider.encode(request, providerContext, into: &translation.call)
        }
        try refuseDropped(by: translation.call, at: upstream)
    }

    /// The operator may rather refuse a request than leave a part of it out.
    func refuseDropped(
        by call: borrowing ProviderCall, at upstream: Upstream
    ) throws(Failure) {
        guard modelSettings.unsupportedParameters == .error, !call.dropped.isEmpty else { return }
        var names = ByteBuffer()
        call.appendDropped(to: &names)
        throw Failure(
            .unsupportedParameter,
            "The provider '\(upstream.name)' cannot be told: \(names.string).",
            parameter: names.slice.firstIndex(of: ASCII.comma) == nil ? names.string : nil)
    }

    /// What stands between decoder and encoder.
    func toolFilter(for request: ModelRequest) -> ToolFilter? {
        guard !request.tools.isEmpty else { return nil }
        let seed = worker.random.next()
        let holds = !request.streams || modelSettings.repair == .hold
        var filter =
            tools.isTextOnly
            ? ToolFilter(TextToolParser(request, seed: seed))
            : ToolFilter(ToolCallRepair(request, mode: holds ? .hold : .stream, seed: seed))
        if let freeText = tools.freeText { filter.add(freeText) }
        return filter
    }

    // MARK: Rounds

    /// The answer wants another request, which is made when this turn is over: whoever told of the
    /// last one is still at work.
    func requestRound() {
        call.dropRest()
        player?.stop()
        awaitsRound = true
        worker.loop.atEndOfTurn(self)
    }

    /// Runs the calls of the last round and asks again with their results.
    func startRound() {
        awaitsRound = false
        guard machine.isActive, let looped, let translation, let upstream, let scan,
            let loop = translation.loop
        else { return }
        let zones = worker.zones
        loop.extend(
            &looped.request,
            BuiltInContext(nowSeconds: worker.loop.secondsSince1970) { zones.bytes(of: $0) })
        forwarded.removeAll()
        forwarded.append(looped.forwarded.slice)
        head = UpstreamHead()
        inflater = nil
        answer.removeAll()
        translation.beginRound(toolFilter(for: looped.request))
        do throws(Failure) {
            try encode(looped.request, for: upstream, into: translation)
            start(scan, at: upstream)
        } catch {
            fail(error)
        }
    }
}

extension ByteSlice {
    fileprivate func containsIgnoringCase(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard count >= length else { return false }
        for start in 0...(count - length)
        where dropFirst(start).prefix(length).equalsIgnoringCase(word) {
            return true
        }
        return false
    }
}
