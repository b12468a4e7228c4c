// JSONScanner+Picks.swift — the pass that finds a few members of a document and validates all of it: what
// walking with `nextName` does, in one loop whose state the compiler keeps in registers.

import ReactorCore

extension JSONScanner {
    /// Scans the value that comes, to its end, and notes what of `picks` is in it; nothing if it is
    /// no object.
    package mutating func find(
        _ picks: JSONPicks, _ found: inout JSONFound
    ) throws(JSONFailure) {
        guard comesObject else {
            try value()
            return
        }
        precondition(position == .value, "no value is due")
        var cursor = self.cursor
        var open = self.open
        let floor = open.depth
        /// What is wanted in the innermost container, and which member is foreseen next.
        var level = 0
        var likely = 0
        /// The same of those around it, sixteen bits each.
        var outer: UInt64 = 0
        guard open.push(isObject: true) else { throw cursor.failure(.tooDeep) }
        cursor.at += 1
        cursor.skipSpace()
        var isEmpty = cursor.next == ASCII.closeBrace
        values: while true {
            let isObject = open.innermostIsObject
            if !isEmpty {
                var entry = JSONPicks.Entry(number: -1, level: level, inner: 0)
                if isObject {
                    entry = try cursor.nextEntry(picks.levels[level], &likely, &found)
                }
                let start = cursor.offset
                let first = cursor.next
                var hasEscapes = false
                switch first {
                case ASCII.quote: hasEscapes = try cursor.skipString()
                case ASCII.openBrace, ASCII.openBracket:
                    // Arrays in arrays hold nothing that is wanted.
                    if entry.level >= 0, isObject || first == ASCII.openBrace {
                        let isBrace = first == ASCII.openBrace
                        guard open.push(isObject: isBrace) else {
                            throw cursor.failure(.tooDeep)
                        }
                        if entry.number >= 0 {
                            found.note(entry, first, start..<start + 1, hasEscapes: false)
                        }
                        outer = outer &<< 16 | UInt64(truncatingIfNeeded: level &<< 8 | likely)
                        level = entry.level
                        likely = 0
                        cursor.at += 1
                        cursor.skipSpace()
                        isEmpty =
                            cursor.next == (isBrace ? ASCII.closeBrace : ASCII.closeBracket)
                        continue values
                    }
                    self.cursor = cursor
                    self.open = open
                    try skipContainer()
                    cursor = self.cursor
                default: try cursor.skipScalar()
                }
                if entry.number >= 0 {
                    let range = Range(uncheckedBounds: (start, cursor.offset))
                    found.note(entry, first, range, hasEscapes: hasEscapes)
                }
            }
            isEmpty = false
            // Behind a value or in an empty container: close what ends here, then a comma.
            while true {
                cursor.skipSpace()
                if cursor.next == ASCII.comma {
                    cursor.at += 1
                    cursor.skipSpace()
                    continue values
                }
                let closing = open.innermostIsObject ? ASCII.closeBrace : ASCII.closeBracket
                guard cursor.next == closing else { throw cursor.failure(.unexpectedByte) }
                cursor.at += 1
                open.pop()
                if open.depth == floor { break values }
                level = Int(truncatingIfNeeded: outer &>> 8 & 0xFF)
                likely = Int(truncatingIfNeeded: outer & 0xFF)
                outer &>>= 16
            }
        }
        self.cursor = cursor
        self.open = open
        position = .later
    }
}

extension JSONCursor {
    /// From the opening quote of a member's name to its value. - Returns: what to do with the member.
    @inline(__always)
    fileprivate mutating func nextEntry(
        _ level: JSONPicks.Level, _ likely: inout Int, _ found: inout JSONFound
    ) throws(JSONFailure) -> JSONPicks.Entry {
        let count = level.names.memberCount(likely, at: at, before: end)
        if count > 0 {
            at += count
            likely &+= 1
            return level.entries[likely &- 1]
        }
        let start = at + 1
        let (close, hasEscapes) = try skipKey()
        guard let index = name(from: start, to: close, hasEscapes, in: level.names) else {
            return JSONPicks.Entry(number: -1, level: -1, inner: 0)
        }
        likely = index &+ 1
        if hasEscapes { found.noteEscape(level.entries[index]) }
        return level.entries[index]
    }
}
