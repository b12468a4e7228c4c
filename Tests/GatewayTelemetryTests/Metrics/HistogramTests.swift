import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct HistogramTests {
    @Test func boundsAscendAndTheToldOnesAreOneTwoFive() {
        let bounds = Histogram.bounds
        #expect(bounds.count == 48)
        #expect(zip(bounds, bounds.dropFirst()).allSatisfy(<))
        #expect(bounds.first == 10)
        #expect(bounds.last == 700_000_000)
        let told = Histogram.toldPlaces.map { bounds[$0] }
        #expect(told.prefix(4) == [10, 20, 50, 100])
        #expect(told.last == 500_000_000)
    }

    @Test func aBoundBelongsToItsBucket() {
        for (place, bound) in Histogram.bounds.enumerated() {
            #expect(Histogram.place(of: bound) == place)
            #expect(Histogram.place(of: bound + 1) == place + 1)
        }
        #expect(Histogram.place(of: 0) == 0)
        #expect(Histogram.place(of: .max) == 48)
    }

    /// Both tables are written out.
    @Test func theTablesHoldWhatTheyAreSaidTo() {
        var bounds: [Int] = []
        var unit = 10
        for _ in 0..<8 {
            bounds += [unit, unit * 3 / 2, unit * 2, unit * 3, unit * 5, unit * 7]
            unit *= 10
        }
        #expect(Histogram.bounds == bounds)
        for bits in 0..<63 {
            let power = 1 << bits
            for value in [power - 1, power, power + 1] {
                let place = Histogram.bounds.firstIndex { $0 >= value }
                #expect(Histogram.place(of: value) == place ?? Histogram.bounds.count)
            }
        }
    }

    @Test func countsAndSums() {
        var histogram = Histogram()
        for value in [-5, 10, 11, 20, 1_000_000_000] { histogram.record(microseconds: value) }
        #expect(histogram.count == 5)
        #expect(histogram.sum == 1_000_000_041)
        #expect(histogram.count(upTo: 0) == 2)
        #expect(histogram.count(upTo: 1) == 3)
        #expect(histogram.count(upTo: 2) == 4)
        #expect(histogram.count(upTo: 47) == 4)
        #expect(histogram.count(upTo: 48) == 5)
    }

    @Test func twoPartsMakeTheWhole() {
        var random = SeededRandom(seed: 7)
        var whole = Histogram()
        var parts = [Histogram(), Histogram()]
        for _ in 0..<1000 {
            let value = Int(random.next() % 900_000_000)
            whole.record(microseconds: value)
            parts[Int(random.next() % 2)].record(microseconds: value)
        }
        var sum = parts[0]
        sum += parts[1]
        for place in 0...48 { #expect(sum.count(upTo: place) == whole.count(upTo: place)) }
        #expect(sum.sum == whole.sum)
        let rest = sum - parts[1]
        for place in 0...48 { #expect(rest.count(upTo: place) == parts[0].count(upTo: place)) }
        #expect(rest.sum == parts[0].sum)
        #expect(rest.count == parts[0].count)
    }

    @Test func quantilesLieInTheirBucket() {
        var histogram = Histogram()
        #expect(histogram.quantile(0.5) == nil)
        for value in 1...1000 { histogram.record(microseconds: value * 1000) }
        let median = histogram.quantile(0.5) ?? 0
        #expect((450_000...550_000).contains(median), "\(median)")
        let high = histogram.quantile(0.99) ?? 0
        #expect((930_000...1_000_000).contains(high), "\(high)")
        #expect(histogram.quantile(1) == 1_000_000)
        histogram.record(microseconds: .max)
        #expect(histogram.quantile(1) == 700_000_000)
    }
}
