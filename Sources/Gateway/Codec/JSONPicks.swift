// JSONPicks.swift — a few members of a document and of the objects in it, named once to be found in one
// pass (JSONScanner+Picks.swift), and what was found.
// Pure. Lists are made once and kept for ever, like JSONNames.

import ReactorCore

/// What is wanted of an object, and of objects within it. Wanted members are numbered: first those
/// of the object itself, in the order of the list, then those within them, member by member.
/// An instance is never freed: it belongs in a `static let`.
package struct JSONPicks: @unchecked Sendable {
    // @unchecked: the memory behind the pointers is never written after init.

    /// A member that an object may have. The order of the list is that in which peers send them: to
    /// meet the name that was foreseen costs less than to look one up.
    package enum Member {
        /// Not wanted, only foreseen.
        case known(StaticString)
        case wanted(StaticString)
        /// An object, or an array of objects, in which something is wanted.
        case within(StaticString, JSONPicks)

        fileprivate var name: StaticString {
            switch self {
            case .known(let name), .wanted(let name), .within(let name, _): name
            }
        }
    }

    /// So many members may be wanted in all.
    package static let countMax = 16
    /// So deep may objects be within each other: one in which something is wanted is level 0.
    static let levelMax = 2

    /// What to do with a member.
    struct Entry {
        /// -1 for one that is only foreseen.
        var number: Int
        /// The level to enter with its value; -1 for none.
        var level: Int
        /// The numbers within, one bit each.
        var inner: UInt16
    }

    /// The members of one kind of object.
    struct Level {
        let names: JSONNames
        let entries: UnsafePointer<Entry>
    }

    let levels: UnsafePointer<Level>
    private let levelCount: Int
    private let depth: Int
    /// How many members are wanted.
    let count: Int

    package init(_ members: Member...) {
        var levels: [Level] = []
        var entries: [Entry] = []
        var depth = 0
        var number = 0
        for member in members {
            if case .known = member {
                entries.append(Entry(number: -1, level: -1, inner: 0))
            } else {
                entries.append(Entry(number: number, level: -1, inner: 0))
                number += 1
            }
        }
        for (index, member) in members.enumerated() {
            guard case .within(_, let picks) = member else { continue }
            depth = max(depth, picks.depth + 1)
            let first = 1 + levels.count
            entries[index].level = first
            entries[index].inner = UInt16((1 << picks.count) - 1) << UInt16(number)
            for level in 0..<picks.levelCount {
                levels.append(picks.levels[level].moved(levels: first, numbers: number))
            }
            number += picks.count
        }
        precondition(number <= Self.countMax && depth <= Self.levelMax, "too much is wanted")
        levels.insert(
            Level(names: JSONNames(members.map { $0.name }), entries: Self.kept(entries)), at: 0)
        self.levels = Self.kept(levels)
        self.depth = depth
        levelCount = levels.count
        count = number
    }

    fileprivate static func kept<Element>(_ list: [Element]) -> UnsafePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(list.count, 1))
        memory.initialize(from: list, count: list.count)
        return UnsafePointer(memory)
    }
}

extension JSONPicks.Level {
    /// The same level as part of another list.
    fileprivate func moved(levels: Int, numbers: Int) -> JSONPicks.Level {
        let moved = (0..<names.count).map { index in
            var entry = entries[index]
            if entry.number >= 0 { entry.number += numbers }
            if entry.level >= 0 { entry.level += levels }
            entry.inner <<= UInt16(numbers)
            return entry
        }
        return JSONPicks.Level(names: names, entries: JSONPicks.kept(moved))
    }
}

/// The wanted members that a document has, by number; of several of one name the last.
package struct JSONFound {
    private var spans = InlineArray<16, JSONSpan>(
        repeating: JSONSpan(kind: .null, range: 0..<0, hasEscapes: false))
    private var found: UInt16 = 0
    private var repeated: UInt16 = 0
    private var escaped: UInt16 = 0

    package init() {}

    /// The value of a member. Of one that was looked into, the range is that of its opening bracket.
    @inline(__always)
    package subscript(number: Int) -> JSONSpan? {
        found &>> UInt16(truncatingIfNeeded: number) & 1 == 1 ? spans[number] : nil
    }

    /// Whether a name came twice or was spelled with an escape sequence.
    package var hasOddNames: Bool { repeated | escaped != 0 }

    /// Whether the member came more than once.
    package func isRepeated(_ number: Int) -> Bool { repeated & 1 << UInt16(number) != 0 }

    /// Whether its name was spelled with an escape sequence.
    package func isEscaped(_ number: Int) -> Bool { escaped & 1 << UInt16(number) != 0 }

    /// Notes the value of a member that is wanted. What was found within an earlier one of the same
    /// name does not count any more.
    @inline(__always)
    mutating func note(
        _ entry: JSONPicks.Entry, _ first: UInt8, _ range: Range<Int>, hasEscapes: Bool
    ) {
        let bit: UInt16 = 1 &<< UInt16(truncatingIfNeeded: entry.number)
        repeated |= found & bit
        found = (found & ~entry.inner) | bit
        spans[entry.number] = JSONSpan(
            kind: JSONKind(beginningWith: first), range: range, hasEscapes: hasEscapes)
    }

    mutating func noteEscape(_ entry: JSONPicks.Entry) {
        if entry.number >= 0 { escaped |= 1 << UInt16(entry.number) }
    }
}
