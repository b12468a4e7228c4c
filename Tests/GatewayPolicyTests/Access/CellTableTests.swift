// CellTableTests.swift — every name its own place, whoever asks, until there is none left.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct CellTableTests {
    @Test func aNameKeepsItsPlace() {
        let words = Words(64)
        let table = CellTable(at: words.first, capacity: 64)
        let names = (0..<40).map { CellTable.hash("team-\($0)", salt: 1) }
        let places = names.map { table.place(of: $0) }
        #expect(Set(places).count == 40)
        #expect(!places.contains(nil))
        #expect(names.reversed().map { table.place(of: $0) } == places.reversed())
    }

    @Test func theSameNameUnderAnotherSaltIsAnother() {
        #expect(CellTable.hash("a", salt: 1) != CellTable.hash("a", salt: 2))
        #expect(CellTable.hash("a", salt: 1) != CellTable.hash("b", salt: 1))
    }

    @Test func aFullTableRefuses() {
        let words = Words(16)
        let table = CellTable(at: words.first, capacity: 16)
        for index in 1...16 { #expect(table.place(of: UInt64(index)) != nil) }
        #expect(table.place(of: 17) == nil)
        #expect(table.place(of: 16) != nil)
        // 0 is no name.
        #expect(table.place(of: 0) == table.place(of: 1))
    }

    @Test func threadsThatClaimTheSameNamesAgree() async {
        let words = Words(1024)
        let table = CellTable(at: words.first, capacity: 1024)
        let answers = await withTaskGroup(of: [Int?].self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<500).map { table.place(of: CellTable.hash("\($0)", salt: 0)) }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0 == answers[0] })
        #expect(Set(answers[0]).count == 500)
    }
}
