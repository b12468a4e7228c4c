// EventLoopTests.swift — turns, timers and when a loop has nothing left to wait for.

import Glibc
import Reactor
import ReactorCore
import Testing

@Suite struct EventLoopTests {
    private final class Note: Deferrable {
        var happened = 0
        var then: () -> Void = {}
        func turnEnding() {
            happened += 1
            then()
        }
    }

    @Test func timersFireInOrderAndNeverEarly() {
        let loop = EventLoop()
        var fired: [Int] = []
        let start = Instant(nanoseconds: loop.clock().nanoseconds)
        var timers: [LoopTimer] = []
        for milliseconds in [30, 10, 20] {
            let due = start + .milliseconds(milliseconds)
            let timer = LoopTimer(loop) {
                fired.append(milliseconds)
                #expect(loop.clock() >= due)
            }
            timer.set(due)
            timers.append(timer)
        }
        loop.run()
        #expect(fired == [10, 20, 30])
        #expect(loop.clock().nanoseconds(since: start) < 500_000_000)
    }

    @Test func aTimerMovesBothWays() {
        let loop = EventLoop()
        var fired = 0
        let timer = LoopTimer(loop) { fired += 1 }
        let start = loop.clock()
        timer.set(start + .seconds(10))
        timer.set(start + .milliseconds(10))
        timer.set(start + .milliseconds(60))
        loop.run()
        #expect(fired == 1)
        #expect(loop.clock() >= start + .milliseconds(60))
        #expect(loop.clock() < start + .seconds(2))
        timer.set(.never)
        loop.run()
        #expect(fired == 1)
    }

    /// A cancelled timer is no reason to stay.
    @Test func aLoopWithoutTimersEnds() {
        let loop = EventLoop()
        let timer = LoopTimer(loop) {}
        let start = loop.clock()
        timer.set(start + .seconds(3))
        timer.cancel()
        loop.run()
        #expect(loop.clock() < start + .seconds(1))
    }

    @Test func whatIsDeferredRunsAtTheTurnsEnd() {
        let loop = EventLoop()
        let first = Note()
        let second = Note()
        first.then = { if first.happened == 1 { loop.atEndOfTurn(second) } }
        loop.withTurn {
            loop.atEndOfTurn(first)
            loop.withTurn {}
            #expect(first.happened == 0)
        }
        #expect(first.happened == 1 && second.happened == 1)
        loop.atEndOfTurn(second)
        #expect(second.happened == 2)
    }

    @Test func signals() {
        let loop = EventLoop()
        var heard = 0
        let watcher = SignalWatcher(loop, number: SIGWINCH) { heard += 1 }
        kill(getpid(), SIGWINCH)
        #expect(loop.run(until: { heard == 1 }))
        watcher.close()
        // It does not keep the loop.
        loop.run()
    }

    @Test func addresses() throws {
        #expect(SocketAddress(host: "127.0.0.1", port: 80)?.description == "127.0.0.1:80")
        #expect(SocketAddress(host: "::1", port: 1)?.description == "[::1]:1")
        #expect(SocketAddress(host: "[::1]", port: 1)?.host == "::1")
        #expect(SocketAddress(host: "localhost", port: 1) == nil)
        #expect(SocketAddress(host: "127.0.0.1", port: 65_536) == nil)
        #expect(SocketAddress(host: "127.0.0.1", port: -1) == nil)
        #expect(SocketAddress(host: "127.0.0.1", port: Int.max) == nil)
        let address = try #require(SocketAddress(host: "::1", port: 65_535))
        #expect(address.isIPv6 && address.isLoopback && address.port == 65_535)
        #expect(try #require(SocketAddress(host: "10.0.0.1", port: 1)).isLoopback == false)
    }

    @Test func aPortCanBeTakenOnce() throws {
        let loop = EventLoop()
        let settings = HTTPServerSettings { fatalError("no request comes") }
        let first = HTTPServer(loop, settings: settings)
        let second = HTTPServer(loop, settings: settings)
        let any = try #require(SocketAddress(host: "127.0.0.1", port: 0))
        let taken = try first.listen(on: any)
        #expect(throws: SystemFailure.self) { try second.listen(on: taken) }
        var isDrained = false
        first.drain(grace: .zero) { isDrained = true }
        loop.run()
        #expect(isDrained)
    }

    private final class Holder: MemoryHolder {
        let asked: () -> Void
        var registration: MemoryRegistration?
        init(_ asked: @escaping () -> Void) { self.asked = asked }
        func releaseMemory() { asked() }
    }

    @Test func asksThoseForMemoryWhoAreThere() {
        let loop = EventLoop()
        var asked: [Int] = []
        var holders = [Holder { asked.append(1) }, Holder { asked.append(2) }]
        for holder in holders { holder.registration = loop.register(holder) }
        loop.releaseMemory()
        #expect(asked == [1, 2])
        holders[1].registration = nil
        holders.removeFirst()
        loop.releaseMemory()
        #expect(asked == [1, 2])
    }
}
