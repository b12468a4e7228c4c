// TargetGroup.swift — a model that several targets can answer: in which order they are asked.
// Pure values: draws and loads are handed in. Imported by Exchange and Config.

import GatewayModel

/// How a group of targets is chosen from.
package enum TargetStrategy: String, CaseIterable, Sendable {
    /// In the order in which they are written.
    case priority
    /// By lot, each with its weight.
    case weighted
    /// Each worker begins with the next one.
    case roundRobin = "round_robin"
    /// The one whose provider has the fewest requests of this worker's.
    case leastBusy = "least_busy"
}

/// A model at a provider.
package struct Target: Equatable, Sendable {
    /// Index of the provider.
    package var provider: Int
    /// The model's name there; nil: the client's.
    package var upstreamModel: String?
    /// Its share under `weighted`, at least 1.
    package var weight: Int

    package init(provider: Int, upstreamModel: String?, weight: Int = 1) {
        self.provider = provider
        self.upstreamModel = upstreamModel
        self.weight = weight
    }
}

/// What a line of the model table says that has more than one way to be answered.
package struct TargetGroup: Equatable, Sendable {
    /// Never empty.
    package var targets: [Target]
    package var strategy: TargetStrategy
    /// Models to ask when no target has answered, by the names that clients use.
    package var fallbacks: [String]
    /// Further tries of one target; nil: as its provider says.
    package var retries: Int?

    package init(
        targets: [Target], strategy: TargetStrategy = .priority, fallbacks: [String] = [],
        retries: Int? = nil
    ) {
        precondition(!targets.isEmpty, "a group without targets")
        self.targets = targets
        self.strategy = strategy
        self.fallbacks = fallbacks
        self.retries = retries
    }

    /// The targets' places in the order in which they are to be asked.
    ///
    /// - Parameters:
    ///   - turn: counts the requests of the group.
    ///   - draw: random numbers in 0..<1.
    ///   - load: the requests that a provider has now.
    package func order(
        turn: Int, draw: () -> Double, load: (_ provider: Int) -> Int
    ) -> [Int] {
        let ring = targets.indices.map { (turn % targets.count + $0) % targets.count }
        switch strategy {
        case .priority: return Array(targets.indices)
        case .roundRobin: return ring
        case .leastBusy:
            // Among equals the next one, or all of a quiet gateway's requests would go to the first.
            let loads = ring.map { load(targets[$0].provider) }
            return ring.indices
                .sorted { (loads[$0], $0) < (loads[$1], $1) }
                .map { ring[$0] }
        case .weighted: return draws(draw)
        }
    }

    /// Draws all of them, one after the other.
    private func draws(_ draw: () -> Double) -> [Int] {
        var left = Array(targets.indices)
        var order: [Int] = []
        while left.count > 1 {
            let sum = left.reduce(0) { $0 + targets[$1].weight }
            var ticket = Int(draw() * Double(sum))
            let found = left.firstIndex { place in
                ticket -= targets[place].weight
                return ticket < 0
            }
            order.append(left.remove(at: found ?? left.count - 1))
        }
        return order + left
    }
}
