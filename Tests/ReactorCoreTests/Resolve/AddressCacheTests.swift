// AddressCacheTests.swift — how long an answer of the resolver is believed.

import ReactorCore
import Testing

@Suite struct AddressCacheTests {
    private func at(_ seconds: Int) -> Instant { Instant(nanoseconds: 9) + .seconds(seconds) }

    private func text(_ answer: AddressCache<[Int]>.Answer) -> String {
        switch answer {
        case .fresh(let addresses): "fresh \(addresses)"
        case .stale(let addresses): "stale \(addresses)"
        case .failed(let reason): "failed \(reason)"
        case .missing: "missing"
        }
    }

    @Test func answersAge() {
        var cache = AddressCache<[Int]>()
        #expect(text(cache.lookUp("a", now: at(0))) == "missing")
        cache.store([1, 2], for: "a", now: at(0))
        #expect(text(cache.lookUp("a", now: at(29))) == "fresh [1, 2]")
        #expect(text(cache.lookUp("a", now: at(30))) == "stale [1, 2]")
        #expect(text(cache.lookUp("a", now: at(329))) == "stale [1, 2]")
        #expect(text(cache.lookUp("a", now: at(330))) == "missing")
        #expect(text(cache.lookUp("b", now: at(0))) == "missing")
        cache.store([3], for: "a", now: at(40))
        #expect(text(cache.lookUp("a", now: at(41))) == "fresh [3]")
    }

    @Test func failuresAreForgottenSoon() {
        var cache = AddressCache<[Int]>()
        cache.storeFailure("no", for: "a", now: at(0))
        #expect(text(cache.lookUp("a", now: at(1))) == "failed no")
        #expect(text(cache.lookUp("a", now: at(2))) == "missing")
        cache.store([1], for: "a", now: at(3))
        cache.storeFailure("no", for: "a", now: at(40))
        #expect(text(cache.lookUp("a", now: at(41))) == "stale [1]")
    }

    /// Addresses too old to be used must not hide a failure, or every call would ask again.
    @Test func aFailureReplacesAddressesThatAreTooOld() {
        var cache = AddressCache<[Int]>()
        cache.store([1], for: "a", now: at(0))
        cache.storeFailure("no", for: "a", now: at(1000))
        #expect(text(cache.lookUp("a", now: at(1001))) == "failed no")
    }

    @Test func isBounded() {
        var cache = AddressCache<[Int]>()
        for index in 0..<5000 { cache.store([index], for: "host\(index)", now: at(0)) }
        var known = 0
        for index in 0..<5000 where text(cache.lookUp("host\(index)", now: at(1))) != "missing" {
            known += 1
        }
        #expect(known > 0 && known <= 1024)
    }
}
