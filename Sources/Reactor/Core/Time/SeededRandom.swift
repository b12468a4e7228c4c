// SeededRandom.swift — repeatable randomness: the same seed, the same draws, on every machine.
// Pure value; not for secrets. Shells draw from it and hand the draws to machines; tests seed it.

/// The generator xoshiro256** (Blackman and Vigna), its state filled from the seed by splitmix64.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// A generator whose draws depend on `seed` alone.
    public init(seed: UInt64) {
        var mixer = seed
        func mixed() -> UInt64 {
            mixer &+= 0x9E37_79B9_7F4A_7C15
            var word = mixer
            word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
            word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
            return word ^ (word >> 31)
        }
        state = (mixed(), mixed(), mixed(), mixed())
    }

    /// 64 random bits.
    public mutating func next() -> UInt64 {
        let drawn = Self.rotated(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotated(state.3, by: 45)
        return drawn
    }

    /// A number in 0..<1, one of 2^53 evenly spaced ones.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    private static func rotated(_ word: UInt64, by bits: UInt64) -> UInt64 {
        (word << bits) | (word >> (64 - bits))
    }
}
