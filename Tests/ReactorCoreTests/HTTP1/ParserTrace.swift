// ParserTrace.swift — what a parser said about some bytes, as lines of text that compare however
// the bytes were cut. For the tests of HTTP1Parser.

import ReactorCore

/// Feeds a parser and writes down its events; neighbouring body events are joined.
struct ParserTrace {
    var role = HTTP1Parser.Role.request
    var limits = HTTPHeadLimits()
    /// Responses: whether the one with this index answers a HEAD request.
    var hasNoBody: (Int) -> Bool = { _ in false }
    /// Whether the input's end is told as well.
    var finishes = true

    private static let poison: UInt8 = 0xA5

    /// The events of `input`, fed in pieces that end at `cuts`.
    func of(_ input: [UInt8], cutAt cuts: [Int] = []) -> [String] {
        let settings = HTTP1ParserSettings()
        var parser = HTTP1Parser(role, limits: limits, settings: settings)
        var lines: [String] = []
        var messages = 0
        parser.expectNoBody(hasNoBody(0))
        var start = 0
        for end in cuts + [input.count] {
            // Memory of its own that is spoiled behind the call: a slice kept too long would show.
            let piece = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: max(end - start, 1))
            defer {
                piece.update(repeating: Self.poison)
                piece.deallocate()
            }
            for index in start..<end { piece[index - start] = input[index] }
            var rest = ByteSlice(UnsafeRawBufferPointer(piece)).prefix(end - start)
            start = end
            loop: while true {
                switch parser.next(&rest) {
                case .needsInput:
                    if !rest.isEmpty { lines.append("left \(rest.count) bytes unread") }
                    break loop
                case .head:
                    lines.append(Self.line(of: parser.head, role))
                case .body(let bytes):
                    Self.append(body: bytes, to: &lines)
                case .end:
                    lines.append("end")
                    messages += 1
                    parser.expectNoBody(hasNoBody(messages))
                case .failed(let failure):
                    lines.append("failed \(Self.name(of: failure))")
                    var none = ByteSlice.empty
                    guard case .failed(failure) = parser.next(&none) else {
                        return lines + ["went on behind a failure"]
                    }
                    return lines
                }
            }
        }
        if finishes { lines.append(Self.line(of: parser.finish())) }
        return lines
    }

    /// The events of `text` in one piece.
    func of(_ text: String) -> [String] { of(Array(text.utf8)) }

    /// Every way of cutting `input` in two, and the one byte by byte.
    static func cuts(of input: [UInt8]) -> [[Int]] {
        guard input.count > 1 else { return [[]] }
        return (1..<input.count).map { [$0] } + [Array(1..<input.count)]
    }

    static func name(of failure: HTTP1Failure) -> String {
        if case .malformed(let what) = failure { return "malformed(\(what))" }
        return "\(failure)"
    }

    private static func line(of event: HTTP1Parser.Event) -> String {
        switch event {
        case .needsInput: "closed between messages"
        case .end: "end by close"
        case .failed(let failure): "closed: \(name(of: failure))"
        case .head, .body: "impossible at the end"
        }
    }

    private static func append(body: ByteSlice, to lines: inout [String]) {
        if body.isEmpty { lines.append("empty body event") }
        if let last = lines.last, last.hasPrefix("body ") {
            lines[lines.count - 1] = last + body.string
        } else {
            lines.append("body " + body.string)
        }
    }

    private static func line(of head: HTTPHead, _ role: HTTP1Parser.Role) -> String {
        var words: [String] = []
        switch role {
        case .request: words.append("\(head.method.token) \(head.target.string)")
        case .response: words.append("\(head.status)")
        }
        words.append("1.\(head.minorVersion) \(head.framing) \(head.byteCount)B")
        if head.keepsAlive { words.append("alive") }
        if head.asksForUpgrade { words.append("upgrade") }
        for index in 0..<head.fields.count {
            words.append("\(head.fields.name(index).string)=\(head.fields.value(index).string)")
        }
        return words.joined(separator: " | ")
    }
}
