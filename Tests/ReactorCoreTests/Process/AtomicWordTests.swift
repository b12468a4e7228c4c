// AtomicWordTests.swift — a word that threads fight over loses nothing.

import Glibc
import ReactorCore
import Testing

@Suite struct AtomicWordTests {
    private static func withWord(_ body: (AtomicWord) async -> Void) async {
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
        memory.initialize(repeating: 0, count: 2)
        await body(AtomicWord(memory))
        memory.deallocate()
    }

    @Test func additionsOfManyThreadsAllCount() async {
        await Self.withWord { word in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { for _ in 0..<20_000 { word.add(3) } }
                    group.addTask { for _ in 0..<20_000 { word.subtract(1) } }
                }
            }
            #expect(word.load() == 4 * 20_000 * 2)
        }
    }

    @Test func exchangesOfManyThreadsAllCount() async {
        await Self.withWord { word in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<10_000 {
                            var seen = word.load()
                            while !word.exchange(&seen, for: seen + 1) {}
                        }
                    }
                }
            }
            #expect(word.load() == 40_000)
        }
    }

    @Test func anExchangeThatFailsTellsWhatIsThere() async {
        await Self.withWord { word in
            word.store(7)
            var expected: UInt64 = 6
            #expect(!word.exchange(&expected, for: 1))
            #expect(expected == 7 && word.load() == 7)
            #expect(word.exchange(&expected, for: 1))
            word.advanced(by: 1).value = -5
            #expect(word.value == 1 && word.advanced(by: 1).value == -5)
        }
    }
}
