// ProviderProbe.swift — whether a provider lets us in: its token is obtained where it needs one, and
// its models are asked for where it lists them. Costs nothing at any provider. A shell.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// What trying a provider has shown.
package struct ProbeResult: Equatable, Sendable {
    package var provider: String
    package var isGood: Bool
    /// A sentence, without a full stop.
    package var text: String

    package init(provider: String, isGood: Bool, text: String) {
        self.provider = provider
        self.isGood = isGood
        self.text = text
    }
}

package enum ProviderProbe {
    /// Tries all providers at once, on the snapshot's loop, and waits for them.
    package static func run(
        _ snapshot: Snapshot, on loop: EventLoop, within limit: Duration
    ) -> [ProbeResult] {
        let probes = snapshot.upstreams.map { Probe($0, loop) }
        let timer = LoopTimer(loop) { loop.stop() }
        timer.set(loop.clock() + limit)
        for probe in probes {
            probe.ended = { if probes.allSatisfy({ $0.result != nil }) { loop.stop() } }
        }
        loop.withTurn { for probe in probes { probe.start() } }
        if !probes.allSatisfy({ $0.result != nil }) { loop.run() }
        timer.cancel()
        return probes.map { probe in
            probe.close()
            return probe.result
                ?? ProbeResult(provider: probe.name, isGood: false, text: "no answer in time")
        }
    }
}

/// One provider's.
private final class Probe: Deferrable, TokenWaiter {
    let name: String
    var ended: () -> Void = {}
    private(set) var result: ProbeResult?

    private let upstream: Upstream
    private let loop: EventLoop
    private var call: ModelListCall?

    init(_ upstream: Upstream, _ loop: EventLoop) {
        name = upstream.name
        self.upstream = upstream
        self.loop = loop
    }

    func start() {
        guard case .network = upstream.transport else {
            return end(true, "answers in this process")
        }
        if let codec = upstream.provider.modelList {
            let call = ModelListCall(upstream, codec, on: loop, owner: self)
            self.call = call
            return call.start(cursor: [])
        }
        guard let tokens = upstream.tokens else {
            return end(true, "not tried: it lists no models and needs no token")
        }
        if let lease = tokens.lease(for: self) { tokenArrived(lease) }
    }

    func close() {
        call?.cancel()
        upstream.tokens?.forget(self)
        ended = {}
    }

    func tokenArrived(_ lease: TokenLease) { end(true, "gives a token; it lists no models") }

    func tokenFailed(_ failure: Failure) { end(false, failure.message) }

    func turnEnding() {
        switch call?.takeOutcome() {
        case .page(let page):
            let more = page.next == nil ? "" : " or more"
            end(true, "lists \(page.models.count)\(more) models")
        case .failed(let failure): end(false, failure.message)
        case nil: break
        }
    }

    private func end(_ isGood: Bool, _ text: String) {
        guard result == nil else { return }
        var text = text
        if text.hasSuffix(".") { text.removeLast() }
        result = ProbeResult(provider: name, isGood: isGood, text: text)
        ended()
    }
}
