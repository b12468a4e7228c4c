// StatusFeed.swift — each second: measures how late the loop's clock is, tells the other workers how this
// one stands, and those who watch the gateway what has happened. A shell; the document is StatusDocument's.

import GatewayCodec
import GatewayExchange
import GatewayTelemetry
import Reactor
import ReactorCore

/// The watchers of one worker.
final class StatusFeed {
    static let interval: Duration = .seconds(1)
    /// Who may watch at once; a further one gets 503.
    static let listenerCountMax = 16
    /// Seconds that percentiles and rates are told over.
    private static let windowCount = 10

    private struct Listener {
        let target: any StatusListener
        /// The requests of each worker that it was told of.
        var told: [Int]
    }

    private unowned(unsafe) let worker: Worker
    private let version: String
    private var listeners: [Listener] = []
    private var timer: LoopTimer?
    private var due = Instant.never
    /// Sums of the last seconds, the oldest first.
    private var past: [(taken: Instant, sum: RequestCounts)] = []
    private var lags: [Int] = []
    private var lag = LagReading()
    private var told = ToldProcess()
    private var isClosed = false
    var exporters: Exporters?
    /// The service has it, and outlives this.
    unowned(unsafe) var clients: HTTPServer?

    init(worker: Worker, version: String) {
        self.worker = worker
        self.version = version
    }

    func start() {
        timer = LoopTimer(worker.loop) { [unowned(unsafe) self] in secondPassed() }
        publish()
        schedule()
    }

    /// Stops; the timer would keep the loop alive.
    func close() {
        timer?.cancel()
        timer = nil
        isClosed = true
        publish()
    }

    private func schedule() {
        due = worker.loop.now + Self.interval
        timer?.set(due)
    }

    // MARK: Watchers

    func add(_ target: any StatusListener) -> Bool {
        guard listeners.count < Self.listenerCountMax, !worker.isDraining, timer != nil else {
            return false
        }
        if past.isEmpty { past.append((worker.loop.now, worker.metrics.sums.total)) }
        listeners.append(Listener(target: target, told: []))
        tell(listeners.count - 1, report(), window())
        return true
    }

    func remove(_ target: any StatusListener) {
        listeners.removeAll { $0.target === target }
        if listeners.isEmpty { past = [] }
    }

    private func secondPassed() {
        let late = Int(worker.loop.now.nanoseconds(since: due) / 1000)
        lags.append(late)
        if lags.count > 60 { lags.removeFirst() }
        lag.lastMicroseconds = late
        lag.maxMicroseconds = lags.max() ?? 0
        schedule()
        guard !listeners.isEmpty else { return publish() }
        // The process cannot leave before they have.
        guard !worker.isDraining else {
            for listener in listeners { listener.target.endTelling() }
            return
        }
        let report = report()
        let window = window()
        past.append((worker.loop.now, worker.metrics.sums.total))
        if past.count > Self.windowCount { past.removeFirst() }
        for index in listeners.indices where listeners[index].target.hasRoom {
            tell(index, report, window)
        }
    }

    /// What the last seconds brought.
    private func window() -> MetricsWindow {
        let sum = worker.metrics.sums.total
        let first = past.first ?? (taken: worker.loop.now, sum: sum)
        let nanoseconds = worker.loop.now.nanoseconds(since: first.taken)
        return MetricsWindow(
            seconds: Double(nanoseconds / 1_000_000) / 1000,
            counts: RequestCountsDelta(from: first.sum, to: sum))
    }

    private func tell(_ index: Int, _ report: GatewayReport, _ window: MetricsWindow) {
        let recent = worker.metrics.recent.since(listeners[index].told)
        listeners[index].told = recent.told
        let target = listeners[index].target
        var event = worker.loop.takeBuffer()
        event.append("data: " as StaticString)
        event.writeJSON {
            StatusDocument.write(
                report, worker.metrics, window: window, recent: recent.requests, to: &$0)
        }
        event.append("\n\n" as StaticString)
        target.tell(event.slice)
        worker.loop.giveBuffer(&event)
    }

    /// Tells the other workers how this one stands.
    func publish() {
        worker.publishProcess(lag: lag, clients: clients, isThere: !isClosed, told: &told)
        worker.publishProviders()
        exporters?.publish()
    }

    /// All workers at this moment. What is told of this one is written where all read it first: so
    /// whoever is asked next does not say less.
    func report() -> GatewayReport {
        publish()
        return worker.report(version: version)
    }
}
