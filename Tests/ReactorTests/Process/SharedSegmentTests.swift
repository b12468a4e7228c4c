// SharedSegmentTests.swift — what one mapping writes, another reads; foreign layouts are refused.

import Glibc
import Reactor
import ReactorCore
import Testing

@Suite struct SharedSegmentTests {
    @Test func aSecondMappingSeesTheSameWords() throws {
        let first = try SharedSegment(layout: 7, wordCount: 1000)
        #expect(first.word(0).load() == 0 && first.word(999).load() == 0)
        first.word(999).store(42)
        let second = try SharedSegment(inherited: dup(first.descriptor), layout: 7)
        #expect(second.wordCount == 1000)
        #expect(second.word(999).load() == 42)
        second.word(0).add(5)
        #expect(first.word(0).load() == 5)
    }

    @Test func anotherLayoutIsRefused() throws {
        let first = try SharedSegment(layout: 7, wordCount: 8)
        let copy = dup(first.descriptor)
        defer { close(copy) }
        let failure = #expect(throws: SystemFailure.self) {
            try SharedSegment(inherited: copy, layout: 8)
        }
        #expect(failure?.description.contains("another version") == true)
    }

    @Test func whatIsNoSegmentIsRefused() {
        #expect(throws: SystemFailure.self) { try SharedSegment(inherited: 9999, layout: 1) }
    }
}
