// ResilienceConfiguration.swift — what becomes of a provider's failures, as values with their defaults.

import GatewayPolicy
import GatewayProviders

/// Tries and breaker of a provider.
package struct ResilienceConfiguration: Equatable, Sendable {
    /// Tries of a request beyond the first.
    package var retries = 0
    package var breaker = BreakerConfiguration()

    package init() {}
}

/// When a provider is left alone.
package struct BreakerConfiguration: Equatable, Sendable {
    package enum Mode: String, CaseIterable, Sendable {
        /// On where a model that has another target names the provider.
        case auto
        case on
        case off
    }

    package var mode = Mode.auto
    package var policy = BreakerPolicy()

    package init() {}
}

/// The simulator as a provider.
package struct SimulatorConfiguration: Sendable {
    package var script = SimulatorSettings()
    package var resilience = ResilienceConfiguration()

    package init() {}
}
