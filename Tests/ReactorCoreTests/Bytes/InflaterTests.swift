import CUV
import ReactorCore
import Testing

@Suite struct InflaterTests {
    /// gzip data made by zlib itself.
    private func gzip(_ plain: [UInt8]) -> [UInt8] {
        var stream = z_stream()
        deflateInit2_(
            &stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        defer { deflateEnd(&stream) }
        var input = plain
        var output = [UInt8](repeating: 0, count: plain.count + 1024)
        let room = output.count
        let count = input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.next_in = input.baseAddress
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(room)
                _ = deflate(&stream, Z_FINISH)
                return room - Int(stream.avail_out)
            }
        }
        return Array(output[..<count])
    }

    private func inflate(_ bytes: [UInt8], step: Int) throws -> (plain: [UInt8], finished: Bool) {
        let inflater = Inflater()
        var plain: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: step) {
            try bytes[start..<min(start + step, bytes.count)].withUnsafeBytes {
                try inflater.inflate(ByteSlice($0)) { plain += Array($0.raw) }
            }
        }
        return (plain, inflater.isFinished)
    }

    @Test(arguments: [1, 7, 100_000]) func decodesHoweverTheBytesAreCut(_ step: Int) throws {
        let plain = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let (decoded, finished) = try inflate(gzip(plain), step: step)
        #expect(decoded == plain)
        #expect(finished)
    }

    @Test func aCutStreamIsNotFinished() throws {
        let compressed = gzip(Array("hello, hello, hello".utf8))
        #expect(try inflate(Array(compressed.dropLast(5)), step: 4).finished == false)
    }

    @Test func refusesGarbageAndWhatFollowsTheEnd() {
        #expect(throws: Inflater.Failure.malformed) { try inflate([1, 2, 3, 4], step: 4) }
        let twice = gzip([1]) + [0]
        #expect(throws: Inflater.Failure.malformed) { try inflate(twice, step: 1000) }
    }

    @Test func handsADenseStreamOnInPieces() throws {
        let inflater = Inflater()
        var largest = 0
        var total = 0
        try gzip([UInt8](repeating: 0, count: 8 << 20)).withUnsafeBytes {
            try inflater.inflate(ByteSlice($0)) {
                largest = max(largest, $0.count)
                total += $0.count
            }
        }
        #expect(largest <= 16 * 1024)
        #expect(total == 8 << 20)
    }
}
