// AnswerDecodersTests.swift — the fuzz target's inputs again: whole answers in order, errors without the
// key, lists, vectors and tokens that make sense.

import FuzzChecks
import TestSupport
import Testing

@Suite struct AnswerDecodersTests {
    @Test(arguments: FuzzCorpus.inputs(of: "answers"))
    func makesSenseWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(AnswerCheck.run(bytes) == nil, "\(name)")
        // Another decoder may get the same.
        for choice in 0..<UInt8(21) {
            #expect(AnswerCheck.run([choice] + bytes.dropFirst()) == nil, "\(name) as \(choice)")
        }
    }
}
