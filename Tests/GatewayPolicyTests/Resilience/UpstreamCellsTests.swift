// UpstreamCellsTests.swift — a provider's words, with several at work on them at once.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct UpstreamCellsTests {
    @Test func aNameHasItsOwnWords() throws {
        let words = Words(UpstreamCells.wordCount)
        let cells = UpstreamCells(at: words.first)
        let one = try #require(cells.cell("one"))
        let other = try #require(cells.cell("other"))
        one.countDeparture()
        one.countDeparture()
        other.countDeparture()
        #expect(try #require(cells.cell("one")).departures == 2)
        #expect(other.departures == 1 && other.openings == 0 && other.refusals == 0)
    }

    @Test func aFullTableHasNoRoom() {
        let words = Words(UpstreamCells.wordCount)
        let cells = UpstreamCells(at: words.first)
        var count = 0
        for number in 0..<UpstreamCells.capacity * 2 where cells.cell("p\(number)") != nil {
            count += 1
        }
        #expect(count <= UpstreamCells.capacity && count > UpstreamCells.capacity * 3 / 4)
        #expect(cells.cell("p0") != nil)
    }

    @Test func openingsAndRefusalsAreCounted() throws {
        let words = Words(UpstreamCells.wordCount)
        let cells = UpstreamCells(at: words.first)
        let cell = try #require(cells.cell("one"))
        var policy = BreakerPolicy()
        policy.failures = 2
        cell.ended(.failed, probed: false, policy, now: 1)
        #expect(cell.admit(policy, now: 1) == .passes)
        cell.ended(.failed, probed: false, policy, now: 1)
        #expect(cell.openings == 1)
        #expect(cell.admit(policy, now: 1) != .passes)
        #expect(cell.refusals == 1 && cell.machine.phase == .open)
    }

    /// Of many who ask an open breaker at once when its time is over, one is let through; and of
    /// many failures at once, one opens it.
    @Test func exactlyOneProbeAndOneOpening() async throws {
        let words = Words(UpstreamCells.wordCount)
        let cells = UpstreamCells(at: words.first)
        var policy = BreakerPolicy()
        policy.failures = 5
        policy.open = .seconds(1)
        for round in 0..<200 {
            let cell = try #require(cells.cell("p\(round)"))
            let now = UInt64(round + 1) * 10_000_000_000
            let probes = await withTaskGroup(of: Int.self) { [policy] group in
                for _ in 0..<4 {
                    group.addTask {
                        for _ in 0..<5 { cell.ended(.failed, probed: false, policy, now: now) }
                        var probes = 0
                        for _ in 0..<5 {
                            let later = now + 1_010_000_000
                            if cell.admit(policy, now: later) == .probes { probes += 1 }
                        }
                        return probes
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(probes == 1, "round \(round)")
            #expect(cell.openings == 1)
            #expect(cell.machine.phase == .halfOpen)
        }
    }
}
