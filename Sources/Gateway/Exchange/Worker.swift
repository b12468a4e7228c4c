// Worker.swift — what all exchanges of one loop share.

import GatewayCodec
import GatewayDoors
import GatewayPolicy
import GatewayProviders
import GatewayTelemetry
import Reactor
import ReactorCore

/// Answers the doors that no upstream is behind. Implemented by the Admin floor.
package protocol AdminDoors: AnyObject {
    /// Status and JSON (or HTML) body for `door`.
    func answer(
        _ door: Door, path: ByteSlice, admission: AdmissionView, into body: inout ByteBuffer
    ) -> AdminAnswer
    /// Tells `listener` from now on what happens; false if there are too many of them.
    func watch(_ listener: any StatusListener) -> Bool
    func unwatch(_ listener: any StatusListener)
}

/// The head of an answer about the gateway.
package struct AdminAnswer {
    package var status: Int
    package var contentType: StaticString
    /// Further fields, each with its line end.
    package var fields: String

    package init(
        _ status: Int, _ contentType: StaticString = "application/json; charset=utf-8",
        fields: String = ""
    ) {
        self.status = status
        self.contentType = contentType
        self.fields = fields
    }
}

/// Who watches the gateway. Called within a turn.
package protocol StatusListener: AnyObject {
    /// Whether it takes more: one that is slow misses some.
    var hasRoom: Bool { get }
    /// One whole event.
    func tell(_ event: ByteSlice)
    func endTelling()
}

/// What an admin door may know of who asks.
package struct AdmissionView {
    /// Whether this caller may use the model.
    package let allows: (ByteSlice) -> Bool
    /// Whether it reads OpenMetrics.
    package let acceptsOpenMetrics: Bool

    package init(acceptsOpenMetrics: Bool = false, allows: @escaping (ByteSlice) -> Bool) {
        self.allows = allows
        self.acceptsOpenMetrics = acceptsOpenMetrics
    }
}

/// The state of one worker: its tables, counters and log.
package final class Worker {
    package let loop: EventLoop
    /// What new requests are served by.
    package private(set) var snapshot: Snapshot {
        didSet {
            metrics.prices = snapshot.observability.prices
            templates.removeAll()
        }
    }
    /// What all workers share.
    package let shared: SharedState
    package let counters: Counters
    package let metrics: RequestMetrics
    package let log: LogSink
    package var logFormat: LogFormat
    var lines = AccessLog()
    /// What requests of one kind have in common.
    let templates = RecordTemplates()
    /// The request that is ending.
    let record = AccessRecord()
    package let arena = JSONArena()
    package var random: SeededRandom
    /// Ids that providers leave out.
    package let ids: IDSource
    /// What clients that strip unknown fields forget.
    let signatures = ThoughtSignatures()
    /// What clients of the responses door go on with.
    let responses = ResponseStore()
    /// For the built-in tool `get_time`.
    let zones = ZoneFiles()
    package weak var admin: (any AdminDoors)?
    /// Where records of requests go.
    private var outlet: TraceOutlet? {
        didSet { outletPlace = outlet.map { Unmanaged.passUnretained($0) } }
    }
    /// The same, for who would not count a reference for each request.
    private(set) var outletPlace: Unmanaged<TraceOutlet>?
    package let startSeconds: Int
    /// Whether the process is going away: readiness says 503.
    package var isDraining = false
    /// The request that an exchange was told of as refused, in the turn in which it was: the server
    /// answers it next.
    private var refusedID = ByteBuffer()
    private var refusedAt = Instant.never
    private var refusedDoor = Door.notFound
    /// Bounds the requests that are being retried.
    var retryBudget = RetryBudget()
    /// Requests that the simulator has answered.
    var simulatorOrdinal: UInt64 = 0

    /// Exchanges that run on without a client. Above this number they are aborted.
    static let detachedCountMax = 1024
    var detached: [ObjectIdentifier: Exchange] = [:]

    /// Snapshots that are not current any more, until their last request has ended.
    private(set) var retired: [RetiredSnapshot] = []
    private var retirement: LoopTimer?
    private var registration: MemoryRegistration?

    package init(
        loop: EventLoop, snapshot: Snapshot, log: LogSink, logFormat: LogFormat,
        shared: SharedState = SharedState()
    ) {
        self.loop = loop
        self.snapshot = snapshot
        self.shared = shared
        counters = shared.counters
        metrics = RequestMetrics(
            shared.series, process: shared.number, prices: snapshot.observability.prices)
        self.log = log
        self.logFormat = logFormat
        startSeconds = shared.startSeconds == 0 ? loop.secondsSince1970 : shared.startSeconds
        random = SeededRandom(seed: UInt64.random(in: .min ... .max))
        ids = IDSource(seed: random.next())
        snapshot.bind(to: shared.upstreams)
        // A former process of this number may have died without a supervisor that knew of it.
        shared.series.clear(process: shared.number)
        registration = loop.register(self)
    }

    /// Translations between two uses.
    fileprivate var translations: [Translation] = []
    private static let translationsKeptMax = 64

    func takeTranslation() -> Translation { translations.popLast() ?? Translation() }

    func giveTranslation(_ translation: Translation) {
        translation.reset()
        if translations.count < Self.translationsKeptMax { translations.append(translation) }
    }

    /// Exchanges between two uses, each with the next. All of them hold the current snapshot.
    private var spareExchange: Unmanaged<Exchange>?
    private(set) var spareExchangeCount = 0
    static let exchangesKeptMax = 256
    /// Bytes of names and texts with which an exchange is not kept.
    static let exchangeBytesMax = 4096

    /// An exchange for a request that begins. It comes back by itself.
    package func takeExchange() -> Exchange {
        guard let exchange = spareExchange?.takeRetainedValue() else {
            return Exchange(worker: self)
        }
        spareExchange = exchange.nextSpare
        spareExchangeCount -= 1
        return exchange
    }

    func giveExchange(_ exchange: Exchange) {
        guard spareExchangeCount < Self.exchangesKeptMax, exchange.snapshot === snapshot,
            exchange.keptByteCount <= Self.exchangeBytesMax
        else { return }
        exchange.nextSpare = spareExchange
        spareExchange = Unmanaged.passRetained(exchange)
        spareExchangeCount += 1
    }

    private func releaseExchanges() {
        while let exchange = spareExchange?.takeRetainedValue() {
            spareExchange = exchange.nextSpare
        }
        spareExchangeCount = 0
    }

    /// Has records of requests go there from now on.
    package func send(tracesTo sink: any TraceSink) {
        outlet = TraceOutlet(sink)
        // What it says of all requests may be something else from now on.
        templates.removeAll()
    }

    /// Traces between two uses, each with the next.
    private var spareTrace: RequestTrace?
    private var spareTraceCount = 0
    private static let tracesKeptMax = 64

    func takeTrace() -> RequestTrace {
        guard let trace = spareTrace else { return RequestTrace() }
        spareTrace = trace.next
        trace.next = nil
        spareTraceCount -= 1
        return trace
    }

    func giveTrace(_ trace: consuming RequestTrace) {
        trace.reset()
        guard spareTraceCount < Self.tracesKeptMax else { return }
        trace.next = spareTrace.take()
        spareTrace = trace
        spareTraceCount += 1
    }

    /// Aborts what still runs without a client, and lets go of what no request uses. For the end of
    /// the process.
    package func stopDetached() {
        for exchange in detached.values { exchange.stop() }
        detached = [:]
        releaseExchanges()
    }

    // MARK: Reload

    /// Requests that begin from now on are served by `next`; those that run keep theirs, whose
    /// connections to upstreams are closed when the last of them has ended.
    package func replaceSnapshot(by next: Snapshot) {
        next.catalog.inherit(from: snapshot.catalog)
        retired.append(RetiredSnapshot(snapshot: snapshot))
        next.bind(to: shared.upstreams)
        snapshot = next
        releaseExchanges()
        if retirement == nil {
            retirement = LoopTimer(loop) { [unowned(unsafe) self] in closeRetired() }
        }
        retirement?.set(loop.now + RetiredSnapshot.interval)
    }

    private func closeRetired() {
        // What they have done is not known any more once they are closed.
        publishProviders()
        retired = retired.compactMap { $0.timePassed() }
        if !retired.isEmpty { retirement?.set(loop.now + RetiredSnapshot.interval) }
    }

    /// Closes every connection to an upstream. No exchange may be running. For the end of the
    /// process.
    package func closeSnapshots() {
        retirement?.cancel()
        retirement = nil
        publishProviders()
        for old in retired { old.snapshot.close() }
        snapshot.close()
    }

    /// An exchange has logged the request with this id as refused.
    func refused(_ id: ByteSlice, at door: Door) {
        refusedDoor = door
        refusedID.removeAll()
        refusedID.append(id)
        refusedAt = loop.now
    }

    /// The id and the door of the request that the server answers now, if an exchange had it.
    func takeRefused(_ id: inout ByteBuffer) -> Door? {
        defer { refusedAt = .never }
        guard refusedAt == loop.now, !refusedID.isEmpty else { return nil }
        id.append(refusedID.slice)
        return refusedDoor
    }
}

extension Worker: MemoryHolder {
    package func releaseMemory() {
        translations = []
        releaseExchanges()
        while let trace = spareTrace { spareTrace = trace.next }
        spareTraceCount = 0
        arena.releaseMemory()
        if detached.isEmpty { detached = [:] }
    }
}
