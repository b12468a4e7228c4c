// ValueKind.swift — how one kind of value is described, read and written: the single values. What
// holds others is in ValueKind+Collections.

import GatewayCodec
import GatewayModel
import ReactorCore

/// A way of writing `Value`s.
struct ValueKind<Value> {
    let shape: Shape
    /// Nil, and a problem noted, where the node is no such value.
    let read: (YAMLNode, inout ConfigurationReader) -> Value?
    let write: (Value) -> WrittenValue

    /// A single value. `noun` names it with its article; `parse` says what is wrong with a text.
    static func scalar(
        _ shape: Shape, _ noun: String, isSecret: Bool = false,
        parse: @escaping (String) throws(Refusal) -> Value, text: @escaping (Value) -> String
    ) -> ValueKind {
        ValueKind(
            shape: shape,
            read: { node, reader in
                guard let expanded = reader.text(of: node, expecting: noun) else { return nil }
                do throws(Refusal) {
                    return try parse(expanded.text)
                } catch {
                    let isShown = expanded.isLiteral && !isSecret
                    let subject = isShown ? "'\(expanded.text.prefix(100))'" : "the value"
                    reader.note("\(subject) \(error.reason)", at: node.mark)
                    return nil
                }
            },
            write: { .text(text($0)) })
    }

    /// The same, for places that may be left out.
    var optional: ValueKind<Value?> {
        ValueKind<Value?>(
            shape: shape, read: { node, reader in read(node, &reader).map { .some($0) } },
            write: { value in value.map { write($0) } ?? .unset })
    }

    /// The same in another type.
    func mapped<Other>(
        _ forth: @escaping (Value) -> Other, _ back: @escaping (Other) -> Value
    ) -> ValueKind<Other> {
        ValueKind<Other>(
            shape: shape, read: { node, reader in read(node, &reader).map(forth) },
            write: { write(back($0)) })
    }

    /// `word` for nil, or a value.
    func or(_ word: String) -> ValueKind<Value?> {
        ValueKind<Value?>(
            shape: .word(word, or: shape),
            read: { node, reader in
                if case .scalar(word, _) = node.content { return .some(nil) }
                return read(node, &reader).map { .some($0) }
            },
            write: { value in value.map { write($0) } ?? .text(word) })
    }
}

extension ValueKind<String> {
    /// Text without control characters that `check` accepts.
    static func text(
        _ what: String, check: @escaping (String) throws(Refusal) -> String = { $0 }
    ) -> ValueKind {
        scalar(
            .text(what), "a text",
            parse: { (text) throws(Refusal) in
                guard !text.isEmpty else { throw Refusal("is empty") }
                guard !text.utf8.contains(where: { $0 < ASCII.space || $0 == 0x7F }) else {
                    throw Refusal("holds a control character")
                }
                return try check(text)
            },
            text: { $0 })
    }

    /// A file. A relative one is meant from the directory of the document that names it.
    static var path: ValueKind {
        let plain = text("a file")
        return ValueKind(
            shape: plain.shape,
            read: { node, reader in
                guard let path = plain.read(node, &reader) else { return nil }
                guard node.mark.line > 0, !path.hasPrefix("/"),
                    let slash = node.mark.source.lastIndex(of: "/")
                else { return path }
                return node.mark.source[...slash] + path
            },
            write: plain.write)
    }

    /// A name of the operator's, short and plain enough for headers, logs and URLs.
    static func name(_ what: String) -> ValueKind {
        text(what) { (text) throws(Refusal) in try OperatorName.check(text) }
    }

    /// A model's name, or a pattern with one `*`.
    static func model(_ what: String) -> ValueKind {
        text(what) { (text) throws(Refusal) in try OperatorName.checkModel(text) }
    }
}

extension ValueKind<Secret> {
    /// A credential, which must fit into a header.
    static func secret(_ what: String) -> ValueKind {
        scalar(
            .secret(what), "a text", isSecret: true,
            parse: { (text) throws(Refusal) in
                guard !text.isEmpty else { throw Refusal("is empty") }
                guard text.utf8.allSatisfy({ ASCII.isVisible($0) }) else {
                    throw Refusal("holds a space or another character that a key cannot hold")
                }
                return Secret(text)
            },
            text: { $0.description })
    }

    /// A person's password.
    static var password: ValueKind { line("a password") }

    /// A secret that goes into a body: any one line.
    static func line(_ what: String) -> ValueKind {
        scalar(
            .secret(what), "a text", isSecret: true,
            parse: { (text) throws(Refusal) in
                guard !text.isEmpty else { throw Refusal("is empty") }
                guard !text.utf8.contains(where: { $0 < ASCII.space || $0 == 0x7F }) else {
                    throw Refusal("holds a control character")
                }
                return Secret(text)
            },
            text: { $0.description })
    }

    /// The value of a header field (RFC 9110 section 5.5).
    static var fieldValue: ValueKind {
        scalar(
            .secret("text of one line"), "a text", isSecret: true,
            parse: { (text) throws(Refusal) in
                let isOneLine = text.utf8.allSatisfy { $0 >= ASCII.space && $0 != 0x7F }
                guard isOneLine, text.first != " ", text.last != " " else {
                    throw Refusal("holds a line end or a character that a header cannot hold")
                }
                return Secret(text)
            },
            text: { $0.description })
    }
}

extension ValueKind<Bool> {
    static var boolean: ValueKind {
        scalar(
            .boolean, "true or false",
            parse: { (text) throws(Refusal) in
                switch text {
                case "true", "True", "TRUE": return true
                case "false", "False", "FALSE": return false
                default: throw Refusal("is neither true nor false")
                }
            },
            text: { $0 ? "true" : "false" })
    }
}

extension ValueKind<Int> {
    static func integer(_ range: ClosedRange<Int>) -> ValueKind {
        scalar(
            .integer(range), "a whole number",
            parse: { (text) throws(Refusal) in
                guard let number = Int(text), range.contains(number) else {
                    throw Refusal(
                        "is not a whole number from \(range.lowerBound) to \(range.upperBound)")
                }
                return number
            },
            text: { String($0) })
    }

    static func size(_ range: ClosedRange<Int>) -> ValueKind {
        scalar(
            .size(range), "a size",
            parse: { (text) throws(Refusal) in
                let size = try SizeText.parse(text)
                guard range.contains(size) else {
                    let (low, high) = (range.lowerBound, range.upperBound)
                    throw Refusal(
                        "does not lie between \(SizeText.text(low)) and \(SizeText.text(high))")
                }
                return size
            },
            text: { SizeText.text($0) })
    }
}

extension ValueKind<UInt64> {
    /// Any whole number that is not negative.
    static var seed: ValueKind {
        scalar(
            .text("a whole number"), "a whole number",
            parse: { (text) throws(Refusal) in
                guard let number = UInt64(text) else {
                    throw Refusal("is not a whole number from 0 to \(UInt64.max)")
                }
                return number
            },
            text: { String($0) })
    }
}

extension ValueKind<Double> {
    static func number(_ range: ClosedRange<Double>) -> ValueKind {
        scalar(
            .number(range), "a number",
            parse: { (text) throws(Refusal) in
                guard let number = Double(text), range.contains(number) else {
                    throw Refusal(
                        "is not a number from \(numberText(range.lowerBound)) to "
                            + numberText(range.upperBound))
                }
                return number
            },
            text: { numberText($0) })
    }
}

/// `0.5`, but `80` rather than `80.0`.
func numberText(_ number: Double) -> String {
    Int(exactly: number).map { String($0) } ?? "\(number)"
}

extension ValueKind<Duration> {
    static func duration(_ range: ClosedRange<Duration>) -> ValueKind {
        scalar(
            .duration(range), "a time",
            parse: { (text) throws(Refusal) in
                let duration = try DurationText.parse(text)
                guard range.contains(duration) else {
                    let (low, high) = (range.lowerBound, range.upperBound)
                    throw Refusal(
                        "does not lie between \(DurationText.text(low)) and \(DurationText.text(high))"
                    )
                }
                return duration
            },
            text: { DurationText.text($0) })
    }
}

extension ValueKind<BaseURL> {
    static var baseURL: ValueKind {
        scalar(
            .text("an http or https URL"), "a URL",
            parse: { (text) throws(Refusal) in try BaseURLText.parse(text) },
            text: { $0.description })
    }
}

extension ValueKind<[UInt8]> {
    /// 32 bytes as 64 hexadecimal digits. Not the key, but masked all the same: it might be one
    /// by mistake.
    static var sha256: ValueKind {
        scalar(
            .text("64 hexadecimal digits"), "a text", isSecret: true,
            parse: { (text) throws(Refusal) in
                let digits = text.utf8.compactMap { ASCII.hexValue($0) }
                guard digits.count == 64, text.utf8.count == 64 else {
                    throw Refusal("is not a SHA-256 hash of 64 hexadecimal digits")
                }
                return (0..<32).map { digits[2 * $0] << 4 | digits[2 * $0 + 1] }
            },
            text: { _ in "***" })
    }
}

extension ValueKind where Value: RawRepresentable<String> {
    /// One of a few words.
    static func choice(_ values: [Value]) -> ValueKind {
        let names = values.map(\.rawValue)
        return scalar(
            .choice(names), "one of \(names.joined(separator: ", "))",
            parse: { (text) throws(Refusal) in
                let word = text.lowercased()
                if let value = values.first(where: { $0.rawValue == word }) { return value }
                let near = NearestName.suggestion(for: word, among: names)
                throw Refusal(
                    "is not one of \(names.joined(separator: ", "))"
                        + (near.map { "; did you mean '\($0)'?" } ?? ""))
            },
            text: { $0.rawValue })
    }
}
