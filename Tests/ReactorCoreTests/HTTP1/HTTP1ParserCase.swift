// HTTP1ParserCase.swift — one row of the parser's corpus: bytes and the events they must cause,
// however they are cut.

import ReactorCore
import Testing

/// Bytes, and what the parser must say about them.
struct HTTP1ParserCase: CustomTestStringConvertible, Sendable {
    let name: String
    let bytes: [UInt8]
    let expected: [String]

    init(_ name: String, _ text: String, _ expected: [String]) {
        self.name = name
        bytes = Array(text.utf8)
        self.expected = expected
    }

    /// A message that is refused without a head.
    init(_ name: String, _ text: String, fails failure: HTTP1Failure) {
        self.init(name, text, ["failed \(ParserTrace.name(of: failure))"])
    }

    var testDescription: String { name }

    /// Checks the case whole, cut in two at every byte, and byte by byte.
    func check(_ trace: ParserTrace) {
        #expect(trace.of(bytes) == expected)
        for cut in ParserTrace.cuts(of: bytes) {
            let got = trace.of(bytes, cutAt: cut)
            if got != expected {
                let place = cut.count == 1 ? "at \(cut[0])" : "byte by byte"
                Issue.record("\(name), cut \(place): \(got)")
                return
            }
        }
    }
}
