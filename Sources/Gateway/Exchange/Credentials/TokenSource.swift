// TokenSource.swift — the shell around TokenMachine: the token of one credential, for all requests of
// a worker. It runs the grant over HTTP, keeps the file and the timer, and calls back who waits.
// Made by Config, asked by Exchange.

import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// Who waits for a token. Called at the end of a turn, once.
package protocol TokenWaiter: AnyObject {
    func tokenArrived(_ lease: TokenLease)
    func tokenFailed(_ failure: Failure)
}

/// What is worth a line in the log.
package enum TokenEvent: Equatable {
    /// Good for so many seconds.
    case obtained(expiresIn: Int)
    /// Another worker's token was in the file.
    case shared(expiresIn: Int)
    case attemptFailed(TokenFailure)
    case gaveUp(Failure, retryIn: Int)
    case rejected
    /// The file cannot be used: why. The token is kept in memory only.
    case fileFailed(String)

    /// A sentence about the provider's token, without any secret.
    package func text(provider: String) -> String {
        switch self {
        case .obtained(let seconds):
            "Access token for '\(provider)' obtained; it expires in \(seconds) s."
        case .shared(let seconds):
            "Access token for '\(provider)' read from its file; it expires in \(seconds) s."
        case .attemptFailed(let failure):
            "An attempt to obtain the access token for '\(provider)' failed: \(failure.reason)."
        case .gaveUp(let failure, let seconds):
            "\(failure.message) The next try is in \(seconds) s."
        case .rejected:
            "Authentication error detected: '\(provider)' did not accept the access token."
        case .fileFailed(let reason):
            "The token file of '\(provider)' cannot be used: \(reason)."
        }
    }
}

extension ClientClocks {
    /// Of what the gateway asks providers for itself: tokens and lists of models.
    static let inBackground: ClientClocks = {
        var clocks = ClientClocks()
        clocks.connect = .seconds(10)
        clocks.head = .seconds(15)
        clocks.idle = .seconds(15)
        clocks.total = .seconds(30)
        return clocks
    }()
}

/// One credential's tokens.
package final class TokenSource {
    /// Requests that may wait for a token; a further one is refused.
    package static let waitingMax = 10_000
    /// The clocks of one request to an endpoint.
    package static let clocks = ClientClocks.inBackground

    package let name: String
    private unowned(unsafe) let loop: EventLoop
    private let onEvent: (TokenEvent) -> Void
    private var machine: TokenMachine
    private var grant: TokenGrant
    private let file: TokenFile?
    private let origins: TokenOrigins
    private var call: TokenCall?
    private var timer: LoopTimer?
    private var waiting = TokenWaiterQueue()
    /// Who is told a failure at the end of the turn.
    private var failing = TokenWaiterQueue()
    private var isClosed = false
    /// Whose tokens these are.
    let identity: SHA256Digest
    /// Requests that wanted a token, and those of them that had it at once.
    package private(set) var leaseCount = 0
    package private(set) var hitCount = 0

    /// - Parameters:
    ///   - name: the provider's, for messages.
    ///   - origins: this source's own; it closes them.
    ///   - onEvent: called within a turn; must not retain the source.
    package init(
        name: String, grant: TokenGrant, policy: TokenPolicy, file: TokenFile?,
        origins: TokenOrigins, userAgent: String, clocks: ClientClocks = TokenSource.clocks,
        onEvent: @escaping (TokenEvent) -> Void = { _ in }
    ) {
        loop = origins.loop
        self.name = name
        self.grant = grant
        identity = grant.identity
        self.file = file
        self.origins = origins
        self.onEvent = onEvent
        machine = TokenMachine(name: name, policy: policy)
        call = TokenCall(loop, owner: self, userAgent: userAgent, clocks: clocks)
        timer = LoopTimer(loop) { [unowned(unsafe) self] in timePassed() }
    }

    // MARK: Requests

    /// The token at hand. Nil: `waiter` is called back, unless it is forgotten before. To be called
    /// within a turn.
    package func lease(for waiter: any TokenWaiter) -> TokenLease? {
        leaseCount += 1
        switch verdict() {
        case .lease(let lease):
            hitCount += 1
            return lease
        case .refuse(let failure): refuse(waiter, failure)
        case .wait where waiting.count >= Self.waitingMax:
            refuse(
                waiter,
                Failure(
                    .overloaded, "Too many requests wait for the access token of '\(name)'.",
                    retryAfter: 1))
        case .wait: waiting.append(waiter)
        }
        return nil
    }

    private func verdict() -> TokenMachine.Verdict {
        if isClosed { return .refuse(Self.leaving) }
        let (verdict, action) = machine.requestArrived(now: now)
        guard action != .none else { return verdict }
        perform(action)
        // The file may have had a token, or the first step have failed.
        return machine.requestArrived(now: now).0
    }

    private static let leaving = Failure(
        .shuttingDown, "The gateway is shutting down.", retryAfter: 1)

    private func refuse(_ waiter: any TokenWaiter, _ failure: Failure) {
        failing.append(waiter, failure)
        loop.atEndOfTurn(self)
    }

    /// The request has gone: it is not called back.
    package func forget(_ waiter: any TokenWaiter) {
        waiting.remove(waiter)
        failing.remove(waiter)
    }

    /// The upstream answered 401 to the token of this generation. The caller then leases anew, once.
    package func rejected(generation: Int) {
        guard !isClosed, machine.lease(now: now)?.generation == generation else { return }
        onEvent(.rejected)
        perform(machine.rejected(generation: generation, now: now))
    }

    /// Whether a token that came behind that of this generation is at hand.
    package func hasNewer(than generation: Int) -> Bool {
        guard !isClosed, let lease = machine.lease(now: now) else { return false }
        return lease.generation > generation
    }

    /// Gets a token before the first request wants one.
    package func prepare() {
        _ = verdict()
    }

    /// The token in the file, whatever its state; nothing is asked for.
    package func stored() -> AccessToken? { file?.read() }

    package var state: TokenState { machine.state(now: now) }

    /// How many requests wait.
    package var waitingCount: Int { waiting.count + failing.count }

    private var now: TokenTime {
        TokenTime(seconds: loop.secondsSince1970, instant: loop.now)
    }

    /// Stops everything. Who waits is told that the gateway is going away.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        loop.withTurn {
            // Gone, and not only at rest: its clock would keep the loop alive.
            call?.cancel()
            call = nil
            timer?.cancel()
            timer = nil
            file?.unlock()
            origins.close()
            failAll(Self.leaving)
        }
    }

    // MARK: Obeying

    private func timePassed() {
        guard !isClosed else { return }
        perform(machine.timePassed(now: now))
    }

    private func perform(_ first: TokenMachine.Action) {
        guard !isClosed else { return }
        var action = first
        while action != .none { action = obey(action) }
        timer?.set(machine.deadline)
        if !waiting.isEmpty || !failing.isEmpty { loop.atEndOfTurn(self) }
    }

    /// Does one thing; what the machine wants behind it.
    private func obey(_ action: TokenMachine.Action) -> TokenMachine.Action {
        switch action {
        case .none: break
        case .readFile: return telling { machine.fileRead(file?.read(), now: now) }
        case .lock: return telling { lock() }
        case .request: return begin()
        case .store(let token):
            if let file, file.isLocked {
                if let reason = file.write(token) { onEvent(.fileFailed(reason)) }
                file.unlock()
            }
            onEvent(.obtained(expiresIn: token.expiresAt - loop.secondsSince1970))
        case .unlock: file?.unlock()
        case .giveUp(let failure):
            file?.unlock()
            onEvent(.gaveUp(failure, retryIn: machine.state(now: now).retryIn ?? 0))
            failAll(failure)
        }
        return .none
    }

    /// Says so if `event` brought a token that is another worker's.
    private func telling(_ event: () -> TokenMachine.Action) -> TokenMachine.Action {
        let before = machine.state(now: now).generation
        let action = event()
        let state = machine.state(now: now)
        if state.generation != before, let end = state.expiresAt {
            onEvent(.shared(expiresIn: end - loop.secondsSince1970))
        }
        return action
    }

    private func lock() -> TokenMachine.Action {
        guard let file else { return machine.lockTaken(nil, now: now) }
        switch file.lock() {
        case .taken: return machine.lockTaken(file.read(), now: now)
        case .busy: return machine.lockBusy(file.read(), now: now)
        case .unavailable(let reason):
            onEvent(.fileFailed(reason))
            return machine.lockTaken(file.read(), now: now)
        }
    }

    // MARK: The grant

    private func begin() -> TokenMachine.Action {
        withUnsafeTemporaryAllocation(
            byteCount: TokenGrant.randomBytesCount, alignment: 1
        ) { random in
            SecureRandom.fill(random)
            let bytes = ByteSlice(UnsafeRawBufferPointer(random))
            return take(grant.begin(now: loop.secondsSince1970, random: bytes))
        }
    }

    private func take(_ step: TokenStep) -> TokenMachine.Action {
        switch step {
        case .done(let token): return machine.obtained(token, now: now)
        case .failed(let failure):
            onEvent(.attemptFailed(failure))
            return machine.failed(failure, now: now)
        case .send(let request):
            guard let origin = origins.origin(for: request) else {
                return take(
                    .failed(
                        TokenFailure(.unreachable, "no connection to \(request.host) can be made")))
            }
            call?.start(request, on: origin)
            return .none
        }
    }

    // MARK: Who waits

    private func failAll(_ failure: Failure) {
        while let (waiter, _) = waiting.pop() { failing.append(waiter, failure) }
        if !failing.isEmpty { loop.atEndOfTurn(self) }
    }

    private func deliver() {
        // Those that come while others are told have a turn of their own.
        for _ in 0..<failing.count {
            guard let (waiter, failure) = failing.pop(), let failure else { break }
            waiter.tokenFailed(failure)
        }
        while !waiting.isEmpty, let lease = machine.lease(now: now) {
            waiting.pop()?.waiter.tokenArrived(lease)
        }
    }
}

extension TokenSource: Deferrable {
    package func turnEnding() {
        var step: TokenStep?
        let failure = call?.takeOutcome { status, fields, body in
            step = grant.answered(
                status: status, fields: fields, body: body, now: loop.secondsSince1970)
        }
        if let failure { step = .failed(failure) }
        if let step { perform(take(step)) }
        deliver()
    }
}

/// Requests in order of arrival, each of which may leave at any time.
struct TokenWaiterQueue {
    private var entries: [(waiter: any TokenWaiter, failure: Failure?)?] = []
    private var first = 0
    private var places: [ObjectIdentifier: Int] = [:]

    var count: Int { places.count }
    var isEmpty: Bool { places.isEmpty }

    mutating func append(_ waiter: any TokenWaiter, _ failure: Failure? = nil) {
        precondition(places[ObjectIdentifier(waiter)] == nil, "a request waits for a token twice")
        // Those that have left are dropped when they are more than those that wait.
        if entries.count > 2 * places.count + 64 { compact() }
        places[ObjectIdentifier(waiter)] = entries.count
        entries.append((waiter, failure))
    }

    mutating func remove(_ waiter: any TokenWaiter) {
        guard let place = places.removeValue(forKey: ObjectIdentifier(waiter)) else { return }
        entries[place] = nil
    }

    mutating func pop() -> (waiter: any TokenWaiter, failure: Failure?)? {
        while first < entries.count {
            defer { first += 1 }
            guard let entry = entries[first] else { continue }
            entries[first] = nil
            places[ObjectIdentifier(entry.waiter)] = nil
            return entry
        }
        entries.removeAll()
        first = 0
        return nil
    }

    private mutating func compact() {
        entries = entries.filter { $0 != nil }
        first = 0
        for (place, entry) in entries.enumerated() {
            if let entry { places[ObjectIdentifier(entry.waiter)] = place }
        }
    }
}
