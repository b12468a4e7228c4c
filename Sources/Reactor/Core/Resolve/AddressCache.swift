// AddressCache.swift — what the resolver said, for a while. Pure value.

/// Answers of the name resolver by host. getaddrinfo tells no time to live, so a fixed one is used.
public struct AddressCache<Addresses: Sendable> {
    /// What is known of a host.
    public enum Answer {
        /// Use these.
        case fresh(Addresses)
        /// Use these, and ask again meanwhile.
        case stale(Addresses)
        /// It failed a moment ago, for this reason.
        case failed(String)
        /// Ask.
        case missing
    }

    private struct Entry {
        var addresses: Addresses?
        var reason = ""
        var until: Instant
    }

    /// Hosts remembered; above it all are forgotten.
    static var entryCountMax: Int { 1024 }
    /// How long an answer is fresh.
    static var freshTime: Duration { .seconds(30) }
    /// How long behind that it is used while a new one is sought.
    static var staleTime: Duration { .seconds(300) }
    /// How long a failure is believed.
    static var failureTime: Duration { .seconds(2) }

    private var entries: [String: Entry] = [:]

    /// An empty cache.
    public init() {}

    /// Looks `host` up.
    public func lookUp(_ host: String, now: Instant) -> Answer {
        guard let entry = entries[host] else { return .missing }
        guard let addresses = entry.addresses else {
            return now < entry.until ? .failed(entry.reason) : .missing
        }
        if now < entry.until { return .fresh(addresses) }
        return now < entry.until + Self.staleTime ? .stale(addresses) : .missing
    }

    /// Remembers an answer.
    public mutating func store(_ addresses: Addresses, for host: String, now: Instant) {
        put(Entry(addresses: addresses, until: now + Self.freshTime), for: host)
    }

    /// Remembers a failure. Addresses known before outlive it while they are stale at most.
    public mutating func storeFailure(_ reason: String, for host: String, now: Instant) {
        if let known = entries[host], known.addresses != nil, now < known.until + Self.staleTime {
            return
        }
        put(Entry(addresses: nil, reason: reason, until: now + Self.failureTime), for: host)
    }

    private mutating func put(_ entry: Entry, for host: String) {
        if entries.count >= Self.entryCountMax, entries[host] == nil { entries.removeAll() }
        entries[host] = entry
    }
}
