// FuzzMutation.swift — broken forms of good inputs, for plain tests of what must hold for any bytes.
// Pure; the generator is handed in.

import ReactorCore

package enum FuzzMutation {
    /// One of the inputs with a few of its pieces removed, repeated, moved or replaced by pieces of
    /// another one.
    package static func mutated(
        _ corpus: [[UInt8]], using random: inout SeededRandom
    ) -> [UInt8] {
        guard var bytes = corpus.randomElement(using: &random),
            let other = corpus.randomElement(using: &random)
        else { return [] }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let piece = range(in: bytes, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.removeSubrange(piece)
            case 1: bytes.insert(contentsOf: bytes[piece], at: piece.lowerBound)
            case 2:
                let from = range(in: other, using: &random)
                bytes.replaceSubrange(piece, with: other[from])
            default:
                guard let place = bytes.indices.randomElement(using: &random) else { continue }
                bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    private static func range(
        in bytes: [UInt8], using random: inout SeededRandom
    ) -> Range<Int> {
        let start = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, start + Int.random(in: 0...24, using: &random))
        return start..<end
    }
}
