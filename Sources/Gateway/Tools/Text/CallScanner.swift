// CallScanner.swift — finds what may be calls of tools in a text as it comes, and holds back only
// that. Pure; owns what it holds. Used by TextToolParser.

import GatewayCodec
import ReactorCore

/// One text's scanner.
///
/// Forms of calls: the one that TextTools asks for, and those that models were trained on:
/// `<tool_call>`, `<tool_use>`, `<function=NAME>`, `<invoke name="NAME">`, `[TOOL_CALLS]`, JSON in a
/// fence, and JSON that begins a line with a member that calls have.
struct CallScanner {
    enum Piece {
        case text(ByteSlice)
        /// What may be a call: its form, its body, and all of it, to be passed on if it is none.
        case call(Form, body: ByteSlice, whole: ByteSlice)
        /// The model goes on with a result of its own making: the beginning of its tag.
        case result(ByteSlice)
    }

    enum Form { case tagged, function, invoke, list, fence, bare }

    /// The longest call; what is longer is text.
    static let heldBytesMax = 1 << 20
    /// What has not shown itself to be a call by then is text: white space can go on for ever.
    static let candidateBytesMax = 1024

    private enum State {
        case text
        /// What is held may be the beginning of a call.
        case candidate
        case call(Form, head: Int)
    }

    private var state = State.text
    private var held: [UInt8] = []
    /// How far the call's body has been looked through: for the checker, and for its end tag.
    private var checked = 0
    private var searched = 0
    private var checker = ArgumentChecker()
    /// Whether only white space has come since the last line end.
    private var isLineBlank = true
    /// Whether a fence was opened by what became a call.
    private var awaitsFence = false

    /// Takes more text.
    mutating func take(_ text: ByteSlice, _ emit: (inout CallScanner, Piece) -> Void) {
        var text = text
        if case .text = state, held.isEmpty {
            let plain = plainLength(text)
            if plain > 0 { emit(&self, .text(text.prefix(plain))) }
            text = text.dropFirst(plain)
            if text.isEmpty { return }
        }
        held.append(contentsOf: text.raw)
        drain(isEnd: false, emit)
    }

    /// The text has ended.
    mutating func finish(_ emit: (inout CallScanner, Piece) -> Void) { drain(isEnd: true, emit) }

    /// What became of a call in a fence: its closing fence belongs to it, or to the text.
    mutating func fenceWasCall() { awaitsFence = true }

    private mutating func drain(isEnd: Bool, _ emit: (inout CallScanner, Piece) -> Void) {
        let bytes = held
        held = []
        let used = bytes.withUnsafeBytes { raw -> Int in
            let all = ByteSlice(raw)
            var used = 0
            while used < all.count {
                let length = step(all.dropFirst(used), isEnd: isEnd, emit)
                if length == 0 { break }
                used += length
            }
            return used
        }
        held = used == 0 ? bytes : Array(bytes[used...])
    }

    /// Bytes that were dealt with; 0: more must come. The state may have changed in either case.
    private mutating func step(
        _ rest: ByteSlice, isEnd: Bool, _ emit: (inout CallScanner, Piece) -> Void
    ) -> Int {
        switch state {
        case .text:
            let plain = plainLength(rest)
            if plain > 0 {
                emit(&self, .text(rest.prefix(plain)))
                return plain
            }
            state = .candidate
            return step(rest, isEnd: isEnd, emit)
        case .candidate:
            let isLate = rest.count > Self.candidateBytesMax
            switch classify(
                rest.prefix(min(rest.count, Self.candidateBytesMax)), isEnd: isEnd || isLate)
            {
            case .more: return 0
            case .noise(let length):
                state = .text
                return length
            case .none:
                state = .text
                isLineBlank = false
                emit(&self, .text(rest.prefix(1)))
                return 1
            case .result:
                state = .text
                isLineBlank = false
                emit(&self, .result(rest.prefix(Self.result.utf8CodeUnitCount)))
                return Self.result.utf8CodeUnitCount
            case .opens(let form, let head):
                state = .call(form, head: head)
                checker = ArgumentChecker()
                checked = head
                searched = head
                return step(rest, isEnd: isEnd, emit)
            }
        case .call(let form, let head):
            guard let (bodyEnd, end) = end(of: form, head: head, in: rest, isEnd: isEnd) else {
                guard rest.count > Self.heldBytesMax else { return 0 }
                state = .text
                emit(&self, .text(rest))
                return rest.count
            }
            state = .text
            isLineBlank = false
            emit(&self, .call(form, body: rest[head..<bodyEnd], whole: rest.prefix(end)))
            return end
        }
    }

    /// Bytes before the first that could begin a call.
    private mutating func plainLength(_ text: ByteSlice) -> Int {
        for index in 0..<text.count {
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "<"), ASCII.openBracket, UInt8(ascii: "`"): return index
            case ASCII.openBrace: if isLineBlank { return index }
            case ASCII.lf: isLineBlank = true
            case ASCII.space, ASCII.tab, ASCII.cr: break
            default: isLineBlank = false
            }
        }
        return text.count
    }

    // MARK: Beginnings

    private enum Class {
        case more, none, result
        /// A tag around calls, which says nothing.
        case noise(Int)
        case opens(Form, head: Int)
    }

    private static let openers: [(StaticString, Form?)] = [
        ("<tool_call>", .tagged), ("<tool_use>", .tagged), ("<function=", .function),
        ("<invoke ", .invoke), ("[TOOL_CALLS]", .list), ("</tool_call>", nil), ("</tool_use>", nil),
        ("<tool_calls>", nil), ("</tool_calls>", nil), ("<function_calls>", nil),
        ("</function_calls>", nil),
    ]

    private static let result: StaticString = "<tool_response"

    private func classify(_ rest: ByteSlice, isEnd: Bool) -> Class {
        if rest[0] == UInt8(ascii: "`") { return classifyFence(rest, isEnd: isEnd) }
        if rest[0] == ASCII.openBrace { return classifyBare(rest, isEnd: isEnd) }
        for (opener, form) in Self.openers {
            let opener = ByteSlice(opener)
            if rest.count < opener.count {
                if !isEnd, opener.prefix(rest.count) == rest { return .more }
                continue
            }
            guard rest.prefix(opener.count) == opener else { continue }
            guard let form else { return .noise(opener.count) }
            return open(form, rest, opener.count, isEnd: isEnd)
        }
        let response = ByteSlice(Self.result)
        if rest.count >= response.count {
            return rest.prefix(response.count) == response ? .result : .none
        }
        return !isEnd && response.prefix(rest.count) == rest ? .more : .none
    }

    private func open(_ form: Form, _ rest: ByteSlice, _ length: Int, isEnd: Bool) -> Class {
        guard form == .tagged else { return .opens(form, head: length) }
        // `<tool_call>` around another form is only noise.
        var index = length
        while index < rest.count, ArgumentRecovery.isSpace(rest[index]) { index += 1 }
        guard index < rest.count else { return isEnd ? .noise(index) : .more }
        let tail = rest.dropFirst(index)
        for inner in ["<function=", "<invoke "] as [StaticString] {
            let inner = ByteSlice(inner)
            if tail.count >= inner.count {
                if tail.prefix(inner.count) == inner { return .noise(index) }
            } else if !isEnd, inner.prefix(tail.count) == tail {
                return .more
            }
        }
        return .opens(.tagged, head: index)
    }

    private func classifyFence(_ rest: ByteSlice, isEnd: Bool) -> Class {
        let marks = min(rest.count, 3)
        guard rest.prefix(marks) == ByteSlice("```" as StaticString).prefix(marks) else {
            return .none
        }
        if marks < 3 { return isEnd ? .none : .more }
        if awaitsFence { return .noise(3) }
        var index = 3
        while index < rest.count, index < 19, rest[index] != ASCII.lf {
            guard ASCII.isLetter(rest[index]) || rest[index] == UInt8(ascii: "_") else {
                return .none
            }
            index += 1
        }
        while index < rest.count, ArgumentRecovery.isSpace(rest[index]) { index += 1 }
        guard index < rest.count else { return isEnd ? .none : .more }
        let isJSON = rest[index] == ASCII.openBrace || rest[index] == ASCII.openBracket
        return isJSON ? .opens(.fence, head: index) : .none
    }

    private static let memberNames: [StaticString] = [
        "name", "tool", "tool_name", "function", "tool_calls", "arguments", "parameters", "type",
    ]

    /// An object at the beginning of a line, whose first member is one of a call's.
    private func classifyBare(_ rest: ByteSlice, isEnd: Bool) -> Class {
        var index = 1
        while index < rest.count, ArgumentRecovery.isSpace(rest[index]) { index += 1 }
        guard index < rest.count else { return isEnd ? .none : .more }
        guard TolerantReader.isQuote(rest[index]) else { return .none }
        let name = rest.dropFirst(index + 1)
        for known in Self.memberNames {
            let known = ByteSlice(known)
            if name.count <= known.count {
                if !isEnd, known.prefix(name.count) == name { return .more }
            } else if name.prefix(known.count) == known, TolerantReader.isQuote(name[known.count]) {
                return .opens(.bare, head: 0)
            }
        }
        return .none
    }

    // MARK: Ends

    /// Where a call's body and all of it end.
    private mutating func end(
        of form: Form, head: Int, in rest: ByteSlice, isEnd: Bool
    ) -> (body: Int, all: Int)? {
        let tag: StaticString?
        switch form {
        case .function: tag = "</function>"
        case .invoke: tag = "</invoke>"
        case .tagged: tag = "</tool_"
        case .fence: tag = "\n```"
        case .list, .bare: tag = nil
        }
        if form != .function, form != .invoke {
            checked += checker.takeValue(rest.dropFirst(checked))
            if checker.hasEnded { return (checked, checked) }
            if checker.verdict != .broken { return isEnd ? cut(at: tag, head, rest) : nil }
        }
        guard let tag else { return isEnd ? (rest.count, rest.count) : nil }
        // Again from where the tag may have begun.
        let from = max(head, searched - tag.utf8CodeUnitCount)
        searched = rest.count
        guard let found = rest.dropFirst(from).firstRange(of: tag) else {
            return isEnd ? (rest.count, rest.count) : nil
        }
        let body = from + found
        // `</tool_call>` and closing fences are noise to come.
        return (body, form == .tagged || form == .fence ? body : body + tag.utf8CodeUnitCount)
    }

    /// The text has ended within a value: at the end tag, if there is one.
    private func cut(at tag: StaticString?, _ head: Int, _ rest: ByteSlice) -> (Int, Int) {
        guard let tag, let found = rest.dropFirst(head).firstRange(of: tag) else {
            return (rest.count, rest.count)
        }
        return (head + found, head + found)
    }
}
