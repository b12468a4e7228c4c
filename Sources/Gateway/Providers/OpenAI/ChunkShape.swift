// ChunkShape.swift — recognizes a chunk that differs from an earlier one in one string only.
// Pure; keeps a copy of at most `bytesMax` bytes per stream. The chunks of one stream repeat their
// id, model and time and differ in a few letters of text: this turns the pass over all of a chunk
// into two comparisons and a pass over the letters. ChatStreamObserver and ChatStreamDecoder use it.

import GatewayCodec
import ReactorCore

/// The bytes before and behind one string of a chunk that was valid.
///
/// Why it may be trusted: a JSON text stays valid, and means the same everywhere else, when the
/// inside of one of its strings is replaced by another valid inside.
struct ChunkShape {
    /// A chunk with more around its text is not worth keeping.
    static let bytesMax = 1024

    private var bytes: [UInt8] = []
    /// How many of them come before the string's inside.
    private var headCount = 0

    /// Remembers a valid chunk whose string at `hole` (without the quotes) may differ next time.
    /// - Returns: false if it is too long for that.
    @discardableResult
    mutating func learn(_ payload: ByteSlice, hole: Range<Int>) -> Bool {
        let count = payload.count - hole.count
        guard count <= Self.bytesMax else { return false }
        bytes.removeAll(keepingCapacity: true)
        bytes.append(contentsOf: payload.prefix(hole.lowerBound).raw)
        bytes.append(contentsOf: payload.dropFirst(hole.upperBound).raw)
        headCount = hole.lowerBound
        return true
    }

    /// The string in a payload that is known to differ in nothing else.
    func text(in payload: ByteSlice) -> ByteSlice {
        payload[headCount..<payload.count - (bytes.count - headCount)]
    }

    /// Forgets what was learned.
    mutating func forget() { bytes.removeAll(keepingCapacity: true) }

    /// Where in `payload` the string lies in which it differs from the chunk that was learned; nil
    /// if it differs anywhere else.
    func hole(in payload: ByteSlice) -> Range<Int>? {
        holeCount(in: payload).map { headCount..<headCount + $0 }
    }

    /// How many bytes the string has in which `payload` differs from the chunk that was learned;
    /// nil if it differs anywhere else.
    func holeCount(in payload: ByteSlice) -> Int? {
        let tailCount = bytes.count - headCount
        let count = payload.count - bytes.count
        guard !bytes.isEmpty, count >= 0 else { return nil }
        let matches = bytes.withUnsafeBytes { known in
            let known = ByteSlice(known)
            return payload.prefix(headCount) == known.prefix(headCount)
                && payload.dropFirst(payload.count - tailCount) == known.dropFirst(headCount)
        }
        // The tail begins with the closing quote.
        guard matches,
            JSONScanner.endOfString(in: payload, from: headCount) == headCount + count
        else { return nil }
        return count
    }
}
