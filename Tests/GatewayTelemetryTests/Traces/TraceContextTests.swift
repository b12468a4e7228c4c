// TraceContextTests.swift — `traceparent` as the Recommendation has it, and who is sampled.

import GatewayTelemetry
import ReactorCore
import Testing

@Suite struct TraceContextTests {
    private func parse(_ text: String) -> TraceContext? {
        text.withByteSlice { TraceContext(parsing: $0) }
    }

    /// The field's value, as it goes on.
    private func text(_ context: TraceContext) -> String? {
        let record = TraceRecord()
        record.trace = context.trace
        record.modelSpan = context.span
        var buffer = ByteBuffer()
        record.append(traceParentTo: &buffer, isSampled: context.isSampled)
        let (name, end) = ("traceparent: ", "\r\n")
        guard buffer.string.hasPrefix(name), buffer.string.hasSuffix(end) else { return nil }
        return String(buffer.string.dropFirst(name.count).dropLast(1))
    }

    private static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func readsAndWritesTheExample() throws {
        let context = try #require(parse(Self.example))
        #expect(context.trace == TraceID(high: 0x0AF7_6519_16CD_43DD, low: 0x8448_EB21_1C80_319C))
        #expect(context.span == 0xB7AD_6B71_6920_3331)
        #expect(context.isSampled)
        #expect(text(context) == Self.example)
        #expect(parse(Self.example.dropLast(2) + "00")?.isSampled == false)
        // Bits that nobody knows yet are not told on.
        #expect(parse(Self.example.dropLast(2) + "ff").map(text) == Self.example)
    }

    @Test func ignoresWhatIsNotOne() {
        #expect(parse("") == nil)
        for count in 0..<Self.example.count {
            #expect(parse(String(Self.example.prefix(count))) == nil)
        }
        for (index, byte) in Self.example.utf8.enumerated() {
            var bytes = Array(Self.example.utf8)
            for other in ["g", "A", " ", "\u{0}"] {
                bytes[index] = Array(other.utf8)[0]
                #expect(parse(String(decoding: bytes, as: UTF8.self)) == nil, "\(index) \(byte)")
            }
        }
        #expect(parse("00-00000000000000000000000000000000-b7ad6b7169203331-01") == nil)
        #expect(parse("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01") == nil)
        #expect(parse("ff" + Self.example.dropFirst(2)) == nil)
        // Version 00 has nothing behind its flags; a later one may, behind a hyphen.
        #expect(parse(Self.example + "-more") == nil)
        #expect(parse("01" + Self.example.dropFirst(2)) != nil)
        #expect(parse("01" + Self.example.dropFirst(2) + "-more") != nil)
        #expect(parse("01" + Self.example.dropFirst(2) + "more") == nil)
    }

    @Test func theShareDecidesByTheTrace() {
        let sampling = TraceSampling(share: 0.25)
        var random = SeededRandom(seed: 7)
        var taken = 0
        for _ in 0..<10_000 {
            let trace = TraceID(high: random.next(), low: random.next())
            let isTaken = sampling.takes(trace, client: nil)
            #expect(isTaken == sampling.takes(trace, client: nil))
            if isTaken { taken += 1 }
        }
        #expect((2300...2700).contains(taken))
        let any = TraceID(high: 1, low: .max)
        #expect(!sampling.takes(any, client: nil) && sampling.takes(any, client: true))
        #expect(!TraceSampling(share: 1).takes(any, client: false))
        #expect(TraceSampling(share: 1, followsClient: false).takes(any, client: false))
        #expect(!TraceSampling(share: 0).takes(TraceID(high: 1, low: 0), client: nil))
    }
}
