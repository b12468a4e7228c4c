// LentHosts.swift — where requests go whose credential names the host that takes it: an org of
// Salesforce's says where its models are. A shell; made by Config, asked by Exchange.

import GatewayProviders
import GatewayTelemetry
import Reactor
import ReactorCore

/// Hosts by name, each with its pool.
package final class LentHosts {
    /// Hosts of one provider; a further one is not gone to. An org moves seldom.
    static let countMax = 4

    private let make: (String) -> (HTTPOrigin, RequestHead)?
    private var places: [(host: String, place: UpstreamPlace)] = []

    /// - Parameter make: reaches `host` or `host:port`; nil if that cannot be.
    package init(make: @escaping (String) -> (HTTPOrigin, RequestHead)?) { self.make = make }

    /// The place of a host; nil above the bound, or if it is none.
    func place(_ host: String) -> UpstreamPlace? {
        if let known = places.first(where: { $0.host == host }) { return known.place }
        guard places.count < Self.countMax, let (origin, head) = make(host) else { return nil }
        let place = UpstreamPlace(origin, head)
        places.append((host, place))
        return place
    }

    /// Of all their pools.
    package var counters: PoolCounters {
        var sum = PoolCounters()
        for (_, place) in places { sum += place.origin.counters }
        return sum
    }

    /// Closes every connection. No call may be running.
    func close() {
        for (_, place) in places { place.origin.close() }
        places = []
    }
}
