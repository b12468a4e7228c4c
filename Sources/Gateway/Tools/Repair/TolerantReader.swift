// TolerantReader.swift — reads what was meant to be a JSON object and writes the object.
// Pure; every loop ends: each step takes a byte, and looking ahead draws on a budget. Strings are
// in TolerantReader+Strings.swift. Used by ArgumentRecovery only, which validates what comes out.
//
// Understood: comments, single, smart and missing quotes, unquoted names and values, Python's and
// JavaScript's words, commas too many and missing, brackets that do not match, tuples, text that
// ends early, raw line ends and wrong escapes in strings, quotes within strings.

import GatewayCodec
import ReactorCore

struct TolerantReader: ~Copyable {
    enum Container { case object, array }

    /// Where a value stands: what may follow it depends on that.
    enum Place { case name, member, element }

    static let depthMax = 64

    let text: ByteSlice
    private(set) var at = 0
    private(set) var out = ByteBuffer()
    /// Steps that may still be spent on looking ahead. Without any, guesses are plain.
    var budget: Int
    private var containers: [Container] = []
    private var isTooDeep = false
    private(set) var isEmptyObject = false

    init(_ text: ByteSlice) {
        self.text = text
        budget = 4096 + text.count * 16
    }

    // MARK: Roots

    /// From the opening brace, or from a first name whose brace is missing.
    /// - Returns: whether there was an object, or part of one.
    mutating func readRoot() -> Bool {
        if at < text.count, text[at] == ASCII.openBrace { at += 1 }
        let isMeant = readObject()
        return isMeant && !isTooDeep
    }

    /// `NAME(key=value, ...)`.
    mutating func readCall() -> Bool {
        guard let open = text.firstIndex(of: UInt8(ascii: "(")), open > 0,
            Self.isOfName(text[open - 1])
        else { return false }
        at = open + 1
        skipFiller()
        var end = at
        while end < text.count, Self.isOfName(text[end]) { end += 1 }
        guard end > at else { return false }
        while end < text.count, ArgumentRecovery.isSpace(text[end]) { end += 1 }
        guard end < text.count, text[end] == UInt8(ascii: "=") else { return false }
        let isMeant = readObject()
        return isMeant && !isTooDeep && !isEmptyObject
    }

    // MARK: Containers

    /// From behind the opening brace to behind the closing one.
    /// - Returns: false if what stands there is no object.
    private mutating func readObject() -> Bool {
        guard enter(.object) else { return false }
        out.append(ASCII.openBrace)
        var members = 0
        var junk = 0
        while true {
            skipFiller()
            guard at < text.count else { break }
            let byte = text[at]
            if byte == ASCII.comma || byte == UInt8(ascii: ";") {
                at += 1
            } else if isCloser(byte) {
                if closesObject(byte) { break }
            } else if byte == ASCII.openBrace, members == 0 {
                // `{{`
                at += 1
            } else if byte == UInt8(ascii: "`"), text.dropFirst(at).hasPrefix("```") {
                // The fence around it ends before the object does.
                at = text.count
            } else {
                let start = at
                switch readMember(isFirst: members == 0) {
                case .read: members += 1
                case .cut: break
                case .junk: junk += 1
                }
                if at == start { at += 1 }
            }
            if isTooDeep { return false }
        }
        containers.removeLast()
        out.append(ASCII.closeBrace)
        isEmptyObject = members == 0
        return members > 0 || junk == 0
    }

    private enum MemberOutcome { case read, cut, junk }

    private mutating func readMember(isFirst: Bool) -> MemberOutcome {
        let mark = out.count
        if !isFirst { out.append(ASCII.comma) }
        let isQuoted = quoteLength(at: at) > 0 || text[at] == ASCII.backslash
        guard readName() else {
            out.truncate(to: mark)
            return at < text.count ? .junk : .cut
        }
        skipFiller()
        guard at < text.count else {
            out.truncate(to: mark)
            return .cut
        }
        if text[at] == ASCII.colon || text[at] == UInt8(ascii: "=") {
            at += 1
            if at < text.count, text[at] == UInt8(ascii: ">") || text[at] == UInt8(ascii: "=") {
                at += 1
            }
        } else if !isQuoted || !beginsValue(at) {
            out.truncate(to: mark)
            return .junk
        }
        skipFiller()
        guard at < text.count else {
            out.truncate(to: mark)
            return .cut
        }
        out.append(ASCII.colon)
        if text[at] == ASCII.comma || isCloser(text[at]) {
            out.append("null" as StaticString)
            return .read
        }
        guard readValue(.member) else {
            out.truncate(to: mark)
            return at < text.count ? .junk : .cut
        }
        return .read
    }

    /// Whether a closing bracket ends the object; it is taken if it is the object's own.
    private mutating func closesObject(_ byte: UInt8) -> Bool {
        if byte == ASCII.closeBrace {
            at += 1
            // `{"a":1},"b":2}`: the object goes on behind a brace too early.
            if containers.count == 1, goesOnAsObject(at) { return false }
            return true
        }
        // Another bracket: a slip for the brace, unless an array around waits for it.
        if byte == ASCII.closeBracket, containers.dropLast().contains(.array) { return true }
        at += 1
        return true
    }

    /// From behind the opening bracket to behind the closing one.
    private mutating func readArray() -> Bool {
        guard enter(.array) else { return false }
        out.append(ASCII.openBracket)
        var elements = 0
        while true {
            skipFiller()
            guard at < text.count else { break }
            let byte = text[at]
            if byte == ASCII.comma || byte == UInt8(ascii: ";") || byte == ASCII.colon {
                at += 1
            } else if isCloser(byte) {
                if byte == ASCII.closeBrace, containers.dropLast().last == .object,
                    !goesOnAsObject(at + 1)
                {
                    // The array was not closed: the brace is the object's around it.
                    break
                }
                at += 1
                break
            } else {
                let start = at
                let mark = out.count
                if elements > 0 { out.append(ASCII.comma) }
                if readValue(.element) { elements += 1 } else { out.truncate(to: mark) }
                if at == start { at += 1 }
            }
            if isTooDeep { return false }
        }
        containers.removeLast()
        out.append(ASCII.closeBracket)
        return true
    }

    private mutating func enter(_ container: Container) -> Bool {
        guard containers.count < Self.depthMax else {
            isTooDeep = true
            return false
        }
        containers.append(container)
        return true
    }

    // MARK: Values

    /// Reads a value and writes it. - Returns: false if there is none; then nothing is written.
    private mutating func readValue(_ place: Place) -> Bool {
        skipStringPrefix()
        let byte = text[at]
        if byte == ASCII.openBrace {
            at += 1
            return readObject()
        }
        if byte == ASCII.openBracket || byte == UInt8(ascii: "(") {
            at += 1
            return readArray()
        }
        if quoteLength(at: at) > 0 || escapedQuote(at: at) {
            var value = ByteBuffer()
            readString(place, into: &value)
            out.append(jsonString: value.slice)
            return true
        }
        return readBare(place)
    }

    /// Python's `r"..."`, `f"..."` and the like.
    private mutating func skipStringPrefix() {
        var end = at
        while end < text.count, end - at < 2, Self.isStringPrefix(text[end]) { end += 1 }
        if end > at, quoteLength(at: end) > 0 { at = end }
    }

    private static func isStringPrefix(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return letter == UInt8(ascii: "r") || letter == UInt8(ascii: "b")
            || letter == UInt8(ascii: "f") || letter == UInt8(ascii: "u")
    }

    /// A number, a word, or text without quotes.
    private mutating func readBare(_ place: Place) -> Bool {
        let start = at
        var parentheses = 0
        while at < text.count {
            let byte = text[at]
            if byte == UInt8(ascii: "(") { parentheses += 1 }
            if byte == UInt8(ascii: ")") {
                if parentheses == 0 { break }
                parentheses -= 1
            }
            if byte == ASCII.lf || byte == ASCII.cr { break }
            if parentheses == 0 {
                if byte == ASCII.closeBrace || byte == ASCII.closeBracket { break }
                if byte == ASCII.comma || byte == UInt8(ascii: ";"),
                    place == .element || endsMember(behind: at + 1)
                {
                    break
                }
                if byte == UInt8(ascii: "/"), at > start, isComment(at),
                    ArgumentRecovery.isSpace(text[at - 1])
                {
                    break
                }
                if byte == ASCII.backslash, escapedSpace(at: at) { break }
            }
            at += 1
        }
        let word = ArgumentRecovery.trimmed(text[start..<at])
        guard !word.isEmpty, !word.raw.allSatisfy({ $0 == UInt8(ascii: ".") }) else {
            return false
        }
        return BareWord.append(word, isCut: at == text.count, to: &out)
    }

    // MARK: Looking

    mutating func skipFiller() { at = fillerEnd(from: at, isFree: true) }

    /// Behind white space, comments and escaped white space.
    mutating func fillerEnd(from start: Int, isFree: Bool = false) -> Int {
        var index = start
        while index < text.count {
            let byte = text[index]
            let before = index
            if ArgumentRecovery.isSpace(byte) {
                index += 1
            } else if byte == 0xC2, index + 1 < text.count, text[index + 1] == 0xA0 {
                index += 2
            } else if byte == ASCII.backslash, escapedSpace(at: index) {
                index += 2
            } else if isComment(index) {
                index = commentEnd(from: index)
            }
            if index == before { break }
            if !isFree {
                budget -= index - before
                if budget <= 0 { break }
            }
        }
        return index
    }

    /// A literal `\n`, `\r` or `\t` between tokens.
    private func escapedSpace(at index: Int) -> Bool {
        guard index + 1 < text.count, text[index] == ASCII.backslash else { return false }
        let letter = text[index + 1]
        return letter == UInt8(ascii: "n") || letter == UInt8(ascii: "r")
            || letter == UInt8(ascii: "t")
    }

    private func isComment(_ index: Int) -> Bool {
        guard index + 1 < text.count else { return false }
        let next = text[index + 1]
        switch text[index] {
        case UInt8(ascii: "/"): return next == UInt8(ascii: "/") || next == UInt8(ascii: "*")
        case UInt8(ascii: "#"): return next == ASCII.space
        default: return false
        }
    }

    private func commentEnd(from index: Int) -> Int {
        let rest = text.dropFirst(index)
        if rest.hasPrefix("/*") {
            return rest.dropFirst(2).firstRange(of: "*/").map { index + $0 + 4 } ?? text.count
        }
        return rest.firstIndex(of: ASCII.lf).map { index + $0 } ?? text.count
    }

    func isCloser(_ byte: UInt8) -> Bool {
        byte == ASCII.closeBrace || byte == ASCII.closeBracket || byte == UInt8(ascii: ")")
    }

    /// Whether a value could begin there.
    func beginsValue(_ index: Int) -> Bool {
        let byte = text[index]
        return byte == ASCII.openBrace || byte == ASCII.openBracket || ASCII.isDigit(byte)
            || byte == UInt8(ascii: "-") || quoteLength(at: index) > 0
    }

    /// Whether a comma and another member follow.
    private mutating func goesOnAsObject(_ index: Int) -> Bool {
        let comma = fillerEnd(from: index)
        guard comma < text.count, text[comma] == ASCII.comma else { return false }
        let name = fillerEnd(from: comma + 1)
        return name < text.count && quoteLength(at: name) > 0 && looksLikeName(at: name)
    }

    /// Whether the value of a member ends before the comma in front of `index`.
    private mutating func endsMember(behind index: Int) -> Bool {
        let next = fillerEnd(from: index)
        return next >= text.count || isCloser(text[next]) || text[next] == ASCII.comma
            || quoteLength(at: next) > 0 || looksLikeName(at: next)
    }

    static func isOfName(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "$") || byte == UInt8(ascii: ".")
            || byte >= 0x80
    }

    /// Takes what `write` writes of the text from here on.
    mutating func advance(to index: Int) { at = index }

    mutating func write(name: ByteSlice) { out.append(jsonString: name) }
}

/// Words without quotes.
enum BareWord {
    /// Writes the value that `word` stands for; false if it stands for none.
    static func append(_ word: ByteSlice, isCut: Bool, to out: inout ByteBuffer) -> Bool {
        if word.equalsIgnoringCase("true") {
            out.append("true" as StaticString)
        } else if word.equalsIgnoringCase("false") {
            out.append("false" as StaticString)
        } else if isNull(word) {
            out.append("null" as StaticString)
        } else if isCut, let literal = completed(word) {
            out.append(literal)
        } else if isCut, word == "-" {
            return false
        } else if !append(number: word, isCut: isCut, to: &out) {
            out.append(jsonString: word)
        }
        return true
    }

    private static func isNull(_ word: ByteSlice) -> Bool {
        word.equalsIgnoringCase("null") || word == "None" || word == "undefined" || word == "NaN"
            || word == "nil" || word == "Infinity" || word == "-Infinity"
    }

    private static func completed(_ word: ByteSlice) -> StaticString? {
        let literals: [StaticString] = ["true", "false", "null"]
        return literals.first { literal in
            word.count >= 2 && word.count < literal.utf8CodeUnitCount
                && ByteSlice(literal).prefix(word.count) == word
        }
    }

    /// `+5`, `.5`, `5.`, `0x1F`, `1_000`, and numbers as they are.
    private static func append(
        number word: ByteSlice, isCut: Bool, to out: inout ByteBuffer
    ) -> Bool {
        if word.count > 2, word.count <= 17, word[0] == ASCII.zero, word[1] | 0x20 == 0x78 {
            var value: UInt64 = 0
            for index in 2..<word.count {
                guard let digit = ASCII.hexValue(word[index]) else { return false }
                value = value << 4 | UInt64(digit)
            }
            guard let value = Int(exactly: value) else { return false }
            out.append(decimal: value)
            return true
        }
        var plain = ByteBuffer()
        for index in 0..<word.count {
            let byte = word[index]
            if byte == UInt8(ascii: "_"), index > 0, ASCII.isDigit(word[index - 1]) { continue }
            if byte == UInt8(ascii: "+"), index == 0 { continue }
            let isFirst = plain.isEmpty || plain.slice[plain.count - 1] == UInt8(ascii: "-")
            if byte == UInt8(ascii: "."), isFirst { plain.append(ASCII.zero) }
            plain.append(byte)
        }
        while isCut, plain.count > 1, !ASCII.isDigit(plain.slice[plain.count - 1]),
            ASCII.isDigit(plain.slice[0]) || plain.slice[0] == UInt8(ascii: "-"),
            ".eE+-".utf8.contains(plain.slice[plain.count - 1])
        {
            plain.truncate(to: plain.count - 1)
        }
        if plain.count > 1, plain.slice[plain.count - 1] == UInt8(ascii: ".") {
            plain.truncate(to: plain.count - 1)
        }
        do throws(JSONFailure) {
            guard try JSONScanner.validate(plain.slice) == .number else { return false }
        } catch { return false }
        out.append(plain.slice)
        return true
    }
}
