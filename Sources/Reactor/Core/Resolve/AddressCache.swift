// AddressCache.swift — what a resolver answered, for as long as it may be used.
// Pure value: resolves nothing, reads no clock. Imported by Reactor's resolver.

/// Bounds and times of an `AddressCache`.
public struct AddressCacheLimits: Equatable, Sendable {
    /// Hosts remembered; above it the one whose answer is oldest makes room.
    public var entriesMax: Int
    /// How long an answer is fresh.
    public var positiveTime: Duration
    /// How long a failure is remembered, and how long a failed refresh is not repeated.
    public var negativeTime: Duration
    /// How long an answer that is not fresh any more is still used while a new one is fetched.
    public var staleTime: Duration

    /// Limits with the defaults of a client that talks to few hosts often.
    public init(
        entriesMax: Int = 1024, positiveTime: Duration = .seconds(30),
        negativeTime: Duration = .seconds(2), staleTime: Duration = .seconds(300)
    ) {
        precondition(entriesMax > 0)
        self.entriesMax = entriesMax
        self.positiveTime = positiveTime
        self.negativeTime = negativeTime
        self.staleTime = staleTime
    }
}

/// Resolver answers by host name, with one query at a time for each host.
///
/// A host is unknown; asked for the first time; answered, fresh or stale, with or without a
/// refresh under way; or failed. Answers are of any type; failures are a code of the resolver's.
public struct AddressCache<Value> {
    /// What to do about a host.
    public enum Answer {
        /// Use this.
        case use(Value)
        /// Use this, and ask the resolver again meanwhile.
        case useAndRefresh(Value)
        /// Ask the resolver, and wait for what it says.
        case resolve
        /// The resolver has been asked: wait for what it says.
        case wait
        /// It failed with this code a moment ago.
        case failed(Int32)
    }

    private struct Entry {
        var value: Value?
        var failure: Int32 = 0
        /// Until then nobody is asked again.
        var freshUntil: Instant
        /// Until then `value` may be used.
        var usableUntil: Instant
        var isAsked: Bool
    }

    /// The bounds it keeps.
    public let limits: AddressCacheLimits
    private var entries: [String: Entry] = [:]

    /// An empty cache.
    public init(limits: AddressCacheLimits = AddressCacheLimits()) { self.limits = limits }

    /// Hosts remembered.
    public var count: Int { entries.count }

    /// Somebody needs the addresses of `host`.
    public mutating func lookUp(_ host: String, now: Instant) -> Answer {
        guard var entry = entries[host] else {
            // When all others are being asked for, this one is asked for without being remembered.
            if makeRoom() {
                entries[host] = Entry(freshUntil: now, usableUntil: now, isAsked: true)
            }
            return .resolve
        }
        let usable = now < entry.usableUntil ? entry.value : nil
        if now < entry.freshUntil {
            return usable.map { .use($0) } ?? .failed(entry.failure)
        }
        let wasAsked = entry.isAsked
        entry.value = usable
        entry.isAsked = true
        entries[host] = entry
        if let usable { return wasAsked ? .use(usable) : .useAndRefresh(usable) }
        return wasAsked ? .wait : .resolve
    }

    /// The resolver answered.
    public mutating func resolved(_ host: String, _ value: Value, now: Instant) {
        guard entries[host] != nil || makeRoom() else { return }
        let freshUntil = now + limits.positiveTime
        entries[host] = Entry(
            value: value, freshUntil: freshUntil, usableUntil: freshUntil + limits.staleTime,
            isAsked: false)
    }

    /// The resolver failed. An older answer that may still be used outlives that.
    public mutating func failed(_ host: String, code: Int32, now: Instant) {
        guard entries[host] != nil || makeRoom() else { return }
        var entry = entries[host] ?? Entry(freshUntil: now, usableUntil: now, isAsked: false)
        entry.failure = code
        entry.freshUntil = now + limits.negativeTime
        entry.isAsked = false
        entries[host] = entry
    }

    /// The addresses of `host` turned out to be of no use: the next one who needs them asks.
    public mutating func forget(_ host: String) {
        guard let entry = entries[host] else { return }
        if entry.isAsked { entries[host]?.value = nil } else { entries[host] = nil }
    }

    /// Drops the entry that was fresh the longest ago, if there are too many; false if all are
    /// being asked for.
    private mutating func makeRoom() -> Bool {
        guard entries.count >= limits.entriesMax else { return true }
        let oldest = entries.lazy.filter { !$0.value.isAsked }
            .min { $0.value.freshUntil < $1.value.freshUntil }
        guard let oldest else { return false }
        entries[oldest.key] = nil
        return true
    }
}

extension AddressCache.Answer: Sendable where Value: Sendable {}
extension AddressCache.Answer: Equatable where Value: Equatable {}
