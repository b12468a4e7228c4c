// HappyEyeballsMachine.swift — in which order and when the addresses of one host are tried
// (RFC 8305, sections 4 and 5). Pure value: opens nothing. Imported by Reactor's client.

/// A race of connection attempts to the addresses of one host; the first to succeed wins.
///
/// Addresses are named by their place in the list that the machine was made from. The caller
/// carries out every answer at once: `start` this one, or, at the end, cancel what still runs.
public struct HappyEyeballsMachine: Sendable {
    /// The family of an address.
    public enum Family: Equatable, Sendable {
        /// IPv4.
        case v4
        /// IPv6.
        case v6
    }

    /// What to do next.
    public enum Action: Equatable, Sendable {
        /// Wait for one of the running attempts, or for `nextDeadline`.
        case wait
        /// Begin an attempt at this address.
        case start(Int)
        /// All attempts have failed, or there is no address.
        case fail
        /// The race was over already: close what this attempt has opened, if anything.
        case ignore
    }

    private enum State {
        /// -> racing on `start`; -> failed without addresses.
        case idle
        /// -> won on the first success; -> failed when no attempt runs and none is left.
        case racing
        case won
        case failed
    }

    /// Addresses behind this many are left out.
    public static let addressesMax = 64

    /// The addresses in the order in which they are tried.
    public let order: [Int]
    /// How long an attempt runs alone before the next one joins it.
    public let delay: Duration
    /// The attempts that run now.
    public private(set) var running = AttemptSet()
    /// When `timePassed` must be called; `.never` when nothing waits for time.
    public private(set) var nextDeadline = Instant.never

    private var state = State.idle
    private var started = 0

    /// A race over addresses of these families, in the resolver's order of preference.
    public init(families: [Family], delay: Duration = .milliseconds(250)) {
        order = Self.interleaved(Array(families.prefix(Self.addressesMax)))
        self.delay = delay
    }

    /// The race begins.
    public mutating func start(now: Instant) -> Action {
        guard case .idle = state else { preconditionFailure("start in \(state)") }
        state = .racing
        return startNext(now: now)
    }

    /// An attempt failed; the next one need not wait for its time.
    public mutating func attemptFailed(_ address: Int, now: Instant) -> Action {
        guard running.remove(address) else { return .ignore }
        return startNext(now: now)
    }

    /// An attempt succeeded. True if it is the first: its connection is taken, and those in
    /// `running` are to be cancelled. False if the race is over: close the connection.
    public mutating func attemptSucceeded(_ address: Int) -> Bool {
        guard running.remove(address), case .racing = state else { return false }
        state = .won
        nextDeadline = .never
        return true
    }

    /// Time went by.
    public mutating func timePassed(now: Instant) -> Action {
        guard case .racing = state, nextDeadline <= now else { return .wait }
        return startNext(now: now)
    }

    /// The race is given up; those in `running` are to be cancelled.
    public mutating func cancel() {
        state = .failed
        nextDeadline = .never
    }

    private mutating func startNext(now: Instant) -> Action {
        guard case .racing = state else { return .ignore }
        guard started < order.count else {
            nextDeadline = .never
            guard running.isEmpty else { return .wait }
            state = .failed
            return .fail
        }
        let address = order[started]
        started += 1
        running.insert(address)
        nextDeadline = started < order.count ? now + delay : .never
        return .start(address)
    }

    /// Families by turns, IPv6 first, each in its own order.
    private static func interleaved(_ families: [Family]) -> [Int] {
        let sixes = families.indices.filter { families[$0] == .v6 }
        let fours = families.indices.filter { families[$0] == .v4 }
        var order: [Int] = []
        for turn in 0..<max(sixes.count, fours.count) {
            if turn < sixes.count { order.append(sixes[turn]) }
            if turn < fours.count { order.append(fours[turn]) }
        }
        return order
    }
}

/// A set of addresses by their place in the list, in rising order.
public struct AttemptSet: Sequence, IteratorProtocol, Equatable, Sendable {
    private var bits: UInt64 = 0

    /// Whether it holds none.
    public var isEmpty: Bool { bits == 0 }

    /// Takes out the lowest.
    public mutating func next() -> Int? {
        guard bits != 0 else { return nil }
        let lowest = bits.trailingZeroBitCount
        bits &= bits - 1
        return lowest
    }

    mutating func insert(_ address: Int) { bits |= 1 << UInt64(address) }

    /// Whether it was there.
    mutating func remove(_ address: Int) -> Bool {
        guard address >= 0, address < 64, bits & (1 << UInt64(address)) != 0 else { return false }
        bits &= ~(1 << UInt64(address))
        return true
    }
}
