// CallSpliceTests.swift — the fuzzer's inputs for the repair of relayed answers, as they are and mutated.

import FuzzChecks
import ReactorCore
import TestSupport
import Testing

@Suite struct CallSpliceTests {
    @Test(arguments: FuzzCorpus.inputs(of: "call-splice"))
    func holdsForTheFuzzersInputs(_ name: String, _ bytes: [UInt8]) {
        #expect(CallSpliceCheck.run(bytes) == nil, "\(name)")
    }

    @Test func holdsForMutations() {
        var random = SeededRandom(seed: 11)
        for (name, input) in FuzzCorpus.inputs(of: "call-splice") {
            for _ in 0..<300 {
                var bytes = input
                for _ in 0..<Int.random(in: 1...3, using: &random) where bytes.count > 2 {
                    let place = Int.random(in: 1..<bytes.count, using: &random)
                    let piece = Array("{}[]\",:'\\ntest_0".utf8).randomElement(using: &random) ?? 0
                    switch random.next() % 3 {
                    case 0: bytes.remove(at: place)
                    case 1: bytes[place] = piece
                    default: bytes.insert(piece, at: place)
                    }
                }
                #expect(CallSpliceCheck.run(bytes) == nil, "\(name)")
            }
        }
    }
}
