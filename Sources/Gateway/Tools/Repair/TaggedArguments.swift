// TaggedArguments.swift — arguments that a model wrote as tags, one a parameter.
// Pure. Used by ArgumentRecovery and TextToolParser.

import GatewayCodec
import ReactorCore

/// Three forms that models were trained on:
///
///     <parameter=NAME>VALUE</parameter>
///     <parameter name="NAME">VALUE</parameter>
///     <arg_key>NAME</arg_key><arg_value>VALUE</arg_value>
package enum TaggedArguments {
    package static let countMax = 256

    /// Appends the object that the tags of `text` are; false if there is none: nothing is appended.
    package static func read(_ text: ByteSlice, into out: inout ByteBuffer) -> Bool {
        let start = out.count
        var count = 0
        var rest = text
        out.append(ASCII.openBrace)
        while count < countMax, let (name, value, tail) = next(in: rest) {
            if count > 0 { out.append(ASCII.comma) }
            out.append(jsonString: name)
            out.append(ASCII.colon)
            append(value: value, to: &out)
            count += 1
            rest = tail
        }
        out.append(ASCII.closeBrace)
        if count == 0 { out.truncate(to: start) }
        return count > 0
    }

    private static func next(
        in text: ByteSlice
    ) -> (name: ByteSlice, value: ByteSlice, tail: ByteSlice)? {
        if let (name, rest) = head(in: text) {
            let end = rest.firstRange(of: "</parameter>") ?? rest.firstRange(of: "<parameter")
            let value = rest.prefix(end ?? rest.count)
            return (name, value, rest.dropFirst(end ?? rest.count))
        }
        guard let key = text.firstRange(of: "<arg_key>") else { return nil }
        let behindKey = text.dropFirst(key + 9)
        guard let keyEnd = behindKey.firstRange(of: "</arg_key>"),
            let value = behindKey.firstRange(of: "<arg_value>"), value > keyEnd
        else { return nil }
        let behindValue = behindKey.dropFirst(value + 11)
        let end = behindValue.firstRange(of: "</arg_value>") ?? behindValue.count
        return (
            ArgumentRecovery.trimmed(behindKey.prefix(keyEnd)), behindValue.prefix(end),
            behindValue.dropFirst(end)
        )
    }

    /// The name in the first opening tag, and what is behind that tag.
    private static func head(in text: ByteSlice) -> (name: ByteSlice, rest: ByteSlice)? {
        guard let tag = text.firstRange(of: "<parameter") else { return nil }
        let inside = text.dropFirst(tag + 10)
        guard let end = inside.firstIndex(of: UInt8(ascii: ">")) else { return nil }
        var name = ArgumentRecovery.trimmed(inside.prefix(end))
        guard !name.isEmpty else { return nil }
        if name.hasPrefix("name") { name = ArgumentRecovery.trimmed(name.dropFirst(4)) }
        guard !name.isEmpty, name[0] == UInt8(ascii: "=") else { return nil }
        name = ArgumentRecovery.trimmed(name.dropFirst(1))
        if name.count >= 2, TolerantReader.isQuote(name[0]) {
            let behind = name.dropFirst(1)
            name = behind.prefix(behind.firstIndex(of: name[0]) ?? behind.count)
        }
        guard !name.isEmpty else { return nil }
        return (name, inside.dropFirst(end + 1))
    }

    /// Numbers, truth values, arrays and objects as they are; everything else is a string.
    private static func append(value: ByteSlice, to out: inout ByteBuffer) {
        let plain = ArgumentRecovery.trimmed(value)
        do throws(JSONFailure) {
            if try JSONScanner.validate(plain) != .string { return out.append(plain) }
        } catch {}
        // One line end at each side belongs to the tags.
        var text = value
        if !text.isEmpty, text[0] == ASCII.lf { text = text.dropFirst(1) }
        if !text.isEmpty, text[text.count - 1] == ASCII.lf { text = text.prefix(text.count - 1) }
        out.append(jsonString: text)
    }
}

extension ByteSlice {
    /// Where the literal first begins.
    func firstRange(of literal: StaticString) -> Int? {
        let wanted = ByteSlice(literal)
        var index = 0
        while let found = dropFirst(index).firstIndex(of: wanted[0]) {
            index += found
            guard count - index >= wanted.count else { return nil }
            if self[index..<index + wanted.count] == wanted { return index }
            index += 1
        }
        return nil
    }
}
