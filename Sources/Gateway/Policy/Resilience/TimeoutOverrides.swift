// TimeoutOverrides.swift — the clocks that an operator sets for one model, above its provider's.
// Pure value, carried by a route. Imported by Exchange and Config.

import ReactorCore

/// Nil: as the provider says.
package struct TimeoutOverrides: Equatable, Sendable {
    // In nanoseconds, because it is copied on every request; 0 is nil.
    private var connectNanoseconds: Int64 = 0
    /// Negative: computed, whatever the provider says.
    private var headNanoseconds: Int64 = 0
    private var idleNanoseconds: Int64 = 0
    private var totalNanoseconds: Int64 = 0

    package init() {}

    package var isEmpty: Bool {
        connectNanoseconds | headNanoseconds | idleNanoseconds | totalNanoseconds == 0
    }

    package var connect: Duration? {
        get { Self.duration(connectNanoseconds) }
        set { connectNanoseconds = newValue?.nanoseconds ?? 0 }
    }
    /// The inner nil: computed.
    package var head: Duration?? {
        get {
            headNanoseconds < 0 ? .some(nil) : Self.duration(headNanoseconds).map { .some($0) }
        }
        set {
            guard let newValue else { return headNanoseconds = 0 }
            headNanoseconds = newValue?.nanoseconds ?? -1
        }
    }
    package var idle: Duration? {
        get { Self.duration(idleNanoseconds) }
        set { idleNanoseconds = newValue?.nanoseconds ?? 0 }
    }
    package var total: Duration? {
        get { Self.duration(totalNanoseconds) }
        set { totalNanoseconds = newValue?.nanoseconds ?? 0 }
    }

    private static func duration(_ nanoseconds: Int64) -> Duration? {
        nanoseconds == 0 ? nil : .nanoseconds(nanoseconds)
    }
}

extension TimeoutPolicy {
    /// These clocks with `overrides` above them.
    package func overridden(by overrides: TimeoutOverrides) -> TimeoutPolicy {
        var policy = self
        if let connect = overrides.connect { policy.connect = connect }
        if let head = overrides.head { policy.head = head }
        if let idle = overrides.idle { policy.idle = idle }
        if let total = overrides.total { policy.total = total }
        return policy
    }
}
