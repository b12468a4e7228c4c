// ByteSliceTests.swift — comparing without case: every byte at every place of short and long names.

import ReactorCore
import Testing

@Suite struct ByteSliceTests {
    private static let names: [StaticString] = [
        "", "a", "host", "x-h0st_", "upgrade.", "connection", "content-length", "retry-after-0123",
        "transfer-encoding", "access-control-allow-origin",
    ]

    /// One byte at a time, as the definition says.
    private static func isSame(_ bytes: [UInt8], _ name: StaticString) -> Bool {
        let other = Array(ByteSlice(name).raw)
        return bytes.count == other.count
            && zip(bytes, other).allSatisfy { ASCII.lowercased($0) == $1 }
    }

    @Test func comparesWithoutCase() {
        for name in Self.names {
            let lower = Array(ByteSlice(name).raw)
            for place in lower.indices {
                for byte in UInt8.min ... .max {
                    var bytes = lower
                    bytes[place] = byte
                    let found = bytes.withUnsafeBytes { ByteSlice($0).equalsIgnoringCase(name) }
                    #expect(found == Self.isSame(bytes, name), "\(name) with \(byte) at \(place)")
                }
            }
            let upper = Array(name.description.uppercased().utf8)
            #expect(upper.withUnsafeBytes { ByteSlice($0).equalsIgnoringCase(name) })
            for count in 0..<lower.count {
                let prefix = lower.prefix(count)
                #expect(!prefix.withUnsafeBytes { ByteSlice($0).equalsIgnoringCase(name) })
            }
        }
    }
}
