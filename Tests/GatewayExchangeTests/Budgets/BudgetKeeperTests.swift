// BudgetKeeperTests.swift — what keys have spent, from one run to the next: read once, written while it
// grows and at the end, and whatever the directory is like nobody is kept waiting.

import GatewayExchange
import GatewayPolicy
import Glibc
import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct BudgetKeeperTests {
    /// One run of a gateway.
    private final class Run {
        let loop = EventLoop()
        let shared = SharedState()
        private let events = Events()
        let keeper: BudgetKeeper

        final class Events { var all: [BudgetEvent] = [] }

        init(interval: Duration = .milliseconds(5)) {
            keeper = BudgetKeeper(loop, shared.limits, interval: interval) { [events] in
                events.all.append($0)
            }
        }

        var told: [BudgetEvent] { events.all }

        func take(_ directory: String?, _ keys: String...) {
            keeper.take(keys.map { ($0, .month) }, directory: directory)
        }

        private static func limits(_ key: String) -> KeyLimits {
            KeyLimits(
                name: key, requests: nil, tokens: nil, concurrent: nil,
                budget: Budget(dollars: 100, period: .month))
        }

        func spend(_ cost: Int, _ key: String) throws {
            let permit = try Permit.take(
                Self.limits(key), from: shared.limits, estimate: 1, input: 1, now: 5,
                seconds: loop.secondsSince1970
            ).get()
            permit.spend(cost, seconds: loop.secondsSince1970)
        }

        func spent(_ key: String) -> Int? {
            Self.limits(key).budgetStanding(in: shared.limits, seconds: loop.secondsSince1970)?
                .spent
        }

        @discardableResult
        func wait(_ condition: () -> Bool) -> Bool { loop.run(until: condition) }
    }

    private let directory = TestDirectory()

    private func kept() -> [String: Int] {
        guard case .sums(let sums) = BudgetFile(directory: directory.path).read() else {
            return [:]
        }
        return Dictionary(uniqueKeysWithValues: sums.map { ($0.key, $0.spent) })
    }

    private func exists(_ name: String) -> Bool {
        access(directory.path(of: name), F_OK) == 0
    }

    @Test func nothingIsDoneWithoutBudgets() {
        let run = Run()
        run.take(directory.path)
        run.keeper.close()
        #expect(!exists("budgets.json") && !exists("budgets.json.lock"))
        #expect(run.told.isEmpty)
    }

    @Test func whatIsSpentIsWrittenWhileItGrows() throws {
        let run = Run()
        run.take(directory.path, "a", "b")
        #expect(!exists("budgets.json"))
        try run.spend(100, "a")
        #expect(run.wait { kept() == ["a": 100] })
        try run.spend(50, "a")
        try run.spend(10, "b")
        #expect(run.wait { kept() == ["a": 150, "b": 10] })
        #expect(run.told.isEmpty)
        run.keeper.close()
    }

    @Test func theNextRunGoesOnFromThere() throws {
        for round in 1...3 {
            // Long: what is not written at the end is lost.
            let run = Run(interval: .seconds(1000))
            run.take(directory.path, "a")
            #expect(run.told == (round == 1 ? [] : [.restored(keys: 1, expired: 0)]))
            #expect(run.spent("a") == (round - 1) * 100)
            try run.spend(100, "a")
            // A reload reads nothing again.
            run.take(directory.path, "a", "b")
            #expect(run.spent("a") == round * 100)
            run.keeper.close()
            #expect(kept() == ["a": round * 100])
        }
    }

    /// The one before is still leaving: what is spent meanwhile is added to what it leaves behind.
    @Test func aFileThatAnotherHasIsWaitedFor() throws {
        let (before, run) = (Run(), Run())
        before.take(directory.path, "a")
        run.take(directory.path, "a")
        #expect(run.told == [.failed("another gateway has \(directory.path)/budgets.json")])
        try before.spend(100, "a")
        try run.spend(30, "a")
        before.keeper.close()
        #expect(run.wait { kept() == ["a": 130] })
        #expect(run.spent("a") == 130)
        #expect(run.told.dropFirst() == [.restored(keys: 1, expired: 0), .recovered])
        run.keeper.close()
    }

    @Test func aBrokenFileIsPutAsideAndSaid() throws {
        directory.write("budgets.json", #"{"keys":[{"key":"a""#)
        let run = Run()
        run.take(directory.path, "a")
        #expect(run.told == [.broken(path: directory.path(of: "budgets.json.broken"))])
        #expect(run.spent("a") == 0)
        try run.spend(100, "a")
        run.keeper.close()
        #expect(kept() == ["a": 100])
        #expect(directory.read("budgets.json.broken") == #"{"keys":[{"key":"a""#)
    }

    @Test func whatIsOverIsSaid() {
        let file = BudgetFile(directory: directory.path)
        #expect(file.lock() == .taken)
        let past = BudgetSum(key: "a", period: .month, end: 1_735_689_600, spent: 10)
        #expect(file.write([past], seconds: 7) == nil)
        file.unlock()
        let run = Run()
        run.take(directory.path, "a")
        #expect(run.told == [.restored(keys: 0, expired: 1)])
        run.keeper.close()
        #expect(kept().isEmpty)
    }

    @Test func noDirectoryIsSaidOnce() throws {
        for path in [nil, directory.write("file", "x")] {
            let run = Run()
            run.take(path, "a")
            try run.spend(100, "a")
            let soon = run.loop.now + .milliseconds(50)
            run.wait { run.loop.now > soon }
            #expect(run.told.count == 1)
            run.keeper.close()
            #expect(run.told.count == 1)
        }
    }

    /// As when the disk is full.
    @Test func whatCannotBeWrittenIsTriedAgain() throws {
        let run = Run()
        run.take(directory.path, "a")
        // A directory in its place can neither be removed nor written.
        let aside = directory.path(of: "budgets.json.new")
        mkdir(aside, 0o700)
        try run.spend(100, "a")
        #expect(run.wait { !run.told.isEmpty })
        guard case .failed(let reason)? = run.told.first else {
            Issue.record("\(run.told)")
            return
        }
        #expect(reason.hasPrefix("\(directory.path)/budgets.json cannot be written: "))
        rmdir(aside)
        #expect(run.wait { kept() == ["a": 100] })
        #expect(run.told.dropFirst() == [.recovered])
        run.keeper.close()
    }
}
