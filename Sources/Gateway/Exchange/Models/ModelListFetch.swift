// ModelListFetch.swift — one provider's list for all workers: it is taken from the file that they
// share if somebody has asked lately, and asked for under the file's lock if not. A shell; used by
// ModelCatalog.

import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// Fetches lists one after the other and keeps what came until it is taken.
final class ModelListFetch {
    enum Outcome {
        case page(ModelListPage)
        case failed(Failure)
        /// Another worker has asked, so long ago, and this is what it was told.
        case known([CatalogModel], age: Duration)
        /// Another worker has asked, so long ago, in vain; before that it may have been told some.
        case failing([CatalogModel]?, age: Duration)
    }

    /// So often is a file looked at whose lock another worker has, and so long at most.
    static let lookTime = Duration.milliseconds(50)
    static let waitTime = Duration.seconds(35)

    private let call: ModelListCall
    private let file: ModelListFile?
    private let freshTime: Duration
    private unowned(unsafe) let loop: EventLoop
    /// Told at the end of the turn in which an outcome is there.
    private weak var owner: (any Deferrable)?
    private var timer: LoopTimer?
    private var waitEnd: Instant?
    private var outcome: Outcome?

    init(
        _ upstream: Upstream, _ codec: ModelListCodec, freshTime: Duration, on loop: EventLoop,
        owner: any Deferrable
    ) {
        call = ModelListCall(upstream, codec, on: loop, owner: owner)
        file = upstream.modelListFile
        self.freshTime = freshTime
        self.loop = loop
        self.owner = owner
    }

    /// Begins. To be called within a turn; the last outcome must have been taken.
    func start() {
        waitEnd = nil
        look()
    }

    /// Asks for the page behind `cursor`.
    func goOn(cursor: [UInt8]) { call.start(cursor: cursor) }

    private func look() {
        guard let file else { return call.start(cursor: []) }
        if take(file.read()) { return }
        switch file.lock() {
        case .taken:
            // Who had the lock before may have asked.
            guard take(file.read()) else { return call.start(cursor: []) }
            file.unlock()
        case .busy:
            let end = waitEnd ?? loop.now + Self.waitTime
            waitEnd = end
            guard loop.now < end else { return call.start(cursor: []) }
            let timer = timer ?? LoopTimer(loop) { [unowned(unsafe) self] in look() }
            self.timer = timer
            timer.set(loop.now + Self.lookTime)
        // It is asked for this worker alone.
        case .unavailable: call.start(cursor: [])
        }
    }

    /// Whether what is in the file will do.
    private func take(_ kept: KeptModelList?) -> Bool {
        guard let kept else { return false }
        if let models = kept.models, let age = age(kept.fetchedAt, below: freshTime) {
            outcome = .known(models, age: age)
        } else if let failedAt = kept.failedAt,
            let age = age(failedAt, below: ModelCatalogMachine.failureTime)
        {
            outcome = .failing(kept.models, age: age)
        } else {
            return false
        }
        if let owner { loop.atEndOfTurn(owner) }
        return true
    }

    /// How long ago that was; nil if it is too long, or has not been by this clock.
    private func age(_ seconds: Int, below limit: Duration) -> Duration? {
        let age = Duration.seconds(loop.secondsSince1970 - seconds)
        return age >= .zero && age < limit ? age : nil
    }

    /// What came, once.
    func takeOutcome() -> Outcome? {
        if let outcome {
            self.outcome = nil
            return outcome
        }
        switch call.takeOutcome() {
        case .page(let page): return .page(page)
        case .failed(let failure): return .failed(failure)
        case nil: return nil
        }
    }

    /// The list is whole: others need not ask. What cannot be written they ask for themselves.
    func finished(_ models: [CatalogModel]) {
        guard let file, file.isLocked else { return }
        _ = file.write(KeptModelList(models: models, fetchedAt: loop.secondsSince1970))
        file.unlock()
    }

    /// It could not be had: others need not try just now.
    /// - Returns: what was told before, if that is known.
    func failed() -> [CatalogModel]? {
        guard let file else { return nil }
        var kept = file.read() ?? KeptModelList()
        guard file.isLocked else { return kept.models }
        kept.failedAt = loop.secondsSince1970
        _ = file.write(kept)
        file.unlock()
        return kept.models
    }

    /// Stops; no outcome follows.
    func cancel() {
        call.cancel()
        timer?.cancel()
        timer = nil
        file?.unlock()
        outcome = nil
    }
}
