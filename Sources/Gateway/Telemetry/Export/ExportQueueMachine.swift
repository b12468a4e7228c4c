// ExportQueueMachine.swift — what waits to be sent to a collector, and when it is sent: in batches by
// size and time, one at a time, again after a while where the collector could not take it, and never
// more than a bound. Pure: time and chance are handed in. Admin's Exporter is the shell.
// Invariant: every record that was taken in is counted once as sent, refused or dropped, or still here.

import ReactorCore

/// Records that go out in one request.
package final class ExportBatch {
    /// The request's body.
    package fileprivate(set) var bytes = ByteBuffer()
    package fileprivate(set) var count = 0

    fileprivate init() {}
}

/// The bounds of one queue.
package struct ExportLimits: Equatable, Sendable {
    /// A batch is closed when it has so many records, so many bytes, or is so old.
    package var batchCountMax = 256
    package var batchBytesMax = 1024 * 1024
    package var interval: Duration = .seconds(1)
    /// Bytes of all batches; above it the oldest is dropped.
    package var queueBytesMax = 8 * 1024 * 1024
    package var backoff = Backoff(base: .seconds(1), cap: .seconds(60))
    /// The longest wait that a collector may ask for.
    package var retryAfterMax: Duration = .seconds(300)

    package init() {}
}

/// The queue of one exporter.
package struct ExportQueueMachine: ~Copyable {
    package enum Action {
        /// The batch is to be sent; `sent`, `refused` or `failed` tells how that went.
        case send(ExportBatch)
        /// Nothing to do before then.
        case wait(until: Instant)
        /// Everything has gone, and nothing more may come.
        case finished
    }

    /// Batches that are kept to be filled again.
    private static let spareCountMax = 2

    private let limits: ExportLimits
    /// What stands around the records of a batch.
    private var frame: ExportFrame
    /// What is being filled, without its tail; the next batch, unless it is empty. Here and not in a
    /// batch: to append to an object's bytes counts references. Whoever has called `begin` appends to it.
    package var open = ByteBuffer()
    private var openCount = 0
    /// Their memory has grown to what a batch takes.
    private var spares: [ExportBatch] = []
    private var openedAt = Instant.never
    /// Closed, the oldest first. Those that failed come back to the front.
    private var closed: [ExportBatch] = []
    private var sending: ExportBatch?
    private var closedBytes = 0
    private var failureCount = 0
    private var notBefore = Instant(nanoseconds: 0)
    private var isDraining = false

    package private(set) var sentCount = 0
    /// Those that the collector would not have.
    package private(set) var refusedCount = 0
    /// Those for which there was no room, or no time.
    package private(set) var droppedCount = 0

    package init(limits: ExportLimits, frame: ExportFrame = .none) {
        self.limits = limits
        self.frame = frame
    }

    /// Records that are still here.
    package var count: Int {
        openCount + (sending?.count ?? 0) + closed.reduce(0) { $0 + $1.count }
    }

    // MARK: In

    /// Makes `open` ready for a record, to be appended to its bytes. `end` is to be called behind it.
    package mutating func begin(now: Instant) {
        if openCount > 0 { open.append(ASCII.comma) } else { beginBatch(now) }
    }

    /// Apart, so that the other case is short.
    @inline(never)
    private mutating func beginBatch(_ now: Instant) {
        openedAt = now
        frame.head.withUnsafeBytes { open.append(ByteSlice($0)) }
    }

    /// The record is whole.
    /// - Returns: whether `next` has something new to say.
    package mutating func end() -> Bool {
        openCount += 1
        guard openCount >= limits.batchCountMax || open.count >= limits.batchBytesMax else {
            return openCount == 1
        }
        close()
        return true
    }

    private mutating func close() {
        guard openCount > 0 else { return }
        frame.tail.withUnsafeBytes { open.append(ByteSlice($0)) }
        let batch = spares.popLast() ?? ExportBatch()
        swap(&batch.bytes, &open)
        batch.count = openCount
        closed.append(batch)
        closedBytes += batch.bytes.count
        // The next is as long, more or less.
        open.reserve(batch.bytes.count)
        openCount = 0
        openedAt = .never
        while closedBytes > limits.queueBytesMax, closed.count > 1 { dropFirst() }
    }

    private mutating func dropFirst() {
        let first = closed.removeFirst()
        closedBytes -= first.bytes.count
        droppedCount += first.count
    }

    /// Keeps the memory of a batch that nobody needs any more.
    private mutating func keep(_ batch: ExportBatch) {
        guard spares.count < Self.spareCountMax, !isDraining else { return }
        batch.bytes.removeAll()
        batch.count = 0
        spares.append(batch)
    }

    /// Gives back memory that is kept for batches to come.
    package mutating func releaseMemory() { spares = [] }

    // MARK: Out

    /// What is to be done now.
    package mutating func next(now: Instant) -> Action {
        guard sending == nil else { return .wait(until: .never) }
        if openCount > 0, isDraining || openedAt + limits.interval <= now { close() }
        guard !closed.isEmpty else {
            if isDraining { return .finished }
            return .wait(until: openCount > 0 ? openedAt + limits.interval : .never)
        }
        guard notBefore <= now else { return .wait(until: notBefore) }
        let batch = closed.removeFirst()
        closedBytes -= batch.bytes.count
        sending = batch
        return .send(batch)
    }

    /// The batch on its way has arrived. - Parameter refused: how many of it the collector left out.
    package mutating func sent(refused: Int = 0) {
        let batch = take()
        let refused = min(max(refused, 0), batch.count)
        sentCount += batch.count - refused
        refusedCount += refused
        succeeded()
        keep(batch)
    }

    /// The collector does not want the batch, now or ever.
    package mutating func refused() {
        refusedCount += take().count
        succeeded()
    }

    /// The collector could not be reached or could not take it: again later.
    /// - Parameters:
    ///   - retryAfter: how long the collector asked to be left alone.
    ///   - draw: a random number in 0..<1.
    package mutating func failed(retryAfter: Duration? = nil, now: Instant, draw: Double) {
        let batch = take()
        closed.insert(batch, at: 0)
        closedBytes += batch.bytes.count
        while closedBytes > limits.queueBytesMax, closed.count > 1 { dropFirst() }
        failureCount += 1
        let own = limits.backoff.delay(afterFailures: min(failureCount, 64), draw: draw)
        notBefore = now + min(max(own, retryAfter ?? .zero), limits.retryAfterMax)
    }

    private mutating func take() -> ExportBatch {
        guard let batch = sending else { preconditionFailure("no batch was on its way") }
        sending = nil
        return batch
    }

    private mutating func succeeded() {
        failureCount = 0
        notBefore = Instant(nanoseconds: 0)
    }

    // MARK: The end

    /// No more records come: what is here goes at once, without waits for more of it. A wait that the
    /// collector has asked for, or earned, still holds.
    package mutating func drain() { isDraining = true }

    /// There is no more time.
    package mutating func abandon() {
        isDraining = true
        droppedCount += count
        empty()
        sending = nil
    }

    /// Everything that was encoded for one form of the collector's is worth nothing in another.
    package mutating func dropAll(changingTo frame: ExportFrame) {
        self.frame = frame
        if let sending { droppedCount += sending.count }
        sending = nil
        droppedCount += openCount + closed.reduce(0) { $0 + $1.count }
        empty()
        succeeded()
    }

    /// Forgets what has not been sent, and is not on its way.
    private mutating func empty() {
        open.release()
        openCount = 0
        openedAt = .never
        closed = []
        closedBytes = 0
    }
}
