// TimeoutOverridesTests.swift — the clocks of one model above those of its provider, key by key.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TimeoutOverridesTests {
    private var provider: TimeoutPolicy {
        var policy = TimeoutPolicy()
        policy.connect = .seconds(1)
        policy.head = .seconds(2)
        policy.idle = .seconds(3)
        policy.total = .seconds(4)
        return policy
    }

    @Test func nothingSaidChangesNothing() {
        let overrides = TimeoutOverrides()
        #expect(overrides.isEmpty)
        #expect(overrides.connect == nil && overrides.head == nil)
        #expect(overrides.idle == nil && overrides.total == nil)
        #expect(provider.overridden(by: overrides) == provider)
    }

    @Test func eachClockIsItsOwn() {
        func check(
            _ set: (inout TimeoutOverrides) -> Void, _ expected: (inout TimeoutPolicy) -> Void
        ) {
            var overrides = TimeoutOverrides()
            set(&overrides)
            var policy = provider
            expected(&policy)
            #expect(!overrides.isEmpty)
            #expect(provider.overridden(by: overrides) == policy)
            #expect(policy != provider)
        }
        check({ $0.connect = .seconds(9) }, { $0.connect = .seconds(9) })
        check({ $0.head = .seconds(9) }, { $0.head = .seconds(9) })
        check({ $0.head = .some(nil) }, { $0.head = nil })
        check({ $0.idle = .seconds(9) }, { $0.idle = .seconds(9) })
        check({ $0.total = .seconds(9) }, { $0.total = .seconds(9) })
    }

    @Test func whatWasSetIsRead() {
        var overrides = TimeoutOverrides()
        overrides.head = .some(nil)
        #expect(overrides.head == .some(nil) && overrides.head != nil)
        overrides.head = .seconds(5)
        #expect(overrides.head == .seconds(5))
        overrides.head = nil
        overrides.total = .milliseconds(1)
        #expect(overrides.total == .milliseconds(1))
        overrides.total = nil
        #expect(overrides.isEmpty)
    }
}
