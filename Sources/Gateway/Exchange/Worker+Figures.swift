// Worker+Figures.swift — tells all workers how this one's pools and access tokens stand. Asked each second,
// and whenever somebody wants to know: never on the way of a request.

import GatewayPolicy
import GatewayTelemetry
import Reactor
import ReactorCore

/// The sums of one upstream that are among its provider's figures already: a reload makes upstreams that
/// begin at zero under names that do not.
struct ToldFigures {
    /// Where its provider's figures are; nil before it was told the first time.
    var place: Int?
    var pool = PoolCounters()
    var generations = 0
    var leases = 0
    var hits = 0
}

extension Worker {
    /// Tells the state of this moment.
    package func publishProviders() {
        let figures = metrics.figures
        for upstream in snapshot.upstreams where upstream.told.place == nil {
            // Without a place there never will be one.
            upstream.told.place = figures.place(ofProvider: upstream.name) ?? .max
        }
        // Sums go on, and what is held is counted anew: of a provider that is gone nothing is.
        var next = figures.providers.map(\.pointee)
        for place in next.indices { next[place].clear() }
        for old in retired where !old.isClosed {
            for upstream in old.snapshot.upstreams {
                if let place = upstream.told.place, place < next.count {
                    upstream.tell(&next[place])
                }
            }
        }
        for upstream in snapshot.upstreams {
            guard let place = upstream.told.place, place < next.count else { continue }
            upstream.tell(&next[place])
            upstream.tellState(&next[place].token, now: loop.secondsSince1970)
        }
        for (place, figures) in zip(figures.providers, next) { place.pointee = figures }
    }
}

extension Upstream {
    /// All its connections, wherever they go; nil for the simulator.
    package var poolCounters: PoolCounters? {
        guard case .network(let origin, _) = transport else { return nil }
        var counters = origin.counters
        if let lentHosts { counters += lentHosts.counters }
        return counters
    }

    /// Adds what its pool holds, and what it has done since it was told last.
    func tell(_ figures: inout ProviderFigures) {
        if let counters = poolCounters {
            figures.add(counters, told: told.pool)
            told.pool = counters
        }
        guard let tokens else { return }
        let generation = tokens.state.generation
        figures.token.generations += generation - told.generations
        figures.token.leases += tokens.leaseCount - told.leases
        figures.token.hits += tokens.hitCount - told.hits
        told.generations = generation
        told.leases = tokens.leaseCount
        told.hits = tokens.hitCount
        figures.token.waiting += tokens.waitingCount
    }

    /// Sets how its token stands. Those of former configurations do not matter.
    fileprivate func tellState(_ figures: inout TokenFigures, now: Int) {
        guard let state = tokens?.state else { return }
        figures.state = TokenFigures.State(state.phase).rawValue
        figures.isUsable = state.isUsable ? 1 : 0
        figures.createdAt = state.createdAt ?? 0
        figures.expiresAt = state.expiresAt ?? 0
        figures.retryAt = state.retryIn.map { now + $0 } ?? 0
        figures.secretBytes = state.secretBytes ?? 0
    }
}

extension TokenFigures.State {
    fileprivate init(_ phase: TokenState.Phase) {
        self =
            switch phase {
            case .empty: .empty
            case .loading: .loading
            case .valid: .valid
            case .refreshing: .refreshing
            case .waiting: .waiting
            case .broken: .broken
            }
    }
}
