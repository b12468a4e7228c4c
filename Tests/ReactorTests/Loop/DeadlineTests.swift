// DeadlineTests.swift — deadlines of timers and of connections in one wheel.

import ReactorCore
import Testing

@testable import Reactor

@Suite struct DeadlineTests {
    @Test func firesOnceAndNotBefore() {
        let loop = EventLoop()
        var fired: [Instant] = []
        let timer = LoopTimer(loop) { fired.append(loop.now) }
        let due = loop.clock() + .milliseconds(5)
        timer.set(due)
        #expect(timer.deadline == due)
        #expect(loop.run(until: { !fired.isEmpty }))
        #expect(fired[0] >= due)
        #expect(timer.deadline == .never)
        loop.run()
        #expect(fired.count == 1)
    }

    @Test func isMovedBothWays() {
        let loop = EventLoop()
        var count = 0
        let timer = LoopTimer(loop) { count += 1 }
        // Later: the wheel gives it out too early, and it goes back in.
        timer.set(loop.clock() + .milliseconds(2))
        let later = loop.clock() + .milliseconds(20)
        timer.set(later)
        #expect(loop.run(until: { count == 1 }))
        #expect(loop.now >= later)
        // Earlier: the wheel must know.
        timer.set(loop.clock() + .seconds(3600))
        timer.set(loop.clock() + .milliseconds(1))
        #expect(loop.wheel.count == 1)
        #expect(loop.run(until: { count == 2 }))
        timer.set(loop.clock() + .milliseconds(1))
        timer.set(.never)
        loop.run()
        #expect(count == 2)
        #expect(loop.wheel.count == 0)
    }

    @Test func leavesTheWheelWithItsTimer() {
        let loop = EventLoop()
        do {
            let timer = LoopTimer(loop) {}
            timer.set(loop.clock() + .seconds(3600))
            #expect(loop.wheel.count == 1)
        }
        #expect(loop.wheel.count == 0)
        loop.run()
    }

    /// Objects go in any order when a stage is struck.
    @Test func aTimerThatIsNotSetMayOutliveItsLoop() {
        for _ in 0..<100 {
            let timers = {
                let loop = EventLoop()
                return (0..<10).map { _ in LoopTimer(loop) {} }
            }()
            // Something else lies where the loop has been.
            let others = (0..<10).map { _ in [UInt8](repeating: 0xFF, count: 4096) }
            for timer in timers { timer.cancel() }
            #expect(others.allSatisfy { $0.allSatisfy { $0 == 0xFF } })
            #expect(timers.allSatisfy { $0.deadline == .never })
        }
    }

    /// A name that the wheel has given anew is the one that is cancelled.
    @Test func connectionsAreFoundWhereTheWheelHasMovedThem() throws {
        let test = Loopback()
        try test.serve()
        let before = test.loop.wheel.count
        let clients = (0..<200).map { _ in test.connect() }
        test.wait("200 connections") { test.server?.connectionCount == 200 }
        #expect(test.loop.wheel.count == before + 200)
        for client in clients.dropLast(5) { client.close() }
        test.wait("their end") { test.server?.connectionCount == 5 }
        test.loop.releaseMemory()
        #expect(test.loop.wheel.count == before + 5)
        for client in clients.suffix(5) { client.close() }
        test.wait("the last one's end") { test.server?.connectionCount == 0 }
        #expect(test.loop.wheel.count == before)
        test.finish()
    }

    @Test func anOwnerIsOneWord() {
        let loop = EventLoop()
        let timer = LoopTimer(loop) {}
        let payload = DeadlineOwner.timer(.passUnretained(timer)).payload
        guard case .timer(let found) = DeadlineOwner(payload: payload) else {
            Issue.record("a timer became something else")
            return
        }
        #expect(found.takeUnretainedValue() === timer)
    }
}
