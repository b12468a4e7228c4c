// SimulatorEmbedding.swift — one vector of length 1 per input, the same for the same text.
// Components are drawn again by index instead of being stored.

import GatewayCodec
import Glibc
import ReactorCore

/// The vector of one input.
struct SimulatorEmbedding {
    private let hash: UInt64
    private let dimensions: Int
    private let scale: Double

    init(hash: UInt64, dimensions: Int) {
        self.hash = hash
        self.dimensions = dimensions
        var squares = 0.0
        for index in 0..<dimensions {
            let value = Self.draw(hash, index)
            squares += value * value
        }
        scale = squares > 0 ? 1 / squares.squareRoot() : 0
    }

    /// What the wire carries at `index`, rounded to the precision of both encodings.
    func component(_ index: Int) -> Float { Float(Self.draw(hash, index) * scale) }

    func writeFloats(into json: inout JSONWriter) {
        json.beginArray("embedding")
        for index in 0..<dimensions { json.value(Double(component(index))) }
        json.endArray()
    }

    /// Little-endian float32, base64.
    func writeBase64(into json: inout JSONWriter) {
        json.key("embedding")
        json.string { out in
            var group: UInt32 = 0
            var bytes = 0
            for index in 0..<dimensions {
                var bits = component(index).bitPattern
                for _ in 0..<4 {
                    group = group << 8 | (bits & 0xFF)
                    bits >>= 8
                    bytes += 1
                    if bytes % 3 == 0 {
                        Self.append(group, characters: 4, into: &out)
                        group = 0
                    }
                }
            }
            let rest = bytes % 3
            if rest > 0 {
                Self.append(group << (8 * UInt32(3 - rest)), characters: rest + 1, into: &out)
                out.append(rest == 1 ? "==" : "=" as StaticString)
            }
        }
    }

    private static func append(
        _ group: UInt32, characters: Int, into out: inout ByteBuffer
    ) {
        let alphabet = ByteSlice(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" as StaticString)
        for position in 0..<characters {
            out.append(alphabet[Int(group >> (18 - 6 * UInt32(position))) & 63])
        }
    }

    /// In -1..<1, and never all zero.
    private static func draw(_ hash: UInt64, _ index: Int) -> Double {
        2 * SimulatorDraw.fraction(hash, .embedding, UInt64(index)) - 1
    }
}
