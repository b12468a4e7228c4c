// HTTPClientFailureTests.swift — calls that fail: what is tried again, which clock ran out, and
// that a call can be given up in every phase.

import Glibc
import Reactor
import ReactorCore
import Testing

@Suite struct HTTPClientFailureTests {
    private let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    /// How an upstream goes.
    enum Going: CaseIterable, Sendable { case closing, resetting }

    private func leave(_ socket: RawSocket, _ how: Going) {
        switch how {
        case .closing: socket.close()
        case .resetting: socket.reset()
        }
    }

    /// A connection in the pool that has served a call.
    private func used(_ test: Loopback, _ origin: HTTPOrigin, _ listener: RawListener) throws
        -> RawSocket
    {
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(whole)
        test.wait("the first answer") { call.isOver }
        #expect(origin.counters.idle == 1)
        return upstream
    }

    // MARK: The second try

    @Test(arguments: Going.allCases) func aDeadReusedConnectionIsTriedOnceMore(_ how: Going) throws
    {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let upstream = try used(test, origin, listener)
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the request") { upstream.text.components("GET").count == 3 }
        leave(upstream, how)
        let next = try test.accept(listener)
        test.waitForText("\r\n\r\n", on: next)
        next.send(whole)
        test.wait("the answer") { call.isOver }
        #expect(call.text == "hi" && call.call.attempts == 2 && call.writes == 2)
        test.finish()
    }

    @Test(arguments: Going.allCases) func itIsNotTriedAThirdTime(_ how: Going) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let upstream = try used(test, origin, listener)
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the request") { upstream.text.components("GET").count == 3 }
        leave(upstream, how)
        let next = try test.accept(listener)
        test.waitForText("\r\n\r\n", on: next)
        leave(next, how)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .lost(how == .closing ? "EOF" : "ECONNRESET"))
        #expect(call.writes == 2)
        test.pass(.milliseconds(30))
        #expect(listener.accept() == nil)
        test.finish()
    }

    @Test(arguments: Going.allCases) func aFreshConnectionIsNotTriedAgain(_ how: Going) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        test.waitForText("\r\n\r\n", on: upstream)
        leave(upstream, how)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .lost(how == .closing ? "EOF" : "ECONNRESET"))
        #expect(call.call.attempts == 1 && call.writes == 1)
        test.pass(.milliseconds(30))
        #expect(listener.accept() == nil)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    @Test(arguments: ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n"])
    func anAnswerThatBeganIsNotTriedAgain(_ begun: String) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let upstream = try used(test, origin, listener)
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the request") { upstream.text.components("GET").count == 3 }
        upstream.send(begun)
        upstream.finish()
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .truncated && call.writes == 1 && call.status == nil)
        test.finish()
    }

    @Test func aRefusedConnectIsTriedTwice() throws {
        let test = Loopback()
        let port: Int
        do { port = RawListener().port }
        let origin = try test.origin(port: port)
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .refused("ECONNREFUSED"))
        #expect(call.call.attempts == 2 && call.writes == 0)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    // MARK: Bad answers

    @Test(arguments: [
        ("garbage\r\n\r\n", HTTP1Failure.malformed(.other)),
        ("HTTP/1.1 99999 x\r\n\r\n", .malformed(.statusLine)),
        ("HTTP/2.0 200 OK\r\n\r\n", .unsupportedVersion),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx", .ambiguousLength),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            .ambiguousLength
        ),
        ("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", .malformed(.fieldLine)),
        ("HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 201) + "\r\n", .headTooLarge),
        ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "b", count: 66_000), .headTooLarge),
    ])
    func badHeads(_ answer: String, _ failure: HTTP1Failure) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(answer)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .malformed(failure))
        #expect(call.status == nil && call.call.attempts == 1)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", "", HTTPClientFailure.truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "", .truncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "0\r\n", .truncated),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "x\r\n",
            .malformed(.malformed(.chunkSize))
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "2\r\nabcd\r\n",
            .malformed(.malformed(.lineEnd))
        ),
    ])
    func cutBodies(_ answer: String, _ rest: String, _ failure: HTTPClientFailure) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(answer)
        test.wait("the body") { call.text == "abc" }
        upstream.send(rest)
        upstream.finish()
        test.wait("the failure") { call.isOver }
        #expect(call.failure == failure && call.status == 200 && !call.hasEnded)
        test.finish()
    }

    @Test func interimAnswersHaveABound() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        for count in [20, 21] {
            let call = RecordingCall()
            call.start(on: origin)
            let upstream = try test.accept(listener)
            upstream.send(String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: count) + whole)
            test.wait("its end") { call.isOver }
            #expect(call.failure == (count == 20 ? nil : .unexpectedInterim))
            upstream.close()
            test.wait("no connection") { origin.counters.open == 0 }
        }
        test.finish()
    }

    @Test func anUnaskedUpgrade() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nother bytes")
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .unexpectedInterim && call.status == nil)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    // MARK: Clocks

    private func clocks(_ change: (inout ClientClocks) -> Void) -> ClientClocks {
        var clocks = ClientClocks()
        change(&clocks)
        return clocks
    }

    @Test(arguments: ["", "H", "HTTP/1.1 200 OK\r\nA:", "HTTP/1.1 100 Continue\r\n\r\n"])
    func headClock(_ begun: String) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks { $0.head = .milliseconds(150) })
        let upstream = try test.accept(listener)
        let start = ContinuousClock.now
        upstream.send(begun)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .timedOut(.head))
        #expect(ContinuousClock.now - start < .milliseconds(800))
        test.waitForEnd(of: upstream)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    /// Interim answers and drops of a head do not push the clock.
    @Test func aDrippingHead() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks { $0.head = .milliseconds(200) })
        let upstream = try test.accept(listener)
        let start = ContinuousClock.now
        for byte in Array("HTTP/1.1 200 OK\r\n".utf8) + [UInt8](repeating: 0x61, count: 100) {
            upstream.send([byte])
            test.pass(.milliseconds(10))
            if call.isOver { break }
        }
        #expect(call.failure == .timedOut(.head))
        #expect(ContinuousClock.now - start < .seconds(1))
        test.finish()
    }

    @Test func idleClock() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks { $0.idle = .milliseconds(200) })
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        for _ in 0..<6 {
            test.pass(.milliseconds(80))
            upstream.send("x")
        }
        #expect(!call.isOver)
        let start = ContinuousClock.now
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .timedOut(.idle))
        #expect(ContinuousClock.now - start < .milliseconds(800))
        test.finish()
    }

    @Test func totalClock() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks { $0.total = .milliseconds(250) })
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        for _ in 0..<20 where !call.isOver {
            test.pass(.milliseconds(40))
            upstream.send("x")
        }
        #expect(call.failure == .timedOut(.total))
        test.finish()
    }

    /// A listener whose queue is full answers no SYN.
    @Test func connectClock() throws {
        let test = Loopback()
        let listener = test.listen(backlog: 0)
        var fillers: [Int32] = []
        for _ in 0..<4 {
            let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
            _ = RawSocket.withLoopback(port: listener.port) { connect(descriptor, $0, $1) }
            fillers.append(descriptor)
        }
        defer { for descriptor in fillers { close(descriptor) } }
        let origin = try test.origin(port: listener.port, connectTime: .milliseconds(150))
        let call = RecordingCall()
        let start = ContinuousClock.now
        call.start(on: origin)
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .timedOut(.connect))
        #expect(call.call.attempts == 2 && call.writes == 0)
        #expect(ContinuousClock.now - start < .seconds(1))
        #expect(origin.counters.open == 0)
        test.finish()
    }

    @Test func queueClock() throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = 1
        limits.waitTime = .milliseconds(100)
        let origin = try test.origin(port: listener.port, limits: limits)
        let first = RecordingCall()
        let second = RecordingCall()
        first.start(on: origin)
        second.start(on: origin)
        test.wait("the failure") { second.isOver }
        #expect(second.failure == .timedOut(.queue) && second.writes == 0)
        #expect(!first.isOver)
        test.loop.withTurn { first.call.cancel() }
        test.finish()
    }

    @Test func drainingFailsWhoWaits() throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = 1
        let origin = try test.origin(port: listener.port, limits: limits)
        let running = RecordingCall()
        let waiting = RecordingCall()
        running.start(on: origin)
        waiting.start(on: origin)
        let upstream = try test.accept(listener)
        test.loop.withTurn { origin.drain() }
        #expect(waiting.failure == .draining)
        upstream.send(whole)
        test.wait("the running one") { running.isOver }
        #expect(running.hasEnded)
        test.wait("no connection") { origin.counters.open == 0 }
        test.finish()
    }

    // MARK: Giving up

    /// Where a call is when it is cancelled.
    enum Phase: CaseIterable, Sendable {
        case queued, connecting, sent, interim, head, body, paused
    }

    @Test(arguments: Phase.allCases) func cancelledInEachPhase(_ phase: Phase) throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = phase == .queued ? 1 : 2
        let origin = try test.origin(port: listener.port, limits: limits)
        let blocking = RecordingCall()
        if phase == .queued { blocking.start(on: origin) }
        let call = RecordingCall()
        call.start(on: origin)
        if phase == .queued || phase == .connecting {
            test.loop.withTurn { call.call.cancel() }
            #expect(origin.counters.waiting == 0)
            #expect(origin.counters.open == (phase == .queued ? 1 : 0))
        } else {
            let upstream = try test.accept(listener)
            test.waitForText("\r\n\r\n", on: upstream)
            switch phase {
            case .interim: upstream.send("HTTP/1.1 100 C\r\n\r\n")
            case .head: upstream.send("HTTP/1.1 200 OK\r\nA: b")
            case .body, .paused:
                upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nabc")
                test.wait("the body") { call.text == "abc" }
                if phase == .paused { test.loop.withTurn { call.call.pause() } }
            case .sent, .queued, .connecting: break
            }
            test.pass(.milliseconds(5))
            let start = ContinuousClock.now
            test.loop.withTurn { call.call.cancel() }
            test.waitForEnd(of: upstream)
            #expect(ContinuousClock.now - start < .milliseconds(100))
            #expect(origin.counters.open == 0)
        }
        #expect(!call.isOver && !call.call.isActive)
        if phase == .queued {
            test.loop.withTurn { blocking.call.cancel() }
        }
        test.finish()
    }

    /// Cancelled from within the call's own events.
    @Test(arguments: ["head", "body"]) func cancelledWithinAnEvent(_ wanted: String) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        var events: [String] = []
        call.heard = { call, event in
            events.append(event)
            if event == wanted { call.call.cancel() }
        }
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
        test.waitForEnd(of: upstream)
        #expect(events.last == wanted && !call.isOver)
        #expect(origin.counters.open == 0)
        test.finish()
    }

    /// A call that gives up its attempt to connect leaves it to the next in line.
    @Test func theLineTakesOverAnAttempt() throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = 1
        let origin = try test.origin(port: listener.port, limits: limits)
        let first = RecordingCall("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        let second = RecordingCall("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        test.loop.withTurn {
            first.start(on: origin)
            second.start(on: origin)
            first.call.cancel()
        }
        let upstream = try test.accept(listener)
        test.waitForText("GET /2", on: upstream)
        upstream.send(whole)
        test.wait("the answer") { second.isOver }
        #expect(second.hasEnded && first.writes == 0)
        test.finish()
    }

    // MARK: Waiting for a connection

    /// The only connection is taken, and nobody gives it back.
    @Test func theTotalClockBoundsTheWaitInLine() throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = 1
        limits.waitTime = .seconds(60)
        let origin = try test.origin(port: listener.port, limits: limits)
        let first = RecordingCall()
        first.start(on: origin)
        let upstream = try test.accept(listener)
        var clocks = ClientClocks()
        clocks.total = .milliseconds(100)
        let second = RecordingCall()
        second.start(on: origin, clocks: clocks)
        test.wait("the failure", within: .seconds(2)) { second.isOver }
        #expect(second.failure == .timedOut(.total) && second.writes == 0)
        #expect(origin.counters.waiting == 0)
        upstream.send(whole)
        test.wait("the first answer") { first.isOver }
        #expect(first.text == "hi" && origin.counters.idle == 1)
        test.finish()
    }

    /// The upstream takes the connection and never says a word of TLS.
    @Test(arguments: [ClientClock.connect, .total])
    func aCallsOwnClocksBoundTheMakingOfAConnection(_ clock: ClientClock) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(
            port: listener.port, tls: try TLSContext(client: TLSClientSettings()),
            connectTime: .seconds(60))
        var clocks = ClientClocks()
        clocks.connect = clock == .connect ? .milliseconds(100) : .seconds(60)
        clocks.total = clock == .total ? .milliseconds(100) : .seconds(60)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks)
        let upstream = try test.accept(listener)
        test.wait("the failure", within: .seconds(2)) { call.isOver }
        #expect(call.failure == .timedOut(clock) && call.call.attempts == 1)
        test.waitForEnd(of: upstream)
        #expect(origin.counters.connecting == 0)
        test.finish()
    }

    /// What bounded the wait bounds nothing behind it, nor the next call of the same object.
    @Test func theWaitsClockEndsWithTheWait() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port, connectTime: .seconds(60))
        var clocks = ClientClocks()
        clocks.connect = .milliseconds(80)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks)
        let upstream = try test.accept(listener)
        test.waitForText("\r\n\r\n", on: upstream)
        test.pass(.milliseconds(150))
        upstream.send(whole)
        test.wait("the answer") { call.isOver }
        #expect(call.text == "hi")
        test.finish()
    }
}
