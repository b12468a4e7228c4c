// TokenPlay.swift — a TokenMachine with a virtual clock, a file and an endpoint: what TokenSource does,
// without a socket, and with a check of its own on every action.

import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

struct TokenPlay {
    var machine: TokenMachine
    /// Seconds since 1970 by the wall clock, which tests set.
    var wall = 1_767_225_600
    var monotonic = Instant(nanoseconds: 5_000_000_000_000)

    var file: AccessToken?
    /// Whether another worker holds the lock.
    var isLocked = false
    /// Requests that the endpoint has got and not answered: never more than one.
    private(set) var pending = 0
    private(set) var requestCount = 0
    private(set) var holdsLock = false
    private(set) var waiting = 0
    private(set) var served: [TokenLease] = []
    private(set) var failures: [Failure] = []

    init(_ policy: TokenPolicy = TokenPolicy()) {
        machine = TokenMachine(name: "acme", policy: policy)
    }

    var now: TokenTime { TokenTime(seconds: wall, instant: monotonic) }

    func token(_ text: String, lasting seconds: Int) -> AccessToken {
        AccessToken(secret: Secret(text), createdAt: wall, expiresAt: wall + seconds)
    }

    // MARK: Events

    /// A request's token, its refusal, or nil while it waits.
    mutating func ask() -> Result<TokenLease, Failure>? {
        let (verdict, action) = machine.requestArrived(now: now)
        defer { perform(action) }
        switch verdict {
        case .lease(let lease): return .success(lease)
        case .wait:
            waiting += 1
            return nil
        case .refuse(let failure): return .failure(failure)
        }
    }

    mutating func lease() -> String? { try? ask()?.get().token.secret.withBytes { $0.string } }

    mutating func refusal() -> Failure? {
        if case .failure(let failure) = ask() { failure } else { nil }
    }

    mutating func answer(_ token: AccessToken) {
        pending -= 1
        perform(machine.obtained(token, now: now))
    }

    mutating func fail(_ failure: TokenFailure) {
        pending -= 1
        perform(machine.failed(failure, now: now))
    }

    mutating func reject(_ generation: Int) {
        perform(machine.rejected(generation: generation, now: now))
    }

    /// Lets time pass on both clocks, with every timer on its way.
    mutating func pass(_ duration: Duration) {
        let end = monotonic + duration
        while machine.deadline <= end {
            advance(to: max(machine.deadline, monotonic))
            let before = machine.deadline
            perform(machine.timePassed(now: now))
            guard machine.deadline != before || machine.deadline > monotonic else {
                Issue.record("a timer that does not move")
                return
            }
        }
        advance(to: end)
    }

    private var rest: UInt64 = 0
    private mutating func advance(to instant: Instant) {
        rest += instant.nanoseconds(since: monotonic)
        wall += Int(rest / 1_000_000_000)
        rest %= 1_000_000_000
        monotonic = instant
    }

    // MARK: The shell

    private mutating func perform(_ first: TokenMachine.Action) {
        var action = first
        while true {
            switch action {
            case .none:
                serve()
                return
            case .readFile: action = machine.fileRead(file, now: now)
            case .lock:
                #expect(!holdsLock)
                if isLocked {
                    action = machine.lockBusy(file, now: now)
                } else {
                    holdsLock = true
                    action = machine.lockTaken(file, now: now)
                }
            case .request:
                #expect(pending == 0)
                pending += 1
                requestCount += 1
                action = .none
            case .store(let token):
                if holdsLock { file = token }
                holdsLock = false
                action = .none
            case .unlock:
                #expect(holdsLock)
                holdsLock = false
                action = .none
            case .giveUp(let failure):
                holdsLock = false
                failures += Array(repeating: failure, count: waiting)
                waiting = 0
                action = .none
            }
        }
    }

    private mutating func serve() {
        guard waiting > 0, let lease = machine.lease(now: now) else { return }
        served += Array(repeating: lease, count: waiting)
        waiting = 0
    }
}

extension TokenFailure {
    static let refused = TokenFailure(.refused, "host answered with status 400: invalid_grant")
    static let fault = TokenFailure(.fault, "host answered with status 500")
}
