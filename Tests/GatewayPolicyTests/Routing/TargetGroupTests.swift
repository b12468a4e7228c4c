// TargetGroupTests.swift — the order in which each strategy asks its targets.

import GatewayPolicy
import ReactorCore
import Testing

@Suite struct TargetGroupTests {
    private func group(_ strategy: TargetStrategy, weights: [Int] = [1, 1, 1]) -> TargetGroup {
        TargetGroup(
            targets: weights.enumerated().map {
                Target(provider: $0, upstreamModel: nil, weight: $1)
            }, strategy: strategy)
    }

    private func order(
        _ group: TargetGroup, turn: Int = 0, draws: [Double] = [], loads: [Int] = [0, 0, 0]
    ) -> [Int] {
        var draws = draws[...]
        return group.order(
            turn: turn, draw: { draws.popFirst() ?? 0 }, load: { loads[$0] })
    }

    @Test func priorityGoesByTheOrder() {
        #expect(order(group(.priority), turn: 7, loads: [9, 0, 0]) == [0, 1, 2])
    }

    @Test func takingTurnsBeginsWithTheNext() {
        #expect(order(group(.roundRobin), turn: 0) == [0, 1, 2])
        #expect(order(group(.roundRobin), turn: 4) == [1, 2, 0])
        #expect(order(group(.roundRobin), turn: .max) == [1, 2, 0])
    }

    @Test func theLeastBusyComesFirstAndAmongEqualsTheNext() {
        #expect(order(group(.leastBusy), loads: [3, 1, 2]) == [1, 2, 0])
        #expect(order(group(.leastBusy), turn: 2, loads: [1, 1, 1]) == [2, 0, 1])
        #expect(order(group(.leastBusy), turn: 1, loads: [0, 5, 0]) == [2, 0, 1])
    }

    @Test func weightsAreDrawnOneAfterTheOther() {
        let group = group(.weighted, weights: [1, 3, 1])
        #expect(order(group, draws: [0, 0]) == [0, 1, 2])
        #expect(order(group, draws: [0.19, 0.99]) == [0, 2, 1])
        #expect(order(group, draws: [0.2, 0.5]) == [1, 2, 0])
        #expect(order(group, draws: [0.79, 0.49]) == [1, 0, 2])
        #expect(order(group, draws: [0.999_999_999, 0.25]) == [2, 1, 0])
    }

    @Test func sharesComeToTheWeights() {
        let group = group(.weighted, weights: [1, 6, 3])
        var random = SeededRandom(seed: 7)
        var firsts = [0, 0, 0]
        for _ in 0..<10_000 {
            let order = group.order(turn: 0, draw: { random.unit() }, load: { _ in 0 })
            #expect(order.sorted() == [0, 1, 2])
            firsts[order[0]] += 1
        }
        for (count, share) in zip(firsts, [1000, 6000, 3000]) {
            #expect(abs(count - share) < 250)
        }
    }

    @Test func oneTargetNeedsNoDraw() {
        let one = TargetGroup(
            targets: [Target(provider: 4, upstreamModel: "m")], strategy: .weighted)
        #expect(one.order(turn: 3, draw: { 1 / 0 }, load: { _ in 0 }) == [0])
    }
}
