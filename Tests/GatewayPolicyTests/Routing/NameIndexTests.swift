// NameIndexTests.swift — the index against a dictionary, with names enough to collide.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct NameIndexTests {
    private func find(_ index: NameIndex, _ name: String) -> Int? {
        name.withByteSlice { index[$0] }
    }

    @Test func anEmptyIndexHoldsNothing() {
        #expect(find(NameIndex([]), "") == nil)
        #expect(find(NameIndex([]), "a") == nil)
    }

    @Test func theFirstOfEqualNamesStays() {
        let index = NameIndex(["a", "b", "a", "c"])
        #expect(find(index, "a") == 0)
        #expect(find(index, "b") == 1)
        #expect(find(index, "c") == 3)
        #expect(find(index, "ab") == nil)
        #expect(find(index, "") == nil)
    }

    @Test func anEmptyNameIsAName() {
        #expect(find(NameIndex(["", "a"]), "") == 0)
    }

    @Test(arguments: [1, 4, 5, 8, 9, 1000, 4096, 20_000])
    func manyNames(count: Int) {
        let names = (0..<count).map { "model-\($0 &* 7919 % count)-\($0)" }
        let index = NameIndex(names)
        for (value, name) in names.enumerated() where find(index, name) != value {
            Issue.record("\(name) is at \(String(describing: find(index, name)))")
            return
        }
        for name in names.prefix(500) {
            #expect(find(index, name + "x") == nil)
        }
    }
}
