// JSONNames.swift — the few member names that a reader of JSON acts upon.
// Pure; made once and kept for ever. JSONScanner looks each member's name up here, which costs a
// few instructions for one that is not in it.

import ReactorCore

/// A fixed list of names. An instance is never freed: it belongs in a `static let`.
package struct JSONNames: @unchecked Sendable {
    // @unchecked: the memory behind the pointer is never written after init.

    private struct Entry {
        let name: ByteSlice
        /// The first eight bytes, zeros behind a shorter name.
        let word: UInt64
        /// All ones where `word` has bytes of the name.
        let mask: UInt64
        /// The last eight bytes of a longer name.
        let tail: UInt64

        init(_ name: ByteSlice) {
            self.name = name
            var word: UInt64 = 0
            var mask: UInt64 = 0
            for place in 0..<min(8, name.count) {
                word |= UInt64(name[place]) << (8 * place)
                mask |= 0xFF << (8 * place)
            }
            self.word = word
            self.mask = mask
            tail = name.count > 8 ? JSONNames.word(name.end - 8) : 0
        }

        /// Whether the bytes at `key` begin with the name. Eight bytes must be readable there, and
        /// as many as the name has.
        @inline(__always)
        func begins(at key: UnsafePointer<UInt8>) -> Bool {
            guard JSONNames.word(key) & mask == word else { return false }
            if name.count <= 8 { return true }
            if JSONNames.word(key + (name.count &- 8)) != tail { return false }
            return name.count <= 16 || ByteSlice(key, count: name.count) == name
        }
    }

    @inline(__always)
    private static func word(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
    }

    /// So long may a name be.
    package static let bytesMax = 63

    private let entries: UnsafePointer<Entry>
    private let count: Int
    /// Bit n says that a name of n bytes is in the list.
    private let lengths: UInt64
    private let longest: Int

    package init(_ names: StaticString...) {
        let memory = UnsafeMutablePointer<Entry>.allocate(capacity: names.count)
        var lengths: UInt64 = 0
        var longest = 0
        for (index, literal) in names.enumerated() {
            let name = ByteSlice(literal)
            precondition(name.count <= Self.bytesMax, "a name is too long for the list")
            (memory + index).initialize(to: Entry(name))
            lengths |= 1 << name.count
            longest = max(longest, name.count)
        }
        entries = UnsafePointer(memory)
        count = names.count
        self.lengths = lengths
        self.longest = longest
    }

    /// Which name the `length` bytes at `key` are. Eight bytes must be readable there.
    @inline(__always)
    func index(ofEightReadable key: UnsafePointer<UInt8>, length: Int) -> Int? {
        guard length <= Self.bytesMax, lengths &>> UInt64(length) & 1 == 1 else { return nil }
        var index = 0
        while index < count {
            if entries[index].name.count == length, entries[index].begins(at: key) { return index }
            index &+= 1
        }
        return nil
    }

    /// The bytes of `"name":` if that stands at `place`, before `end`, for the name in place `index`,
    /// with a value behind it; else 0.
    @inline(__always)
    func memberCount(
        _ index: Int, at place: UnsafePointer<UInt8>, before end: UnsafePointer<UInt8>
    ) -> Int {
        guard index < count else { return 0 }
        let length = entries[index].name.count
        let close = place + 1 + length
        guard end - place > 8, end - close > 2, place[0] == ASCII.quote,
            entries[index].begins(at: place + 1), close[0] == ASCII.quote,
            close[1] == ASCII.colon, close[2] > ASCII.space
        else { return 0 }
        return length &+ 3
    }

    /// Whether `key` is in the list.
    package func contains(_ key: ByteSlice) -> Bool {
        let length = key.count
        guard length <= Self.bytesMax, lengths &>> UInt64(length) & 1 == 1 else { return false }
        var word: UInt64 = 0
        for place in 0..<min(8, length) { word |= UInt64(key.base[place]) &<< UInt64(8 &* place) }
        for index in 0..<count where entries[index].word == word {
            if entries[index].name == key { return true }
        }
        return false
    }

    /// Which name `key` is, once its escapes are undone where it has some.
    @inline(never)
    func index(of key: ByteSlice, hasEscapes: Bool) -> Int? {
        guard hasEscapes else {
            return (0..<count).first { entries[$0].name == key }
        }
        // No character takes more than six bytes to spell; so this memory is bounded.
        guard key.count <= longest * 6 else { return nil }
        var plain = ByteBuffer()
        plain.append(jsonUnescaping: key)
        return (0..<count).first { entries[$0].name == plain.slice }
    }
}
