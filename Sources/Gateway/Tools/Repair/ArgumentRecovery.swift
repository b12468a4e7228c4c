// ArgumentRecovery.swift — makes a JSON object of whatever a model wrote as a tool's arguments.
// Pure. Levels: as it is; mended syntax (TolerantReader); taken out of other text. What comes out
// has been validated; where nothing can be made, nothing is. Used by the filters of this floor.

import GatewayCodec
import ReactorCore

/// The deep repair of a whole text.
package enum ArgumentRecovery: Equatable, Sendable {
    /// It was a JSON object, or nothing at all, which means `{}`.
    case untouched
    /// Its syntax was mended.
    case syntax
    /// It was found within other text.
    case extracted

    /// Longer text is taken only if it is valid.
    package static let bytesMax = 1 << 20
    /// JSON within JSON strings: so many times.
    private static let unwrapMax = 3
    /// Opening braces in prose that are tried.
    private static let candidateMax = 16

    /// Appends a JSON object made of `text`. - Returns: what it took, or nil: nothing is appended.
    package static func recover(_ text: ByteSlice, into out: inout ByteBuffer) -> ArgumentRecovery?
    {
        let start = out.count
        guard let level = recover(text, into: &out, unwraps: 0) else {
            out.truncate(to: start)
            return nil
        }
        if level != .untouched {
            guard kind(of: out.slice.dropFirst(start)) == .object else {
                out.truncate(to: start)
                return nil
            }
        }
        return level
    }

    private static func kind(of text: ByteSlice) -> JSONKind? {
        do throws(JSONFailure) { return try JSONScanner.validate(text) } catch { return nil }
    }

    private static func recover(
        _ text: ByteSlice, into out: inout ByteBuffer, unwraps: Int
    ) -> ArgumentRecovery? {
        let text = trimmed(text)
        if text.isEmpty {
            out.append("{}" as StaticString)
            return .untouched
        }
        switch kind(of: text) {
        case .object?:
            out.append(text)
            return .untouched
        case .string?:
            guard unwraps < unwrapMax else { return nil }
            var inside = ByteBuffer()
            inside.append(jsonUnescaping: text[1..<text.count - 1])
            return mended(recover(inside.slice, into: &out, unwraps: unwraps + 1))
        case .null?:
            out.append("{}" as StaticString)
            return .syntax
        case .array?: return onlyElement(of: text, into: &out)
        case .number?, .true?, .false?: return nil
        case nil: break
        }
        guard text.count <= bytesMax else { return nil }
        if saysNothing(text) {
            out.append("{}" as StaticString)
            return .syntax
        }
        if let level = unquoted(text, into: &out, unwraps) { return level }
        return syntax(text, into: &out) ?? extracted(text, into: &out)
    }

    private static func mended(_ level: ArgumentRecovery?) -> ArgumentRecovery? {
        level == .untouched ? .syntax : level
    }

    /// `[{...}]`: the one object.
    private static func onlyElement(
        of text: ByteSlice, into out: inout ByteBuffer
    ) -> ArgumentRecovery? {
        var scanner = JSONScanner(text)
        do throws(JSONFailure) {
            try scanner.beginArray()
            guard try scanner.nextElement() else { return nil }
            let element = try scanner.value()
            guard element.kind == .object, try !scanner.nextElement() else { return nil }
            out.append(scanner.bytes(element.range))
            return .syntax
        } catch { return nil }
    }

    private static func saysNothing(_ text: ByteSlice) -> Bool {
        text == "None" || text == "undefined" || text == "nil" || text == "NULL" || text == "()"
    }

    /// A JSON text whose quotes are escaped, perhaps within quotes of its own that are not in order.
    private static func unquoted(
        _ text: ByteSlice, into out: inout ByteBuffer, _ unwraps: Int
    ) -> ArgumentRecovery? {
        guard unwraps < unwrapMax else { return nil }
        var inside = text
        let isQuoted = TolerantReader.isQuote(text[0])
        if isQuoted {
            inside = trimmed(inside.dropFirst(1))
            guard !inside.isEmpty, inside[0] == ASCII.openBrace else { return nil }
            if inside[inside.count - 1] == text[0] { inside = inside.prefix(inside.count - 1) }
        }
        let rest = inside.isEmpty ? inside : trimmed(inside.dropFirst(1))
        let isEscaped =
            inside.count > 1 && inside[0] == ASCII.openBrace && rest.count > 1
            && rest[0] == ASCII.backslash && rest[1] == ASCII.quote
        guard isEscaped || isQuoted else { return nil }
        var plain = ByteBuffer()
        if isEscaped { unescape(inside, into: &plain) } else { plain.append(inside) }
        return mended(recover(plain.slice, into: &out, unwraps: unwraps + 1))
    }

    /// Takes one level of escapes away; what is none stays.
    private static func unescape(_ text: ByteSlice, into out: inout ByteBuffer) {
        var index = 0
        while index < text.count {
            let byte = text[index]
            index += 1
            guard byte == ASCII.backslash, index < text.count else {
                out.append(byte)
                continue
            }
            let letter = text[index]
            index += 1
            switch letter {
            case ASCII.quote, ASCII.backslash, UInt8(ascii: "/"): out.append(letter)
            case UInt8(ascii: "n"): out.append(ASCII.lf)
            case UInt8(ascii: "r"): out.append(ASCII.cr)
            case UInt8(ascii: "t"): out.append(ASCII.tab)
            default:
                out.append(ASCII.backslash)
                out.append(letter)
            }
        }
    }

    // MARK: Syntax

    private static func syntax(
        _ text: ByteSlice, into out: inout ByteBuffer
    ) -> ArgumentRecovery? {
        var reader = TolerantReader(text)
        guard text[0] == ASCII.openBrace || reader.looksLikeQuotedName(at: 0) else { return nil }
        guard reader.readRoot() else { return nil }
        if reader.isEmptyObject, let level = nextObject(text, from: reader.at, into: &out) {
            return level
        }
        out.append(reader.out.slice)
        return .syntax
    }

    /// `{}{"a":1}`: behind an empty object, the one that is not.
    private static func nextObject(
        _ text: ByteSlice, from start: Int, into out: inout ByteBuffer
    ) -> ArgumentRecovery? {
        let rest = trimmed(text.dropFirst(start))
        guard !rest.isEmpty, rest[0] == ASCII.openBrace else { return nil }
        var reader = TolerantReader(rest)
        guard reader.readRoot(), !reader.isEmptyObject else { return nil }
        out.append(reader.out.slice)
        return .syntax
    }

    // MARK: Extraction

    private static func extracted(
        _ text: ByteSlice, into out: inout ByteBuffer
    ) -> ArgumentRecovery? {
        var reader = TolerantReader(text)
        if reader.readCall() {
            out.append(reader.out.slice)
            return .extracted
        }
        if TaggedArguments.read(text, into: &out) { return .extracted }
        var index = 0
        for _ in 0..<candidateMax {
            guard let brace = text.dropFirst(index).firstIndex(of: ASCII.openBrace) else {
                return nil
            }
            index += brace
            var reader = TolerantReader(text.dropFirst(index))
            if reader.readRoot(), !reader.isEmptyObject || isWholeObject(text, index) {
                out.append(reader.out.slice)
                return .extracted
            }
            index += 1
        }
        return nil
    }

    /// Whether `{}` stands there: an empty object on purpose.
    private static func isWholeObject(_ text: ByteSlice, _ index: Int) -> Bool {
        let rest = trimmed(text.dropFirst(index + 1))
        return !rest.isEmpty && rest[0] == ASCII.closeBrace
    }

    /// Without white space and byte order marks at both ends.
    static func trimmed(_ text: ByteSlice) -> ByteSlice {
        var first = 0
        var last = text.count
        while first < last {
            if isSpace(text[first]) {
                first += 1
            } else if last - first >= 3, text[first..<first + 3] == "\u{FEFF}" {
                first += 3
            } else {
                break
            }
        }
        while last > first, isSpace(text[last - 1]) { last -= 1 }
        return text[first..<last]
    }

    static func isSpace(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.lf || byte == ASCII.cr || byte == ASCII.tab
            || byte == 0x0B || byte == 0x0C || byte == 0
    }
}
