// Exporter.swift — sends what one queue holds to one collector, with the gateway's own HTTP client. The
// shell around ExportQueueMachine: it obeys, keeps the clock, and reads the answers.

import GatewayCodec
import GatewayConfig
import GatewayModel
import GatewayTelemetry
import Reactor
import ReactorCore

/// What is worth a line in the log.
package enum ExportEvent: Equatable, Sendable {
    /// Nothing gets through, for the first time since something did.
    case failing(String)
    case recovered
    /// The collector will not have a batch.
    case refused(status: Int, records: Int)
    /// The older API does not exist any more.
    case changedForm
    /// Records were given up at the end.
    case abandoned(records: Int)
}

/// One collector and its queue.
final class Exporter {
    private static let clocks: ClientClocks = {
        var clocks = ClientClocks()
        clocks.connect = .seconds(10)
        clocks.head = .seconds(30)
        clocks.idle = .seconds(30)
        clocks.total = .seconds(60)
        return clocks
    }()

    let name: String
    private(set) var form: ExportTarget.Form
    private var target: ExportTarget
    private(set) var machine: ExportQueueMachine
    private unowned(unsafe) let loop: EventLoop
    private let arena = JSONArena()
    private let call = HTTPClientCall()
    private var timer: LoopTimer?
    private var random: SeededRandom
    private let tell: (ExportEvent) -> Void
    /// This worker's, under the exporter's name, and what of it comes from this one.
    private let figures: UnsafeMutablePointer<ExportFigures>
    private var told = ExportFigures()

    private enum Outcome {
        case answered
        case failed(HTTPClientFailure)
    }

    // The batch on its way, and its whole body where that is packed.
    private var batch: ExportBatch?
    private var packed = ByteBuffer()
    private var outcome: Outcome?
    private var status = 0
    private var retryAfter: Duration?
    private var answer = ByteBuffer()

    private var isFailing = false
    /// When a refusal was told last: a wrong key refuses every batch.
    private var refusalToldAt: Instant?
    private static let refusalPause: Duration = .seconds(60)
    private var isAwaited = false
    private var finished: (() -> Void)?

    init(
        _ loop: EventLoop, target: ExportTarget, seed: UInt64,
        figures: UnsafeMutablePointer<ExportFigures>,
        tell: @escaping (ExportEvent) -> Void
    ) {
        self.loop = loop
        self.target = target
        self.tell = tell
        self.figures = figures
        name = target.name
        form = target.form
        machine = ExportQueueMachine(limits: target.limits, frame: target.frame)
        random = SeededRandom(seed: seed)
        timer = LoopTimer(loop) { [unowned(unsafe) self] in step() }
    }

    /// Takes one record: what `write` appends.
    @inline(__always)
    func append(_ write: (inout ByteBuffer) -> Void) {
        guard finished == nil else { return }
        machine.begin(now: loop.now)
        write(&machine.open)
        if machine.end() { stepLater() }
    }

    /// Gives back memory that is kept for batches to come.
    func releaseMemory() { machine.releaseMemory() }

    /// The caller may be at work on a request, or on a batch.
    private func stepLater() {
        guard !isAwaited else { return }
        isAwaited = true
        loop.atEndOfTurn(self)
    }

    /// Tells all workers what has been done. After a reload two of a name are at work for a while.
    func publish() {
        var now = ExportFigures()
        now.waiting = machine.count
        now.sent = machine.sentCount
        now.refused = machine.refusedCount
        now.dropped = machine.droppedCount
        figures.pointee.waiting += now.waiting - told.waiting
        figures.pointee.sent += now.sent - told.sent
        figures.pointee.refused += now.refused - told.refused
        figures.pointee.dropped += now.dropped - told.dropped
        told = now
    }

    private func step() {
        guard timer != nil else { return }
        settle()
        defer { publish() }
        switch machine.next(now: loop.now) {
        case .send(let batch):
            self.batch = batch
            status = 0
            retryAfter = nil
            answer.removeAll()
            if target.isCompressed { pack(batch) }
            timer?.set(.never)
            call.start(on: target.origin, clocks: Self.clocks, delegate: self)
        case .wait(let until): timer?.set(until)
        case .finished: end()
        }
    }

    /// Once for all tries; the longest batch takes some milliseconds.
    private func pack(_ batch: ExportBatch) {
        let deflater = Deflater()
        packed.removeAll()
        deflater.deflate(batch.bytes.slice, into: &packed)
        deflater.finish(into: &packed)
    }

    // MARK: What became of a batch

    private func settle() {
        guard let outcome, let batch else { return }
        self.outcome = nil
        self.batch = nil
        switch outcome {
        case .failed(let failure): failed("\(failure)")
        case .answered:
            switch reply {
            case .taken(let refused):
                machine.sent(refused: refused)
                if refused > 0 { tellRefused(refused) }
                succeeded()
            case .refused:
                machine.refused()
                tellRefused(batch.count)
            case .again: failed("status \(status)")
            case .gone: changeForm(batch)
            }
        }
        answer.release()
        packed.release()
    }

    private var reply: ExportReply {
        if case .generations(_, .ingestion) = form {
            return .ingestion(status: status, body: answer.slice, arena)
        }
        return .otlp(status: status, body: answer.slice, arena)
    }

    private func tellRefused(_ count: Int) {
        if let refusalToldAt, loop.now < refusalToldAt + Self.refusalPause { return }
        refusalToldAt = loop.now
        tell(.refused(status: status, records: count))
    }

    private func succeeded() {
        if isFailing { tell(.recovered) }
        isFailing = false
    }

    private func failed(_ reason: String) {
        machine.failed(retryAfter: retryAfter, now: loop.now, draw: random.unit())
        if !isFailing { tell(.failing(reason)) }
        isFailing = true
    }

    /// What was written for the old form is of no use in the new one.
    private func changeForm(_ batch: ExportBatch) {
        guard target.fallBack() else {
            machine.refused()
            return tellRefused(batch.count)
        }
        machine.dropAll(changingTo: target.frame)
        form = target.form
        tell(.changedForm)
    }

    // MARK: The end

    /// Sends what there is and calls `done`, once; no record is taken from now on.
    func finish(_ done: @escaping () -> Void) {
        guard timer != nil, finished == nil else { return done() }
        finished = done
        machine.drain()
        stepLater()
    }

    /// Gives up what is left.
    func abandon() {
        guard timer != nil else { return }
        call.cancel()
        let left = machine.count
        machine.abandon()
        if left > 0 { tell(.abandoned(records: left)) }
        end()
    }

    private func end() {
        timer?.cancel()
        timer = nil
        target.origin.close()
        publish()
        let done = finished
        finished = nil
        done?()
    }
}

extension Exporter: Deferrable {
    func turnEnding() {
        isAwaited = false
        step()
    }
}

extension Exporter: HTTPClientCallDelegate {
    func writeRequest(on connection: HTTPRequestWriter) {
        guard let batch else { preconditionFailure("a call without a batch") }
        connection.withOutput { output in
            target.head.withBytes { output.append($0) }
            guard packed.isEmpty else {
                output.append(decimal: packed.count)
                output.append("\r\n\r\n" as StaticString)
                return output.append(packed.slice)
            }
            output.append(decimal: batch.bytes.count)
            output.append("\r\n\r\n" as StaticString)
        }
        // Too long to be copied.
        if packed.isEmpty { connection.writeLent(batch.bytes.slice, of: batch) }
    }

    func responseHeadArrived(_ head: HTTPHead) {
        status = head.status
        if let seconds = head.fields.first("retry-after")?.decimalValue, seconds < 86_400 {
            retryAfter = .seconds(seconds)
        }
    }

    func responseBodyArrived(_ bytes: ByteSlice) {
        let room = ExportReply.bodyBytesMax - answer.count
        answer.append(bytes.prefix(min(bytes.count, max(room, 0))))
    }

    func responseEnded() {
        outcome = .answered
        stepLater()
    }

    func callFailed(_ failure: HTTPClientFailure) {
        outcome = .failed(failure)
        stepLater()
    }
}
