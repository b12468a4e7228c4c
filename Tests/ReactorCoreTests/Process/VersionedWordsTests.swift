// VersionedWordsTests.swift — nobody reads half of what is being written.

import ReactorCore
import Testing

@Suite struct VersionedWordsTests {
    private static let wordCount = 64

    /// Words of their own, of which the first is the version.
    private final class Memory: @unchecked Sendable {
        let pointer: UnsafeMutablePointer<UInt64>
        var words: VersionedWords { VersionedWords(at: AtomicWord(pointer)) }

        init() {
            pointer = .allocate(capacity: 1 + wordCount)
            pointer.initialize(repeating: 0, count: 1 + wordCount)
        }

        deinit { pointer.deallocate() }
    }

    private static func fill(_ memory: Memory, with value: UInt64) {
        memory.words.write {
            let words = $0.assumingMemoryBound(to: UInt64.self)
            for index in 0..<wordCount { words[index] = value }
        }
    }

    private static func read(_ memory: Memory) -> [UInt64]? {
        memory.words.read { content in
            (0..<wordCount).map { content.load(fromByteOffset: $0 * 8, as: UInt64.self) }
        }
    }

    @Test func whatIsReadIsWhatWasWritten() {
        let memory = Memory()
        #expect(Self.read(memory) == [UInt64](repeating: 0, count: Self.wordCount))
        Self.fill(memory, with: 7)
        #expect(Self.read(memory) == [UInt64](repeating: 7, count: Self.wordCount))
        #expect(memory.pointer.pointee == 2)
    }

    @Test func whoeverWritesIsNotRead() {
        let memory = Memory()
        memory.words.write { _ in #expect(Self.read(memory) == nil) }
        #expect(Self.read(memory) != nil)
        // And what changes under a reader is not taken for whole.
        #expect(
            memory.words.read { _ in
                Self.fill(memory, with: 1)
                return 1
            } == nil)
    }

    @Test func aWriterThatDiedLeavesNothingToRead() {
        let memory = Memory()
        Self.fill(memory, with: 7)
        // As one that died in the middle left it.
        memory.pointer.pointee = 3
        memory.pointer[1] = 9
        #expect(Self.read(memory) == nil)
        Self.fill(memory, with: 8)
        #expect(Self.read(memory) == [UInt64](repeating: 8, count: Self.wordCount))
        #expect(memory.pointer.pointee == 4)
    }

    @Test func readersOfAWriterAtWorkNeverSeeTwoValues() async {
        let memory = Memory()
        let rounds: UInt64 = 200_000
        let torn = await withTaskGroup(of: Int.self) { group in
            group.addTask {
                for value in 1...rounds { Self.fill(memory, with: value) }
                return 0
            }
            for _ in 0..<2 {
                group.addTask {
                    var torn = 0
                    var last: UInt64 = 0
                    while last < rounds {
                        guard let found = Self.read(memory) else { continue }
                        if found.contains(where: { $0 != found[0] }) || found[0] < last {
                            torn += 1
                        }
                        last = found[0]
                    }
                    return torn
                }
            }
            return await group.reduce(0, +)
        }
        #expect(torn == 0)
    }
}
