// JSONSplice.swift — a document copied with a few byte ranges replaced, everything else untouched.
// Pure; touches the buffer it is given. For the relay lane, where only what must change may change.

import ReactorCore

/// A few edits of one document, in the order of their places.
///
/// Ranges and replacements are borrowed: they must stay valid until the splice has been applied.
package struct JSONSplice {
    /// What stands in the place of a range.
    package enum Replacement {
        /// These bytes as they are.
        case raw(ByteSlice)
        /// A JSON string of this text: quoted and escaped.
        case string(ByteSlice)
    }

    private struct Edit {
        var range: Range<Int>
        var replacement: Replacement
    }

    /// How many edits there may be.
    package static let editCountMax = 4

    private var edits = InlineArray<4, Edit>(
        repeating: Edit(range: 0..<0, replacement: .raw(.empty)))
    package private(set) var count = 0

    package init() {}

    /// Puts `replacement` in the place of `range`, which must not overlap an earlier edit's.
    package mutating func replace(_ range: Range<Int>, with replacement: Replacement) {
        precondition(count < Self.editCountMax, "more edits than a splice holds")
        var place = count
        while place > 0, edits[place - 1].range.lowerBound > range.lowerBound {
            edits[place] = edits[place - 1]
            place -= 1
        }
        precondition(
            place == 0 || edits[place - 1].range.upperBound <= range.lowerBound, "edits overlap")
        precondition(
            place == count || range.upperBound <= edits[place + 1].range.lowerBound,
            "edits overlap")
        edits[place] = Edit(range: range, replacement: replacement)
        count += 1
    }

    /// Puts a member in the first place of the object whose opening brace is at `brace`.
    /// `member` ends with a comma exactly if the object has other members.
    package mutating func insert(_ member: StaticString, behindBraceAt brace: Int) {
        replace(brace + 1..<brace + 1, with: .raw(ByteSlice(member)))
    }

    /// By how many bytes the edits lengthen the document; negative where they shorten it.
    package var byteCountDelta: Int {
        var delta = 0
        for index in 0..<count {
            switch edits[index].replacement {
            case .raw(let bytes): delta += bytes.count
            case .string(let text):
                var scratch = ByteBuffer()
                scratch.append(jsonString: text)
                delta += scratch.count
            }
            delta -= edits[index].range.count
        }
        return delta
    }

    /// Appends `document` with the edits made.
    package func append(_ document: ByteSlice, to buffer: inout ByteBuffer) {
        var place = 0
        for index in 0..<count {
            let edit = edits[index]
            buffer.append(document[place..<edit.range.lowerBound])
            switch edit.replacement {
            case .raw(let bytes): buffer.append(bytes)
            case .string(let text): buffer.append(jsonString: text)
            }
            place = edit.range.upperBound
        }
        buffer.append(document.dropFirst(place))
    }
}
