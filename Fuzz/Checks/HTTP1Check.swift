// HTTP1Check.swift — what must hold of the HTTP/1 parser for any bytes at all.
// Called by the fuzz target with made-up bytes and by the tests with the corpus and random ones.

import ReactorCore

/// Checks of the HTTP/1 parser; each answers what is wrong, or nil.
package enum HTTP1Check {
    /// Something the parser said.
    enum Event: Equatable {
        /// Its text, fields and framing, and where its bytes lie in the input.
        case head(String, Range<Int>)
        case body([UInt8])
        case end
        case failed
        /// How the end of the input was taken.
        case finished(String)
    }

    /// The parser says the same however the bytes are cut, and every head that it accepts keeps
    /// the grammar to the letter.
    package static func run(_ bytes: [UInt8]) -> String? {
        for role in [HTTP1Parser.Role.request, .response] {
            for limits in [HTTPHeadLimits(), .tiny] {
                for answersHead in role == .response ? [false, true] : [false] {
                    let run = Run(role: role, limits: limits, answersHead: answersHead)
                    if let complaint = run.check(bytes) {
                        return "\(role), \(limits.headBytesMax) bytes at most: \(complaint)"
                    }
                }
            }
        }
        return nil
    }

    private struct Run {
        let role: HTTP1Parser.Role
        let limits: HTTPHeadLimits
        let answersHead: Bool
        let settings = HTTP1ParserSettings()

        func check(_ bytes: [UInt8]) -> String? {
            var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
            let whole = parse(bytes) { bytes.count }
            if let complaint = whole.complaint { return "whole: \(complaint)" }
            for event in whole.events {
                guard case .head(_, let range) = event else { continue }
                let head = Array(bytes[range])
                if let complaint = HTTP1Grammar.complaint(of: head, isRequest: role == .request) {
                    return "accepted a head: \(complaint)"
                }
            }
            let cuts: [(String, () -> Int)] = [
                ("bytewise", { 1 }), ("at random", { Int.random(in: 1...24, using: &random) }),
            ]
            for (manner, length) in cuts {
                let cut = parse(bytes, nextLength: length)
                if let complaint = cut.complaint { return "\(manner): \(complaint)" }
                if cut.events != whole.events {
                    return "\(manner): \(cut.events), not \(whole.events)"
                }
            }
            return nil
        }

        func parse(
            _ bytes: [UInt8], nextLength: () -> Int
        ) -> (events: [Event], complaint: String?) {
            var parser = HTTP1Parser(role, limits: limits, settings: settings)
            parser.expectNoBody(answersHead)
            var events: [Event] = []
            var from = 0
            var messageStart = 0
            while from < bytes.count {
                let until = min(bytes.count, from + max(1, nextLength()))
                // Memory of its own, so that a slice kept too long is caught by the sanitizer.
                var piece = ByteBuffer(capacity: until - from)
                bytes[from..<until].withUnsafeBytes { piece.append(ByteSlice($0)) }
                var rest = piece.slice
                pulling: while true {
                    let event = parser.next(&rest)
                    let consumed = until - rest.count
                    switch event {
                    case .needsInput:
                        guard rest.isEmpty else { return (events, "wants more with input left") }
                        break pulling
                    case .head:
                        let head = parser.head
                        let range = (consumed - head.byteCount)..<consumed
                        guard range.lowerBound == messageStart else {
                            return (events, "a head of \(head.byteCount) bytes")
                        }
                        events.append(.head(HTTP1Check.text(of: head), range))
                    case .body(let body):
                        guard !body.isEmpty else { return (events, "an empty piece of body") }
                        if case .body(let before) = events.last {
                            events[events.count - 1] = .body(before + Array(body.raw))
                        } else {
                            events.append(.body(Array(body.raw)))
                        }
                    case .end:
                        messageStart = consumed
                        events.append(.end)
                    case .failed:
                        events.append(.failed)
                        return (events, nil)
                    }
                }
                from = until
            }
            switch parser.finish() {
            case .needsInput: events.append(.finished("between messages"))
            case .end: events.append(.finished("ends the body"))
            case .failed(.truncated): events.append(.finished("truncated"))
            case .head, .body, .failed: return (events, "an odd end")
            }
            return (events, nil)
        }
    }

    private static func text(of head: HTTPHead) -> String {
        var text = "\(head.method) \(head.target.string) \(head.status) 1.\(head.minorVersion) "
        text += "\(head.framing) \(head.keepsAlive) \(head.asksForUpgrade)"
        for index in 0..<head.fields.count {
            text += "|\(head.fields.name(index).string)=\(head.fields.value(index).string)"
        }
        return text
    }
}

extension HTTPHeadLimits {
    fileprivate static var tiny: HTTPHeadLimits {
        var limits = HTTPHeadLimits()
        limits.targetBytesMax = 16
        limits.lineBytesMax = 32
        limits.headBytesMax = 120
        limits.fieldCountMax = 4
        limits.overheadBytesMax = 16
        return limits
    }
}

/// The grammar of a head, told plainly (RFC 9112 sections 2 to 5).
enum HTTP1Grammar {
    static func complaint(of head: [UInt8], isRequest: Bool) -> String? {
        var rest = head[...]
        while rest.starts(with: [13, 10]) { rest = rest.dropFirst(2) }
        guard rest.count >= 4, rest.suffix(4) == [13, 10, 13, 10] else { return "no empty line" }
        var lines: [ArraySlice<UInt8>] = []
        var start = rest.startIndex
        for index in rest.indices where rest[index] == 10 {
            guard index > start, rest[index - 1] == 13 else { return "a bare LF" }
            lines.append(rest[start..<(index - 1)])
            start = index + 1
        }
        guard lines.last?.isEmpty == true, lines.dropLast().allSatisfy({ !$0.isEmpty }) else {
            return "an empty line within"
        }
        lines.removeLast()
        for line in lines where line.contains(where: { $0 < 0x20 && $0 != 9 || $0 == 0x7F }) {
            // llhttp allows DEL in a reason phrase.
            if isRequest || line != lines[0] { return "a control character" }
            if line.contains(where: { $0 < 0x20 && $0 != 9 }) { return "a control character" }
        }
        let first = lines.removeFirst()
        if let complaint = isRequest ? requestLine(first) : statusLine(first) { return complaint }
        return fields(lines, isRequest: isRequest)
    }

    private static func requestLine(_ line: ArraySlice<UInt8>) -> String? {
        let words = line.split(separator: 32, omittingEmptySubsequences: false)
        guard words.count == 3, !words[1].isEmpty else { return "not three words" }
        // M-SEARCH has a hyphen.
        let isMethod = words[0].allSatisfy { $0 >= 65 && $0 <= 90 || $0 == 45 }
        guard !words[0].isEmpty, isMethod else { return "no method" }
        let target = words[1].allSatisfy { $0 > 32 && $0 < 127 }
        guard target else { return "a byte in the target" }
        return isVersion(words[2]) ? nil : "a version"
    }

    private static func statusLine(_ line: ArraySlice<UInt8>) -> String? {
        guard line.count >= 12, isVersion(line.prefix(8)) else { return "a version" }
        let rest = line.dropFirst(8)
        guard rest.first == 32, rest.dropFirst().prefix(3).allSatisfy({ $0 >= 48 && $0 <= 57 })
        else { return "no status" }
        return rest.count == 4 || rest.dropFirst(4).first == 32 ? nil : "a status of four digits"
    }

    private static func isVersion(_ word: ArraySlice<UInt8>) -> Bool {
        word.elementsEqual("HTTP/1.1".utf8) || word.elementsEqual("HTTP/1.0".utf8)
    }

    private static func fields(_ lines: [ArraySlice<UInt8>], isRequest: Bool) -> String? {
        var lengths: [String] = []
        var codings: [String] = []
        for line in lines {
            guard let colon = line.firstIndex(of: 58), colon > line.startIndex else {
                return "a line without a name"
            }
            let name = line[..<colon]
            guard name.allSatisfy(ASCII.isToken) else { return "a name that is no token" }
            let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
                .drop { $0 == " " || $0 == "\t" }.lowercased()
            let end = value.lastIndex { $0 != " " && $0 != "\t" }
            let trimmed = end.map { String(value[...$0]) } ?? ""
            switch String(decoding: name, as: UTF8.self).lowercased() {
            case "content-length": lengths.append(trimmed)
            case "transfer-encoding": codings.append(trimmed)
            default: break
            }
        }
        if lengths.count + codings.count > 1 { return "two ways to tell the length" }
        if let length = lengths.first, UInt64(length) == nil || length.hasPrefix("+") {
            return "a length that is no number"
        }
        if let coding = codings.first, coding != "chunked" { return "a coding" }
        return nil
    }
}
