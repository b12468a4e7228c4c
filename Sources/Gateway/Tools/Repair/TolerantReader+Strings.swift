// TolerantReader+Strings.swift — where a string ends, and what it says.
// The one hard question of broken JSON: whether a quote closes a string or stands in it. It closes
// where what follows could follow a string at that place.

import GatewayCodec
import ReactorCore

extension TolerantReader {
    static func isQuote(_ byte: UInt8) -> Bool {
        byte == ASCII.quote || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`")
    }

    /// Bytes of the quote at `index`, straight or smart; 0 if there is none.
    func quoteLength(at index: Int) -> Int {
        guard index < text.count else { return 0 }
        if Self.isQuote(text[index]) { return 1 }
        return smartQuote(at: index) == nil ? 0 : 3
    }

    /// The straight quote that a smart one at `index` stands for.
    private func smartQuote(at index: Int) -> UInt8? {
        guard text.count - index >= 3, text[index] == 0xE2, text[index + 1] == 0x80 else {
            return nil
        }
        switch text[index + 2] {
        case 0x9C, 0x9D, 0x9E: return ASCII.quote
        case 0x98, 0x99: return UInt8(ascii: "'")
        default: return nil
        }
    }

    /// Whether `\"` stands there, as the quote of a string.
    func escapedQuote(at index: Int) -> Bool {
        text.count - index >= 2 && text[index] == ASCII.backslash && text[index + 1] == ASCII.quote
    }

    // MARK: Names

    /// Reads a member's name and writes it.
    mutating func readName() -> Bool {
        if quoteLength(at: at) > 0 || escapedQuote(at: at) {
            var name = ByteBuffer()
            readString(.name, into: &name)
            // Cut within the name: nothing is known of its value.
            guard at < text.count else { return false }
            write(name: name.slice)
            return true
        }
        var end = at
        while end < text.count, Self.isOfName(text[end]) || text[end] == ASCII.space { end += 1 }
        let isName = end < text.count && (text[end] == ASCII.colon || text[end] == 0x3D)
        let name = ArgumentRecovery.trimmed(text[at..<end])
        guard isName, !name.isEmpty, name.count <= 128 else {
            // Past one word of what is no name.
            var next = at
            while next < text.count, Self.isOfName(text[next]) { next += 1 }
            advance(to: next)
            return false
        }
        advance(to: end)
        write(name: name)
        return true
    }

    func looksLikeQuotedName(at index: Int) -> Bool {
        var copy = TolerantReader(text)
        return quoteLength(at: index) > 0 && copy.looksLikeName(at: index)
    }

    /// Whether a member's name and a colon stand there; a name that is cut may count.
    mutating func looksLikeName(at index: Int, mayBeCut: Bool = true) -> Bool {
        let longest = 128
        let length = quoteLength(at: index)
        var end = index + length
        if length > 0 {
            let isSmart = length == 3
            while end < text.count, end - index < longest {
                let isSame = isSmart ? smartQuote(at: end) != nil : text[end] == text[index]
                if isSame || text[end] == ASCII.lf { break }
                end += 1
            }
            budget -= end - index
            guard end < text.count else { return mayBeCut }
            guard quoteLength(at: end) > 0 else { return false }
            end = fillerEnd(from: end + length)
        } else {
            while end < text.count, end - index < longest, Self.isOfName(text[end]) { end += 1 }
            budget -= end - index
            guard end > index else { return false }
            while end < text.count, text[end] == ASCII.space { end += 1 }
            // An address is none.
            if text.dropFirst(end).hasPrefix("://") { return false }
        }
        return end < text.count && (text[end] == ASCII.colon || text[end] == 0x3D)
    }

    // MARK: Strings

    /// From the opening quote to behind the closing one; what the string says goes to `value`.
    mutating func readString(_ place: Place, into value: inout ByteBuffer) {
        readPiece(place, into: &value)
        // "a" + "b"
        while place != .name {
            let plus = fillerEnd(from: at)
            guard plus < text.count, text[plus] == UInt8(ascii: "+") else { return }
            let next = fillerEnd(from: plus + 1)
            guard quoteLength(at: next) > 0 else { return }
            advance(to: next)
            readPiece(place, into: &value)
        }
    }

    private mutating func readPiece(_ place: Place, into value: inout ByteBuffer) {
        let isEscaped = escapedQuote(at: at)
        let index = isEscaped ? at + 1 : at
        let length = quoteLength(at: index)
        let quote = smartQuote(at: index) ?? text[index]
        if length == 1, !isEscaped, readTriple(quote, into: &value) { return }
        advance(to: index + length)
        var hasBrace = false
        while at < text.count {
            let byte = text[at]
            if isEscaped, byte == ASCII.backslash, at + 1 < text.count, text[at + 1] == quote {
                advance(to: at + 2)
                return
            }
            if let close = closingLength(quote, isSmart: length == 3), !isEscaped {
                if closes(behind: at + close, place) {
                    advance(to: at + close)
                    return
                }
                value.append(text[at..<at + close])
                advance(to: at + close)
            } else if byte == ASCII.backslash {
                readEscape(into: &value)
            } else {
                // A line end before another member: the closing quote was forgotten.
                if byte == ASCII.lf, place == .member, !hasBrace, forgotQuote(at + 1) { return }
                if byte == ASCII.openBrace { hasBrace = true }
                value.append(byte)
                advance(to: at + 1)
            }
        }
    }

    /// Bytes of the quote here, if it is one that could close the string.
    private func closingLength(_ quote: UInt8, isSmart: Bool) -> Int? {
        if text[at] == quote { return 1 }
        return isSmart && smartQuote(at: at) == quote ? 3 : nil
    }

    /// `"""..."""`, as it stands.
    private mutating func readTriple(_ quote: UInt8, into value: inout ByteBuffer) -> Bool {
        func isTriple(_ index: Int) -> Bool {
            text.count - index >= 3 && text[index] == quote && text[index + 1] == quote
                && text[index + 2] == quote
        }
        guard isTriple(at) else { return false }
        var end = at + 3
        while end < text.count, !isTriple(end) { end += 1 }
        guard end < text.count else { return false }
        value.append(text[at + 3..<end])
        advance(to: end + 3)
        return true
    }

    private mutating func forgotQuote(_ index: Int) -> Bool {
        guard budget > 0 else { return false }
        let name = fillerEnd(from: index)
        guard name < text.count, text[name] == ASCII.quote else { return false }
        return looksLikeName(at: name, mayBeCut: false)
    }

    /// Whether a quote that ends before `index` closes its string.
    private mutating func closes(behind index: Int, _ place: Place) -> Bool {
        guard budget > 0 else { return true }
        let next = fillerEnd(from: index)
        guard next < text.count else { return true }
        let byte = text[next]
        if place == .name {
            return byte == ASCII.colon || byte == 0x3D || beginsValue(next) || byte == ASCII.comma
                || isCloser(byte)
        }
        if isCloser(byte) { return closesContainer(behind: next + 1) }
        if byte == ASCII.comma { return endsValue(behind: next + 1, place) }
        if byte == UInt8(ascii: "+") { return quoteLength(at: fillerEnd(from: next + 1)) > 0 }
        // What wraps the text, and nothing that a string goes on with.
        let rest = text.dropFirst(next)
        if rest.hasPrefix("```") || rest.hasPrefix("</") { return true }
        // A comma was forgotten.
        switch place {
        case .element: return next > index && beginsValue(next)
        default: return next > index && looksLikeName(at: next)
        }
    }

    private mutating func endsValue(behind index: Int, _ place: Place) -> Bool {
        let next = fillerEnd(from: index)
        guard next < text.count else { return true }
        if isCloser(text[next]) || text[next] == ASCII.comma { return true }
        guard place == .element else { return looksLikeName(at: next) || quoteAtLineStart(next) }
        let letter = text[next] | 0x20
        return beginsValue(next) || letter == UInt8(ascii: "t") || letter == UInt8(ascii: "f")
            || letter == UInt8(ascii: "n") || text[next] == UInt8(ascii: ".")
    }

    /// Another member that is broken itself, on a line of its own.
    private func quoteAtLineStart(_ index: Int) -> Bool {
        guard quoteLength(at: index) > 0 else { return false }
        var before = index - 1
        while before > 0, text[before] == ASCII.space { before -= 1 }
        return before > 0 && text[before] == ASCII.lf
    }

    /// Whether a bracket before `index` is one: no string goes on behind it.
    private mutating func closesContainer(behind index: Int) -> Bool {
        let next = fillerEnd(from: index)
        guard next < text.count else { return true }
        return !(next == index && quoteLength(at: next) > 0 && !isWrapper(next))
    }

    /// A quote that ends the whole text, or a fence.
    private func isWrapper(_ index: Int) -> Bool {
        index == text.count - 1 || text.dropFirst(index).hasPrefix("```")
    }

    // MARK: Escapes

    /// One escape, or a backslash that is none and stays.
    private mutating func readEscape(into value: inout ByteBuffer) {
        guard at + 1 < text.count else { return advance(to: at + 1) }
        let letter = text[at + 1]
        var used = 2
        switch letter {
        case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"), UInt8(ascii: "'"),
            UInt8(ascii: "`"):
            value.append(letter)
        case UInt8(ascii: "b"): value.append(0x08 as UInt8)
        case UInt8(ascii: "f"): value.append(0x0C as UInt8)
        case UInt8(ascii: "n"): value.append(ASCII.lf)
        case UInt8(ascii: "r"): value.append(ASCII.cr)
        case UInt8(ascii: "t"): value.append(ASCII.tab)
        case UInt8(ascii: "u"):
            guard let (scalar, length) = unicode() else {
                if text.count - at < 6 { return advance(to: text.count) }
                value.append(ASCII.backslash)
                return advance(to: at + 1)
            }
            value.append(String(scalar))
            used = length
        case UInt8(ascii: "x"):
            guard let unit = hex(from: at + 2, digits: 2) else {
                value.append(ASCII.backslash)
                return advance(to: at + 1)
            }
            value.append(String(UnicodeScalar(UInt8(unit))))
            used = 4
        default:
            value.append(ASCII.backslash)
            return advance(to: at + 1)
        }
        advance(to: at + used)
    }

    private func hex(from start: Int, digits: Int) -> UInt32? {
        guard start + digits <= text.count else { return nil }
        var value: UInt32 = 0
        for index in start..<start + digits {
            guard let digit = ASCII.hexValue(text[index]) else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// The character of `\uXXXX`, its second half included; a half alone becomes U+FFFD.
    private func unicode() -> (UnicodeScalar, length: Int)? {
        guard let first = hex(from: at + 2, digits: 4) else { return nil }
        if let scalar = UnicodeScalar(first) { return (scalar, 6) }
        if first & 0xFC00 == 0xD800, text.count - at >= 12, text[at + 6] == ASCII.backslash,
            text[at + 7] == UInt8(ascii: "u"), let second = hex(from: at + 8, digits: 4),
            second & 0xFC00 == 0xDC00,
            let scalar = UnicodeScalar(0x10000 + (first & 0x3FF) << 10 + second & 0x3FF)
        {
            return (scalar, 12)
        }
        return ("\u{FFFD}", 6)
    }
}
