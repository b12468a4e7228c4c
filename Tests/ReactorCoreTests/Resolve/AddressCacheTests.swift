import ReactorCore
import Testing

@Suite struct AddressCacheTests {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private func after(_ seconds: Double) -> Instant {
        start + .milliseconds(Int(seconds * 1000))
    }

    @Test func asksOnceAndRemembers() {
        var cache = AddressCache<Int>()
        #expect(cache.lookUp("a", now: start) == .resolve)
        #expect(cache.lookUp("a", now: start) == .wait)
        cache.resolved("a", 1, now: start)
        #expect(cache.lookUp("a", now: after(29.9)) == .use(1))
        #expect(cache.lookUp("b", now: after(29.9)) == .resolve)
    }

    @Test func usesTheOldAnswerWhileItAsksAgain() {
        var cache = AddressCache<Int>()
        cache.resolved("a", 1, now: start)
        #expect(cache.lookUp("a", now: after(30)) == .useAndRefresh(1))
        #expect(cache.lookUp("a", now: after(31)) == .use(1))
        cache.failed("a", code: -3, now: after(32))
        #expect(cache.lookUp("a", now: after(33)) == .use(1))
        #expect(cache.lookUp("a", now: after(34)) == .useAndRefresh(1))
        cache.resolved("a", 2, now: after(35))
        #expect(cache.lookUp("a", now: after(64)) == .use(2))
        #expect(cache.lookUp("a", now: after(365)) == .resolve)
    }

    @Test func remembersFailuresForAWhile() {
        var cache = AddressCache<Int>()
        #expect(cache.lookUp("a", now: start) == .resolve)
        cache.failed("a", code: -3, now: start)
        #expect(cache.lookUp("a", now: after(1.9)) == .failed(-3))
        #expect(cache.lookUp("a", now: after(2)) == .resolve)
        #expect(cache.lookUp("a", now: after(2)) == .wait)
    }

    @Test func failsWhenTheOldAnswerEndsDuringAFailure() {
        var cache = AddressCache<Int>(limits: AddressCacheLimits(staleTime: .seconds(1)))
        cache.resolved("a", 1, now: start)
        #expect(cache.lookUp("a", now: after(30)) == .useAndRefresh(1))
        cache.failed("a", code: -3, now: after(30))
        #expect(cache.lookUp("a", now: after(30.5)) == .use(1))
        #expect(cache.lookUp("a", now: after(31.5)) == .failed(-3))
        #expect(cache.lookUp("a", now: after(32)) == .resolve)
    }

    @Test func forgets() {
        var cache = AddressCache<Int>()
        cache.resolved("a", 1, now: start)
        cache.forget("a")
        #expect(cache.lookUp("a", now: start) == .resolve)
        cache.forget("a")
        #expect(cache.lookUp("a", now: start) == .wait)
        cache.resolved("a", 1, now: start)
        #expect(cache.lookUp("a", now: after(30)) == .useAndRefresh(1))
        cache.forget("a")
        #expect(cache.lookUp("a", now: after(30)) == .wait)
    }

    @Test func staysBounded() {
        var cache = AddressCache<Int>(limits: AddressCacheLimits(entriesMax: 3))
        for host in 0..<3 { cache.resolved("\(host)", host, now: after(Double(host))) }
        #expect(cache.lookUp("new", now: after(3)) == .resolve)
        #expect(cache.count == 3)
        #expect(cache.lookUp("1", now: after(3)) == .use(1))
        #expect(cache.lookUp("0", now: after(3)) == .resolve)
        #expect(cache.lookUp("1", now: after(3)) == .resolve)
        // All three are being asked for now.
        #expect(cache.lookUp("one more", now: after(3)) == .resolve)
        #expect(cache.lookUp("one more", now: after(3)) == .resolve)
        #expect(cache.count == 3)
    }
}
