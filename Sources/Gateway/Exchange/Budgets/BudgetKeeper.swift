// BudgetKeeper.swift — keeps what keys have spent over a restart: read once when the gateway starts, and
// written every few seconds if anything was spent, and at the end. Waits for the disk, so it belongs to
// the supervisor, which serves nobody. Made and told of reloads by Main.

import GatewayPolicy
import Reactor
import ReactorCore

/// What is worth a line in the log.
package enum BudgetEvent: Equatable {
    /// What so many keys had spent before the start counts; that of others was of a period that is over,
    /// or of another kind than theirs is now.
    case restored(keys: Int, expired: Int)
    /// The file was not as this program writes it; it has been put there.
    case broken(path: String)
    /// What is spent would be lost with a restart: why. Tried again all the time.
    case failed(String)
    /// It is kept again.
    case recovered
}

/// The spending of one gateway's keys.
package final class BudgetKeeper {
    /// What a process that is killed loses at most.
    package static let interval: Duration = .seconds(5)

    private unowned(unsafe) let loop: EventLoop
    private let cells: LimitCells
    private let interval: Duration
    private let onEvent: (BudgetEvent) -> Void
    private var ledger = BudgetLedger()
    private var directory: String?
    private var file: BudgetFile?
    private var hasRead = false
    /// What the file says.
    private var written: [BudgetSum] = []
    private var failure: String?
    private var timer: LoopTimer?

    /// - Parameter onEvent: called within a turn, or by `take` and `close`; must not retain the keeper.
    package init(
        _ loop: EventLoop, _ cells: LimitCells, interval: Duration = BudgetKeeper.interval,
        onEvent: @escaping (BudgetEvent) -> Void
    ) {
        self.loop = loop
        self.cells = cells
        self.interval = interval
        self.onEvent = onEvent
    }

    /// The budgets that hold from now on. Nothing is done before there are any; the directory is the first
    /// one's for good.
    ///
    /// - Parameter directory: where the file is to be; nil: there is no such place.
    package func take(
        _ budgets: [(key: String, period: BudgetPeriod)], directory: String?
    ) {
        ledger.take(budgets)
        guard !budgets.isEmpty, timer == nil else { return }
        self.directory = directory
        timer = LoopTimer(loop) { [unowned(unsafe) self] in timePassed() }
        timePassed()
    }

    /// Writes what has been spent, and lets go of the file.
    package func close() {
        guard let timer else { return }
        timer.cancel()
        self.timer = nil
        // One that was not to be had until now may be by now.
        work()
        file?.unlock()
        file = nil
    }

    private func timePassed() {
        timer?.set(loop.now + interval)
        work()
    }

    private func work() {
        guard let file = file ?? open() else { return }
        if !hasRead { read(file) }
        let seconds = loop.secondsSince1970
        let sums = ledger.sums(in: cells, seconds: seconds)
        if sums != written {
            if let reason = file.write(sums, seconds: seconds) {
                return fail("\(file.path) cannot be written: \(reason)")
            }
            written = sums
        }
        if failure != nil {
            failure = nil
            onEvent(.recovered)
        }
    }

    private func open() -> BudgetFile? {
        guard let directory else {
            fail("there is no state directory")
            return nil
        }
        do throws(StateDirectoryFailure) { try StateDirectory.prepare(directory) } catch {
            fail(error.description)
            return nil
        }
        let file = BudgetFile(directory: directory)
        switch file.lock() {
        case .taken:
            self.file = file
            return file
        case .busy: fail("another gateway has \(file.path)")
        case .unavailable(let reason): fail("\(file.path) cannot be locked: \(reason)")
        }
        return nil
    }

    private func read(_ file: BudgetFile) {
        hasRead = true
        switch file.read() {
        case .nothing: break
        case .broken: onEvent(.broken(path: file.putAside()))
        case .sums(let sums):
            written = sums
            let count = ledger.restore(sums, to: cells, seconds: loop.secondsSince1970)
            onEvent(.restored(keys: count, expired: sums.count - count))
        }
    }

    private func fail(_ reason: String) {
        guard failure != reason else { return }
        failure = reason
        onEvent(.failed(reason))
    }
}
