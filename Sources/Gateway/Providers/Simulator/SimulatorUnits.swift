// SimulatorUnits.swift — an answer cut into tokens. A token is a word with the white space before
// it, or a fragment of tool arguments. Pure value; texts lie in the request's kept bytes.

import ReactorCore

/// Yields the tokens of one choice in order. A copy starts over.
struct SimulatorUnits {
    enum Unit: Equatable {
        /// The word at this place of a lorem text.
        case lorem(Int)
        /// 16 KiB of lorem.
        case filler(Int)
        /// Bytes of the request.
        case text(Range<Int>)
        case toolName(Int)
        case toolArguments(Int, Range<Int>)
    }

    enum Source: Equatable {
        case lorem
        case filler
        case text(Range<Int>)
        /// The arguments of each call.
        case calls(Range<Int>, Range<Int>?)
    }

    static let textBytesMax = 32
    static let argumentBytesMax = 12
    static let fillerCount = 64

    private let source: Source
    private let answerTokens: Int
    /// No more than this many, as the request asks.
    private var limit: Int
    private var emitted = 0
    private var call = 0
    /// Where the next text begins; nil before the first, or before a call's name.
    private var offset: Int?

    init(_ source: Source, answerTokens: Int, limit: Int?) {
        self.source = source
        self.answerTokens = source == .filler ? Self.fillerCount : answerTokens
        self.limit = source == .filler ? .max : limit ?? .max
    }

    var isFiller: Bool { source == .filler }

    mutating func next(in kept: ByteSlice) -> Unit? {
        guard emitted < limit else { return nil }
        let unit: Unit?
        switch source {
        case .lorem: unit = emitted < answerTokens ? .lorem(emitted) : nil
        case .filler: unit = emitted < answerTokens ? .filler(emitted) : nil
        case .text(let range): unit = nextText(in: range, kept)
        case .calls(let first, let second): unit = nextOfCalls(first, second, kept)
        }
        if unit != nil { emitted += 1 }
        return unit
    }

    /// How many there are in total, and whether the request's limit kept more from coming.
    func measure(in kept: ByteSlice) -> (count: Int, isCutShort: Bool) {
        var copy = self
        var count = 0
        while copy.next(in: kept) != nil { count += 1 }
        copy.limit = .max
        return (count, copy.next(in: kept) != nil)
    }

    private mutating func nextText(in range: Range<Int>, _ kept: ByteSlice) -> Unit? {
        let start = offset ?? range.lowerBound
        guard start < range.upperBound else { return nil }
        let end = Self.endOfWord(in: kept.prefix(range.upperBound), from: start)
        offset = end
        return .text(start..<end)
    }

    private mutating func nextOfCalls(
        _ first: Range<Int>, _ second: Range<Int>?, _ kept: ByteSlice
    ) -> Unit? {
        guard let range = call == 0 ? first : second else { return nil }
        guard let start = offset else {
            offset = range.lowerBound
            return .toolName(call)
        }
        guard start < range.upperBound else {
            guard call == 0, second != nil else { return nil }
            call = 1
            offset = nil
            return nextOfCalls(first, second, kept)
        }
        let end = Self.characterBoundary(
            in: kept.prefix(range.upperBound), from: start + Self.argumentBytesMax)
        offset = end
        return .toolArguments(call, start..<end)
    }

    private static func endOfWord(in text: ByteSlice, from start: Int) -> Int {
        var index = start
        let longest = min(text.count, start + textBytesMax)
        while index < longest, isSpace(text[index]) { index += 1 }
        while index < longest, !isSpace(text[index]) { index += 1 }
        // White space at the very end has no word to go with.
        var rest = index
        while rest < longest, isSpace(text[rest]) { rest += 1 }
        return characterBoundary(in: text, from: rest == text.count ? rest : index)
    }

    private static func characterBoundary(in text: ByteSlice, from index: Int) -> Int {
        var index = min(index, text.count)
        while index < text.count, text[index] & 0xC0 == 0x80 { index += 1 }
        return index
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == ASCII.space || byte == ASCII.lf || byte == ASCII.tab || byte == ASCII.cr
    }
}

/// The words of answers that say nothing.
enum SimulatorLorem {
    static let fillerBytes = 16 << 10

    /// Appends the word at `index` of the text that `seed` names, with a space unless it is first.
    static func append(word index: Int, seed: UInt64, into out: inout ByteBuffer) {
        if index > 0 { out.append(ASCII.space) }
        out.append(word(index, seed: seed))
    }

    /// Appends exactly `fillerBytes` of words.
    static func append(filler index: Int, seed: UInt64, into out: inout ByteBuffer) {
        let end = out.count + fillerBytes
        var word = index << 16
        while out.count < end {
            append(word: word + 1, seed: seed, into: &out)
            word += 1
        }
        out.truncate(to: end)
    }

    private static func word(_ index: Int, seed: UInt64) -> StaticString {
        // The first words are the same in every text, as custom has it.
        if index < 5 { return words[index] }
        let draw = SimulatorDraw.bits(seed, .word, UInt64(index))
        return words[Int(draw % UInt64(words.count))]
    }

    private static let words: [StaticString] = [
        "Lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "sed", "do",
        "eiusmod", "tempor", "incididunt", "ut", "labore", "et", "dolore", "magna", "aliqua",
        "enim", "ad", "minim", "veniam", "quis", "nostrud", "exercitation", "ullamco", "laboris",
        "nisi", "aliquip", "ex", "ea", "commodo", "consequat", "duis", "aute", "irure", "in",
        "reprehenderit", "voluptate", "velit", "esse", "cillum", "eu", "fugiat", "nulla",
        "pariatur", "excepteur", "sint", "occaecat", "cupidatat", "non", "proident", "sunt",
        "culpa", "qui", "officia", "deserunt", "mollit", "anim", "id", "est", "laborum",
    ]
}
