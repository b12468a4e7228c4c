// HTTP1CorpusTests.swift — the fuzz target's inputs again, and random damage to them.

import FuzzChecks
import ReactorCore
import TestSupport
import Testing

@Suite struct HTTP1CorpusTests {
    @Test func holdsOnTheCorpus() {
        let corpus = FuzzCorpus.inputs(of: "http1")
        #expect(corpus.count >= 15)
        for (name, bytes) in corpus { #expect(HTTP1Check.run(bytes) == nil, "\(name)") }
    }

    @Test(arguments: SeededRandom.testSeeds) func holdsOnDamagedInputs(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let corpus = FuzzCorpus.inputs(of: "http1").map(\.1)
        for _ in 0..<300 {
            guard var bytes = corpus.randomElement(using: &random),
                let other = corpus.randomElement(using: &random)
            else { return }
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                Self.damage(&bytes, with: other, &random)
            }
            if let complaint = HTTP1Check.run(bytes) {
                let text = String(decoding: bytes, as: UTF8.self)
                Issue.record("seed \(seed): \(complaint) on \(text.debugDescription)")
                return
            }
        }
    }

    private static func damage(
        _ bytes: inout [UInt8], with other: [UInt8], _ random: inout SeededRandom
    ) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0 where place < bytes.count:
            bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1 where place < bytes.count:
            bytes.remove(at: place)
        case 2:
            let odd: [UInt8] = [0, 9, 10, 13, 32, 58, 59, 61, 0x7F, 0x80, 0x30, 0x2B]
            bytes.insert(odd.randomElement(using: &random) ?? 0, at: place)
        case 3:
            bytes.removeSubrange(place...)
        default:
            let start = Int.random(in: 0...other.count, using: &random)
            bytes.insert(contentsOf: other[start...].prefix(40), at: place)
        }
    }
}
