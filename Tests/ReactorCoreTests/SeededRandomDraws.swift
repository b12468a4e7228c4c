// SeededRandomDraws.swift — what random tests draw, and the seeds that they run with.

import Glibc
import ReactorCore

extension SeededRandom {
    /// Whether an event of this probability, in percent, happens.
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// Fixed seeds, and a fresh one that a failure's message must name. `SEED` replaces them all.
    static var testSeeds: [UInt64] {
        if let text = getenv("SEED"), let seed = UInt64(String(cString: text)) { return [seed] }
        return [1, 2, 3, 4, UInt64.random(in: 0...UInt64.max)]
    }
}
