// ArgumentChecker.swift — watches the JSON of a tool call's arguments pass by, and knows what would
// close it. Pure value without memory of the text. Used by ToolCallRepair and TextToolParser.
//
// The text comes out of JSON strings, so that it is valid UTF-8; that is not looked at again.
// Source of the grammar: RFC 8259.

import ReactorCore

/// One text's checker. Feed it pieces, however they are cut.
package struct ArgumentChecker {
    /// What the text so far is.
    package enum Verdict: Equatable, Sendable {
        /// Nothing but white space.
        case empty
        /// One JSON value.
        case complete
        /// The beginning of one: `appendClosing` makes it one.
        case open
        /// Nothing that could be appended makes it JSON.
        case broken
    }

    /// How deep arrays and objects may nest: deeper text counts as broken.
    package static let depthMax = 128

    private enum State: UInt8 {
        /// Outermost: nothing has come. -> any value state.
        case start
        /// A value must come. -> any value state.
        case value
        /// Behind `[`. -> any value state, or behind.
        case firstElement
        /// Behind `{`. -> key, or behind.
        case firstKey
        /// Behind a comma in an object. -> key.
        case nextKey
        /// Within a name. -> colon, keyEscape.
        case key
        /// Behind a name. -> value.
        case colon
        /// Within a string. -> behind, escape.
        case string
        /// Behind a backslash, and within `\uXXXX`; in a name if `isKey`. -> string or key.
        case escape, unicode
        /// A high surrogate has been read: `\` and `u` must come.
        case lowBackslash, lowU
        /// Within `true`, `false`, `null`. -> behind.
        case literal
        /// Parts of a number. -> behind.
        case minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
        /// Behind a value. -> value, nextKey, behind, or whole.
        case behind
        /// The outermost value has ended.
        case whole
        case broken
    }

    private var state = State.start
    /// Whether the string in question is a name.
    private var isKey = false
    /// The literal being read, and how many of its bytes have come.
    private var literal: UInt8 = 0
    private var progress: UInt8 = 0
    /// The four digits behind `\u`, and whether they are a pair's second half.
    private var unit: UInt16 = 0
    private var isLowHalf = false
    /// Open containers, the innermost in the lowest bit: 1 an object, 0 an array.
    private var containers: (high: UInt64, low: UInt64) = (0, 0)
    private var depth: UInt8 = 0
    /// Whether the outermost value is an object.
    package private(set) var isObject = false

    package init() {}

    package var verdict: Verdict {
        switch state {
        case .start: .empty
        case .whole: .complete
        case .broken: .broken
        case .zero, .integer, .fraction, .exponentDigits: depth == 0 ? .complete : .open
        default: .open
        }
    }

    /// Whether the outermost value has ended, which a number does only with what follows it.
    package var hasEnded: Bool { state == .whole }

    /// Whether it stands within a string or a name.
    package var isInString: Bool {
        switch state {
        case .key, .string, .escape, .unicode, .lowBackslash, .lowU: true
        default: false
        }
    }

    /// Takes the next piece.
    package mutating func take(_ text: ByteSlice) {
        _ = take(text, stopsWhenWhole: false)
    }

    /// Takes the next piece up to the end of the outermost value.
    /// - Returns: how many bytes were taken: all, unless the value is an object, array or string
    ///   that ended earlier, or the text broke.
    package mutating func takeValue(_ text: ByteSlice) -> Int {
        take(text, stopsWhenWhole: true)
    }

    private mutating func take(_ text: ByteSlice, stopsWhenWhole stops: Bool) -> Int {
        var at = text.base
        let end = text.end
        while at < end {
            if state == .string || state == .key {
                // The bytes of strings are most of the bytes.
                while at < end, at.pointee != ASCII.quote, at.pointee != ASCII.backslash,
                    at.pointee >= ASCII.space
                {
                    at += 1
                }
                if at == end { break }
            }
            step(at.pointee)
            at += 1
            if state == .broken || (stops && state == .whole) { break }
        }
        return at - text.base
    }

    private mutating func step(_ byte: UInt8) {
        switch state {
        case .string, .key: withinString(byte)
        case .escape: escaped(byte)
        case .unicode: unicode(byte)
        case .lowBackslash: state = byte == ASCII.backslash ? .lowU : .broken
        case .lowU:
            state = byte == UInt8(ascii: "u") ? .unicode : .broken
            isLowHalf = true
            unit = 0
            progress = 0
        case .literal:
            let word = Self.words[Int(literal)]
            guard byte == word[Int(progress)] else { return state = .broken }
            progress += 1
            if Int(progress) == word.count { ended() }
        case .minus, .zero, .integer, .point, .fraction, .exponent, .exponentSign, .exponentDigits:
            number(byte)
        default:
            if byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab {
                return
            }
            between(byte)
        }
    }

    private mutating func between(_ byte: UInt8) {
        switch state {
        case .start, .value: value(byte)
        case .firstElement:
            if byte == ASCII.closeBracket { pop(isObject: false) } else { value(byte) }
        case .firstKey:
            if byte == ASCII.closeBrace { pop(isObject: true) } else { key(byte) }
        case .nextKey: key(byte)
        case .colon: state = byte == ASCII.colon ? .value : .broken
        case .behind:
            switch byte {
            case ASCII.comma: state = containers.low & 1 == 1 ? .nextKey : .value
            case ASCII.closeBrace: pop(isObject: true)
            case ASCII.closeBracket: pop(isObject: false)
            default: state = .broken
            }
        default: state = .broken
        }
    }

    private mutating func key(_ byte: UInt8) {
        state = byte == ASCII.quote ? .key : .broken
        isKey = true
    }

    private mutating func value(_ byte: UInt8) {
        switch byte {
        case ASCII.openBrace:
            if depth == 0 { isObject = true }
            push(1, then: .firstKey)
        case ASCII.openBracket: push(0, then: .firstElement)
        case ASCII.quote:
            isKey = false
            state = .string
        case UInt8(ascii: "t"): begin(literal: 0)
        case UInt8(ascii: "f"): begin(literal: 1)
        case UInt8(ascii: "n"): begin(literal: 2)
        case UInt8(ascii: "-"): state = .minus
        case ASCII.zero: state = .zero
        case UInt8(ascii: "1")...UInt8(ascii: "9"): state = .integer
        default: state = .broken
        }
    }

    private static let words: [ByteSlice] = [
        ByteSlice("true"), ByteSlice("false"), ByteSlice("null"),
    ]

    private mutating func begin(literal: UInt8) {
        self.literal = literal
        progress = 1
        state = .literal
    }

    private mutating func push(_ bit: UInt64, then next: State) {
        guard depth < Self.depthMax else { return state = .broken }
        containers.high = containers.high << 1 | containers.low >> 63
        containers.low = containers.low << 1 | bit
        depth += 1
        state = next
    }

    private mutating func pop(isObject: Bool) {
        guard depth > 0, containers.low & 1 == (isObject ? 1 : 0) else { return state = .broken }
        containers.low = containers.low >> 1 | containers.high << 63
        containers.high >>= 1
        depth -= 1
        ended()
    }

    private mutating func ended() { state = depth == 0 ? .whole : .behind }

    private mutating func withinString(_ byte: UInt8) {
        if byte == ASCII.quote {
            if isKey { state = .colon } else { ended() }
        } else if byte == ASCII.backslash {
            state = .escape
        } else if byte < ASCII.space {
            state = .broken
        }
    }

    private mutating func escaped(_ byte: UInt8) {
        switch byte {
        case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            state = isKey ? .key : .string
        case UInt8(ascii: "u"):
            state = .unicode
            isLowHalf = false
            unit = 0
            progress = 0
        default: state = .broken
        }
    }

    private mutating func unicode(_ byte: UInt8) {
        guard let digit = ASCII.hexValue(byte) else { return state = .broken }
        unit = unit << 4 | UInt16(digit)
        progress += 1
        // Two digits tell the second half of a pair, and it must stand behind a first one.
        if isLowHalf && progress == 1 && unit != 0xD { return state = .broken }
        if progress == 2, (unit & 0xFC == 0xDC) != isLowHalf { return state = .broken }
        guard progress == 4 else { return }
        if unit & 0xFC00 == 0xD800 {
            state = .lowBackslash
        } else {
            state = isKey ? .key : .string
        }
    }

    private mutating func number(_ byte: UInt8) {
        let isDigit = ASCII.isDigit(byte)
        switch state {
        case .minus where isDigit: return state = byte == ASCII.zero ? .zero : .integer
        case .integer where isDigit, .fraction where isDigit, .exponentDigits where isDigit: return
        case .point where isDigit: return state = .fraction
        case .exponent where isDigit, .exponentSign where isDigit: return state = .exponentDigits
        case .zero, .integer, .fraction:
            if byte == UInt8(ascii: "."), state != .fraction { return state = .point }
            if byte | 0x20 == UInt8(ascii: "e") { return state = .exponent }
        case .exponent:
            let isSign = byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            return state = isSign ? .exponentSign : .broken
        case .exponentDigits: break
        default: return state = .broken
        }
        // The number has ended before this byte.
        ended()
        step(byte)
    }

    /// Appends what makes a JSON value of text whose verdict is `empty` (an object) or `open`. A
    /// cut name gets the value null, because what has been sent cannot be taken back.
    package func appendClosing(to buffer: inout ByteBuffer) {
        switch state {
        case .start: buffer.append("{}" as StaticString)
        case .value: buffer.append("null" as StaticString)
        case .nextKey: buffer.append("\"\":null" as StaticString)
        case .colon: buffer.append(":null" as StaticString)
        case .key, .string, .escape, .unicode, .lowBackslash, .lowU: closeString(&buffer)
        case .literal: buffer.append(Self.words[Int(literal)].dropFirst(Int(progress)))
        case .minus, .point, .exponent, .exponentSign: buffer.append(ASCII.zero)
        case .whole, .broken: return
        case .firstElement, .firstKey, .behind, .zero, .integer, .fraction, .exponentDigits: break
        }
        var open = containers
        for _ in 0..<depth {
            buffer.append(open.low & 1 == 1 ? ASCII.closeBrace : ASCII.closeBracket)
            open.low = open.low >> 1 | open.high << 63
            open.high >>= 1
        }
    }

    private func closeString(_ buffer: inout ByteBuffer) {
        var needsLowHalf = state == .lowBackslash
        switch state {
        case .escape: buffer.append(ASCII.backslash)
        case .unicode: needsLowHalf = closeUnicode(&buffer)
        case .lowU: buffer.append("uDC00" as StaticString)
        default: break
        }
        if needsLowHalf { buffer.append("\\uDC00" as StaticString) }
        buffer.append(ASCII.quote)
        if isKey { buffer.append(":null" as StaticString) }
    }

    /// Fills `\uXXXX` up. - Returns: whether it is the first half of a pair.
    private func closeUnicode(_ buffer: inout ByteBuffer) -> Bool {
        if isLowHalf {
            // The second half begins with `DC`; the digits that have come say how it goes on.
            switch progress {
            case 0: buffer.append("DC00" as StaticString)
            case 1: buffer.append("C00" as StaticString)
            case 2: buffer.append("00" as StaticString)
            default: buffer.append(ASCII.zero)
            }
            return false
        }
        for _ in progress..<4 { buffer.append(ASCII.zero) }
        let filled = Int(unit) << (4 * (4 - Int(progress)))
        return filled & 0xFC00 == 0xD800
    }
}
