// BenchRun.swift — clients that ask without a pause until the plan is done. A shell: what came of it
// is BenchTally's.

import GatewayModel
import Reactor
import ReactorCore

/// One run in one mode.
package final class BenchRun {
    /// A client whose request failed waits so long: a server that is not there is not hammered.
    private static let pauseAfterFailure: Duration = .milliseconds(20)

    package private(set) var tally = BenchTally()
    package let plan: BenchPlan
    package let mode: BenchMode
    /// From the first request to the last answer.
    package private(set) var elapsed: Duration = .zero
    package private(set) var inFlight = 0

    private let client: APIClient
    private let body: [UInt8]
    private var clients: [BenchClient] = []
    private var started = 0
    private var beganAt = Instant(nanoseconds: 0)
    private var isStopped = false
    private var ended: () -> Void = {}

    package init(_ client: APIClient, _ plan: BenchPlan, _ mode: BenchMode) {
        self.client = client
        self.plan = plan
        self.mode = mode
        body = plan.body(mode)
    }

    private var loop: EventLoop { client.loop }

    /// Seconds since the first request.
    package var seconds: Double {
        Double(loop.clock().nanoseconds(since: beganAt)) / 1e9
    }

    /// Begins; `ended` is called within a turn when every client has its last answer.
    package func start(_ ended: @escaping () -> Void) {
        self.ended = ended
        beganAt = loop.clock()
        clients = (0..<plan.clientCount).map { _ in BenchClient(self, client) }
        loop.withTurn { for client in clients { client.next() } }
    }

    /// Begins no more requests.
    package func stop() { isStopped = true }

    /// Whether a client may begin another request.
    fileprivate func takeRequest() -> [UInt8]? {
        if isStopped || plan.requestCount.map({ started >= $0 }) ?? false { return nil }
        if let duration = plan.duration, loop.clock() >= beganAt + duration { return nil }
        started += 1
        inFlight += 1
        return body
    }

    fileprivate func gap(_ nanoseconds: UInt64) { tally.addGap(Int64(nanoseconds)) }

    fileprivate func finished(_ client: BenchClient, _ sample: BenchSample, _ failure: String?) {
        inFlight -= 1
        if let failure { tally.addFailure(failure) } else { tally.add(sample) }
        if failure != nil {
            client.pause(until: loop.now + Self.pauseAfterFailure)
        } else {
            client.next()
        }
    }

    fileprivate func left() {
        guard clients.allSatisfy(\.isDone) else { return }
        elapsed = .nanoseconds(Int64(loop.clock().nanoseconds(since: beganAt)))
        for client in clients { client.close() }
        ended()
    }
}

/// One client: a request at a time.
private final class BenchClient: ChatCallDelegate {
    private unowned(unsafe) let run: BenchRun
    private let loop: EventLoop
    private var call: ChatCall?
    private var timer: LoopTimer?
    private(set) var isDone = false

    private var sample = BenchSample()
    private var beganAt = Instant(nanoseconds: 0)
    private var lastAt: Instant?
    private var pieces = 0

    init(_ run: BenchRun, _ client: APIClient) {
        self.run = run
        loop = client.loop
        call = ChatCall(client, clocks: APIClient.clocks(run.plan.timeout), owner: self)
        timer = LoopTimer(loop) { [unowned(unsafe) self] in next() }
    }

    func next() {
        guard let body = run.takeRequest() else {
            isDone = true
            return run.left()
        }
        sample = BenchSample()
        lastAt = nil
        pieces = 0
        beganAt = loop.clock()
        call?.start(body, streams: run.mode == .stream)
    }

    func pause(until time: Instant) { timer?.set(time) }

    func close() {
        timer?.cancel()
        timer = nil
    }

    func answerContinued(_ event: ModelEvent) {
        switch event {
        case .delta:
            pieces += 1
            guard run.mode == .stream else { return }
            let now = loop.clock()
            if let lastAt {
                run.gap(now.nanoseconds(since: lastAt))
            } else {
                sample.first = Int64(now.nanoseconds(since: beganAt))
            }
            lastAt = now
        case .usage(let usage) where usage.outputTokens > 0:
            sample.tokens = usage.outputTokens
            sample.tokensAreCounted = true
        default: break
        }
    }

    func callEnded(_ failure: String?) {
        sample.total = Int64(loop.clock().nanoseconds(since: beganAt))
        if !sample.tokensAreCounted { sample.tokens = pieces }
        run.finished(self, sample, failure)
    }
}
