// DeflaterTests.swift — what is compressed reads as it was, however it came.

import ReactorCore
import Testing

@Suite struct DeflaterTests {
    private func deflate(_ plain: [UInt8], step: Int) -> ByteBuffer {
        let deflater = Deflater()
        var output = ByteBuffer()
        for start in stride(from: 0, to: plain.count, by: step) {
            plain[start..<min(start + step, plain.count)].withUnsafeBytes {
                deflater.deflate(ByteSlice($0), into: &output)
            }
        }
        deflater.finish(into: &output)
        return output
    }

    private func inflate(_ bytes: ByteSlice) throws -> (plain: [UInt8], isWhole: Bool) {
        let inflater = Inflater()
        var plain: [UInt8] = []
        try inflater.inflate(bytes) { plain += Array($0.raw) }
        return (plain, inflater.isFinished)
    }

    @Test(arguments: [1, 333, 1_000_000]) func readsAsItWas(_ step: Int) throws {
        // Text that repeats itself, and noise that does not shrink.
        var random = SeededRandom(seed: 7)
        let plain =
            (0..<40_000).map { UInt8(truncatingIfNeeded: $0 / 9) }
            + (0..<60_000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let packed = deflate(plain, step: step)
        #expect(packed.slice[0] == 0x1F && packed.slice[1] == 0x8B, "gzip, not zlib's own form")
        let found = try inflate(packed.slice)
        #expect(found.plain == plain)
        #expect(found.isWhole)
    }

    @Test func recordsOfRequestsShrinkToATenth() throws {
        let record = Array(#"{"key":"gen_ai.request.model","value":{"stringValue":"m"}},"#.utf8)
        let plain = (0..<1000).flatMap { Array("\($0)".utf8) + record }
        let packed = deflate(plain, step: plain.count)
        #expect(packed.count * 10 < plain.count)
        #expect(try inflate(packed.slice).plain == plain)
    }

    @Test func nothingIsAMemberToo() throws {
        // Named, so that it lives while its slice is read.
        let packed = deflate([], step: 1)
        let found = try inflate(packed.slice)
        #expect(found.plain.isEmpty)
        #expect(found.isWhole)
    }
}
