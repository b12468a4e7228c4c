// ArgumentProgress.swift — whether the arguments of a call, read piece by piece, are a whole object.
// Pure. Only ChatAnswerAssembler uses it: once a call's object is closed, no more can belong to it.

import ReactorCore

/// How far one JSON object has come. Anything that is no object is never whole.
struct ArgumentProgress {
    private var depth = 0
    private var isQuoted = false
    private var isEscaped = false
    private(set) var isWhole = false
    /// The last byte that is no white space.
    private(set) var lastByte: UInt8 = 0

    /// Takes the next piece, cut wherever.
    mutating func add(_ piece: ByteSlice) {
        for index in 0..<piece.count {
            let byte = piece[index]
            if byte > ASCII.space { lastByte = byte }
            if isQuoted {
                if isEscaped {
                    isEscaped = false
                } else if byte == ASCII.backslash {
                    isEscaped = true
                } else if byte == ASCII.quote {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case ASCII.quote: isQuoted = true
            case ASCII.openBrace, ASCII.openBracket:
                depth += 1
                isWhole = false
            case ASCII.closeBrace, ASCII.closeBracket:
                depth -= 1
                isWhole = depth == 0 && byte == ASCII.closeBrace
            default: break
            }
        }
    }
}
