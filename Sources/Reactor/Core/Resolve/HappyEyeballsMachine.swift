// HappyEyeballsMachine.swift — in which order and when to try the addresses of a name.
// Pure value; Connector asks it and obeys.

/// Connection attempts staggered over both address families (RFC 8305 sections 4 and 5).
public struct HappyEyeballsMachine {
    /// An address family.
    public enum Family: Sendable {
        /// IPv4.
        case v4
        /// IPv6.
        case v6
    }

    /// What to do next.
    public enum Action: Equatable, Sendable {
        /// Try the address with this index, beside what is already under way.
        case attempt(Int)
        /// Nothing, until an attempt ends or `nextDeadline`.
        case wait
        /// Every address has failed.
        case fail
    }

    /// The pause between the starts of two attempts (RFC 8305 section 8).
    public static let attemptDelay: Duration = .milliseconds(250)

    private var order: [Int]
    private var next = 0
    private var running = 0
    /// When the next attempt is due though none has failed; `.never` when none is left.
    public private(set) var nextDeadline = Instant.never

    /// Orders the addresses: IPv6 first, then the families in turn, the resolver's order kept
    /// within each.
    public init(families: [Family]) {
        let v6 = families.indices.filter { families[$0] == .v6 }
        let v4 = families.indices.filter { families[$0] == .v4 }
        order = []
        for index in 0..<max(v4.count, v6.count) {
            if index < v6.count { order.append(v6[index]) }
            if index < v4.count { order.append(v4[index]) }
        }
    }

    /// Begins.
    public mutating func start(now: Instant) -> Action { advance(now: now) }

    /// An attempt failed: the next begins at once.
    public mutating func attemptFailed(_ index: Int, now: Instant) -> Action {
        running -= 1
        return advance(now: now)
    }

    /// Time has passed.
    public mutating func timePassed(now: Instant) -> Action {
        nextDeadline <= now ? advance(now: now) : .wait
    }

    private mutating func advance(now: Instant) -> Action {
        guard next < order.count else {
            nextDeadline = .never
            return running > 0 ? .wait : .fail
        }
        defer { next += 1 }
        running += 1
        nextDeadline = next + 1 < order.count ? now + Self.attemptDelay : .never
        return .attempt(order[next])
    }
}
