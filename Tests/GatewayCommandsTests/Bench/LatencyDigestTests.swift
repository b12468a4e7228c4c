import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct LatencyDigestTests {
    @Test func nothingHasNoPercentile() {
        let digest = LatencyDigest()
        #expect(digest.percentile(0.5) == nil)
        #expect(digest.mean == nil)
    }

    @Test func smallNumbersAreExact() {
        var digest = LatencyDigest()
        for value in 1...100 { digest.add(nanoseconds: Int64(value)) }
        #expect(digest.percentile(0.5) == 50)
        #expect(digest.percentile(0.99) == 99)
        #expect(digest.percentile(1) == 100)
        #expect(digest.percentile(0) == 1)
        #expect(digest.mean == 50.5)
        #expect(digest.least == 1)
        #expect(digest.greatest == 100)
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func percentilesAreRightToAPercent(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var digest = LatencyDigest()
        var all: [Int64] = []
        for _ in 0..<5000 {
            // From nanoseconds to minutes.
            let value = Int64(random.next() >> (20 + random.next() % 40))
            all.append(value)
            digest.add(nanoseconds: value)
        }
        all.sort()
        for share in [0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999] {
            let exact = all[max(0, Int((share * 5000).rounded(.up)) - 1)]
            let told = digest.percentile(share) ?? -1
            #expect(abs(told - exact) <= exact / 100 + 1, "seed \(seed), share \(share)")
        }
        #expect(digest.percentile(1) == all.last)
    }

    @Test func everyDurationHasAPlace() {
        var digest = LatencyDigest()
        for value: Int64 in [-5, 0, 127, 128, 255, 256, 257, .max] {
            digest.add(nanoseconds: value)
        }
        #expect(digest.count == 8)
        #expect(digest.least == 0)
        #expect(digest.greatest == .max)
        #expect(digest.percentile(1) == .max)
    }
}
