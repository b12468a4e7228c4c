// SeededGenerator.swift — random numbers that a printed seed brings back. For all random tests.

import Glibc

/// SplitMix64.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Whether an event of this probability, in percent, happens.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// Fixed seeds, and a fresh one that a failure's message must name. `SEED` replaces them all.
    static var seeds: [UInt64] {
        if let text = getenv("SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return [1, 2, 3, 4, UInt64.random(in: 0...UInt64.max)]
    }
}
