import ReactorCore
import Testing

@Suite struct SeededRandomTests {
    /// The first outputs for the state that splitmix64 makes of 0, and of 1.
    @Test func drawsTheKnownNumbers() {
        var zero = SeededRandom(seed: 0)
        #expect(zero.next() == 0x99EC_5F36_CB75_F2B4)
        #expect(zero.next() == 0xBF6E_1F78_4956_452A)
        #expect(zero.next() == 0x1A5F_849D_4933_E6E0)
    }

    @Test func repeatsItself() {
        var first = SeededRandom(seed: 42)
        var second = SeededRandom(seed: 42)
        var other = SeededRandom(seed: 43)
        let draws = (0..<8).map { _ in first.next() }
        #expect(draws == (0..<8).map { _ in second.next() })
        #expect(draws != (0..<8).map { _ in other.next() })
    }

    @Test func drawsUnitsEvenly() {
        var random = SeededRandom(seed: 7)
        var sum = 0.0
        for _ in 0..<10_000 {
            let unit = random.unit()
            #expect(unit >= 0 && unit < 1)
            sum += unit
        }
        #expect(abs(sum / 10_000 - 0.5) < 0.02)
    }
}
