// SpliceList.swift — a few replacements in a run of bytes, applied while it is copied.

import ReactorCore

/// Up to four edits of one document, by byte ranges of the original.
///
/// The replacements are borrowed: they must live until `apply`.
package struct SpliceList {
    package static let countMax = 4

    private var edits: InlineArray<4, (range: Range<Int>, bytes: ByteSlice)>
    private var count = 0

    package init() { edits = InlineArray(repeating: (0..<0, .empty)) }

    /// Adds an edit. Ranges must not overlap; order does not matter.
    package mutating func add(_ range: Range<Int>, _ bytes: ByteSlice) {
        precondition(count < Self.countMax, "too many edits")
        var place = count
        while place > 0, edits[place - 1].range.lowerBound > range.lowerBound {
            edits[place] = edits[place - 1]
            place -= 1
        }
        edits[place] = (range, bytes)
        count += 1
    }

    package mutating func add(_ range: Range<Int>, _ literal: StaticString) {
        add(range, ByteSlice(literal))
    }

    /// By how many bytes the edits lengthen the document; negative when they shorten it.
    package var byteCountDelta: Int {
        var delta = 0
        for index in 0..<count { delta += edits[index].bytes.count - edits[index].range.count }
        return delta
    }

    /// Appends `original` with the edits made.
    package func apply(to original: ByteSlice, appendingTo buffer: inout ByteBuffer) {
        var start = 0
        for index in 0..<count {
            let edit = edits[index]
            buffer.append(original[start..<edit.range.lowerBound])
            buffer.append(edit.bytes)
            start = edit.range.upperBound
        }
        buffer.append(original.dropFirst(start))
    }
}
