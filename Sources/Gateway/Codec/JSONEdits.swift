// JSONEdits.swift — a document copied with any number of byte ranges replaced, everything else untouched.
// Pure; owns what it puts in. For what is rare; JSONSplice is for the few edits that every request has.

import ReactorCore

/// Edits of one document, asked for in any order.
package struct JSONEdits: ~Copyable {
    private struct Edit {
        var range: Range<Int>
        /// Of `text`.
        var replacement: Range<Int>
    }

    private var edits: [Edit] = []
    private var text = ByteBuffer()

    package init() {}

    package var isEmpty: Bool { edits.isEmpty }

    /// Puts what `write` appends in the place of `range`, which must not overlap another edit's.
    /// Edits at one place stand in the order in which they were asked for.
    package mutating func replace(_ range: Range<Int>, _ write: (inout ByteBuffer) -> Void) {
        let start = text.count
        write(&text)
        edits.append(Edit(range: range, replacement: start..<text.count))
    }

    /// Puts what `write` appends in front of the byte at `offset`.
    package mutating func insert(at offset: Int, _ write: (inout ByteBuffer) -> Void) {
        replace(offset..<offset, write)
    }

    /// Appends `document` with the edits made.
    package func append(_ document: ByteSlice, to buffer: inout ByteBuffer) {
        let order = edits.indices.sorted {
            (edits[$0].range.lowerBound, $0) < (edits[$1].range.lowerBound, $1)
        }
        var place = 0
        for index in order {
            let edit = edits[index]
            precondition(edit.range.lowerBound >= place, "edits overlap")
            buffer.append(document[place..<edit.range.lowerBound])
            buffer.append(text.slice[edit.replacement])
            place = edit.range.upperBound
        }
        buffer.append(document.dropFirst(place))
    }
}
