// HTTPClientExchangeTests.swift — calls that get their answer: the pool, framing, flow.

import Reactor
import ReactorCore
import Testing

@Suite struct HTTPClientExchangeTests {
    private let whole = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    @Test func usesOneConnectionForCallAfterCall() throws {
        let test = Loopback()
        try test.serve()
        let origin = try test.origin()
        for index in 0..<5 {
            let call = RecordingCall("GET /\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.status == 200 && call.text == "/\(index):")
            #expect(call.fields["x-test"] == "1")
        }
        #expect(origin.counters.created == 1)
        #expect(origin.counters.reused == 4)
        #expect(origin.counters.idle == 1)
        test.finish()
    }

    /// A call made the moment another ends finds that one's connection in the pool.
    @Test func aCallAtTheEndOfACallReusesItsConnection() throws {
        let test = Loopback()
        try test.serve()
        let origin = try test.origin()
        let second = RecordingCall("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        let first = RecordingCall("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
        first.heard = { _, event in
            if event == "end" { second.start(on: origin) }
        }
        first.start(on: origin)
        test.wait("both") { second.isOver }
        #expect(first.text == "/1:" && second.text == "/2:")
        #expect(origin.counters.created == 1)
        // And one object can make call after call.
        let again = RecordingCall("GET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
        again.start(on: origin)
        test.wait("the third") { again.isOver }
        #expect(origin.counters.created == 1)
        test.finish()
    }

    @Test func callsSideBySide() throws {
        let test = Loopback()
        try test.serve()
        let origin = try test.origin()
        let calls = (0..<20).map { RecordingCall("GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n") }
        for call in calls { call.start(on: origin) }
        test.wait("all") { calls.allSatisfy(\.isOver) }
        for (index, call) in calls.enumerated() { #expect(call.text == "/\(index):") }
        #expect(origin.counters.created == 20)
        #expect(origin.counters.idle == 20)
        test.finish()
    }

    @Test func connectionsServeOnBehindACrowd() throws {
        let test = Loopback()
        try test.serve()
        var limits = PoolLimits()
        limits.idleMax = 3
        limits.idleTime = .milliseconds(200)
        let origin = try test.origin(limits: limits)
        func ask(_ count: Int) {
            let calls = (0..<count).map { RecordingCall("GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n") }
            for call in calls { call.start(on: origin) }
            test.wait("all") { calls.allSatisfy(\.isOver) }
            for (index, call) in calls.enumerated() { #expect(call.text == "/\(index):") }
        }
        ask(100)
        #expect(origin.counters.created == 100 && origin.counters.idle == 3)
        test.loop.releaseMemory()
        ask(3)
        #expect(origin.counters.created == 100 && origin.counters.idle == 3)
        ask(100)
        #expect(origin.counters.created == 197 && origin.counters.idle == 3)
        test.loop.releaseMemory()
        test.wait("the idle ones to go") { origin.counters.open == 0 }
        test.loop.releaseMemory()
        ask(2)
        test.finish()
    }

    @Test func waitsInLineAtTheLimit() throws {
        let test = Loopback()
        try test.serve()
        var limits = PoolLimits()
        limits.openMax = 2
        limits.waitingMax = 5
        let origin = try test.origin(limits: limits)
        var order: [Int] = []
        let calls = (0..<8).map { index in
            let call = RecordingCall("GET /\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
            call.heard = { _, event in if event == "end" { order.append(index) } }
            return call
        }
        for call in calls { call.start(on: origin) }
        #expect(calls[7].failure == .queueFull)
        test.wait("all") { calls.allSatisfy(\.isOver) }
        #expect(order.sorted() == Array(0..<7))
        #expect(order.suffix(5) == order.suffix(5).sorted()[...])
        #expect(origin.counters.created == 2)
        test.finish()
    }

    // MARK: Framing

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi", true),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nh\r\n1\r\ni\r\n0\r\nA: b\r\n\r\n",
            "200 hi", true
        ),
        ("HTTP/1.1 204 No\r\n\r\n", "204 ", true),
        ("HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", "304 ", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 ", true),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "200 hi", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 hi", false),
        (
            "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "200 hi", true
        ),
        (
            "HTTP/1.1 150 C\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            "200 hi", true
        ),
        ("HTTP/1.1 302 F\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", "302 ", true),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiEXTRA", "200 hi", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi\r\n", "200 hi", false),
    ])
    func answers(_ answer: String, _ expected: String, _ isReusable: Bool) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        for isCut in [false, true] {
            let call = RecordingCall()
            call.start(on: origin)
            // The first round keeps its connection if it may.
            let upstream = try test.accept(listener)
            test.waitForText("\r\n\r\n", on: upstream)
            if isCut {
                for byte in answer.utf8.dropLast() { upstream.send([byte]); test.pass(.zero) }
                upstream.send([UInt8](answer.utf8.suffix(1)))
            } else {
                upstream.send(answer)
            }
            test.wait("the answer") { call.isOver }
            #expect("\(call.status ?? 0) \(call.text)" == expected)
            #expect(call.failure == nil)
            if !isCut { #expect(origin.counters.idle == (isReusable ? 1 : 0)) }
            upstream.close()
            test.wait("no connection") { origin.counters.open == 0 }
        }
        test.finish()
    }

    @Test func untilClose() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\n\r\nhi")
        test.wait("the body") { call.text == "hi" }
        #expect(!call.isOver)
        upstream.send(" there")
        upstream.finish()
        test.wait("the end") { call.isOver }
        #expect(call.hasEnded && call.text == "hi there")
        #expect(origin.counters.open == 0)
        test.finish()
    }

    @Test func headCalls() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let head = RecordingCall("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
        head.start(on: origin, isHead: true)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
        test.wait("the answer") { head.isOver }
        #expect(head.hasEnded && head.text.isEmpty)
        let get = RecordingCall()
        get.start(on: origin)
        test.wait("the second request") { upstream.text.contains("GET") }
        upstream.send(whole)
        test.wait("its answer") { get.isOver }
        #expect(get.text == "hi")
        #expect(origin.counters.created == 1)
        test.finish()
    }

    // MARK: Nobody's bytes

    @Test func bytesOnAnIdleConnectionEndIt() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let first = RecordingCall()
        first.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(whole)
        test.wait("the answer") { first.isOver }
        #expect(origin.counters.idle == 1)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        test.wait("its end") { origin.counters.open == 0 }
        let second = RecordingCall()
        second.start(on: origin)
        let next = try test.accept(listener)
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
        test.wait("the second answer") { second.isOver }
        #expect(second.text == "mine" && second.call.attempts == 1)
        test.finish()
    }

    /// The answer to a cancelled call must never be the answer to the next one.
    @Test func aCancelledCallLeavesNothingBehind() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let first = RecordingCall()
        first.start(on: origin)
        let upstream = try test.accept(listener)
        test.waitForText("\r\n\r\n", on: upstream)
        test.loop.withTurn { first.call.cancel() }
        let second = RecordingCall()
        second.start(on: origin)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        let next = try test.accept(listener)
        next.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nmine")
        test.wait("the second answer") { second.isOver }
        #expect(second.text == "mine")
        #expect(first.status == nil && !first.isOver)
        test.finish()
    }

    @Test func anEarlyAnswer() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let body = String(repeating: "x", count: 20_000_000)
        let call = RecordingCall(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.count)\r\n\r\n\(body)")
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.reads = false
        upstream.send("HTTP/1.1 413 L\r\nContent-Length: 2\r\n\r\nno")
        test.wait("the answer") { call.isOver }
        #expect(call.status == 413 && call.text == "no" && call.hasEnded)
        // The rest of the request is not sent on a connection that is used again.
        #expect(origin.counters.open == 0)
        test.finish()
    }

    // MARK: Flow

    @Test func pauseBoundsWhatIsRead() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        var clocks = ClientClocks()
        clocks.idle = .milliseconds(300)
        let count = 30_000_000
        let call = RecordingCall()
        call.heard = { call, event in if event == "head" { call.call.pause() } }
        call.start(on: origin, clocks: clocks)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(count)\r\n\r\n")
        upstream.send([UInt8](repeating: 0x79, count: count))
        test.wait("the head") { call.status != nil }
        // Longer than the idle clock: a pause of ours is not the upstream's fault.
        test.pass(.milliseconds(500))
        #expect(!call.isOver)
        #expect(call.body.count <= 64 * 1024)
        #expect(upstream.hasUnsent)
        test.loop.withTurn { call.call.resume() }
        test.wait("the rest", within: .seconds(10)) { call.isOver }
        #expect(call.hasEnded && call.body.count == count)
        test.finish()
    }

    @Test func aPauseDoesNotStopTheTotalClock() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        var clocks = ClientClocks()
        clocks.total = .milliseconds(200)
        let call = RecordingCall()
        call.heard = { call, event in if event == "head" { call.call.pause() } }
        call.start(on: origin, clocks: clocks)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        test.wait("the failure") { call.isOver }
        #expect(call.failure == .timedOut(.total))
        test.finish()
    }

    /// The pause comes too late to stop anything, and must not stop the next call.
    @Test func aPauseAtTheLastBytes() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let first = RecordingCall()
        first.heard = { call, event in if event == "body" { call.call.pause() } }
        first.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send(whole)
        test.wait("the first answer") { first.isOver }
        let second = RecordingCall()
        second.start(on: origin)
        test.wait("the second request") { upstream.text.components("GET").count == 3 }
        upstream.send(whole)
        test.wait("the second answer") { second.isOver }
        #expect(second.text == "hi" && origin.counters.created == 1)
        // And its end is noticed while it is idle.
        upstream.finish()
        test.wait("its end") { origin.counters.open == 0 }
        test.finish()
    }

    // MARK: Dropping the rest

    @Test func aSmallRestIsReadAndTheConnectionKept() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let first = RecordingCall()
        first.heard = { call, event in if event == "body" { call.call.dropRest() } }
        first.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwant\r\n")
        test.wait("the drop") { !first.call.isActive && first.text == "want" }
        #expect(origin.counters.leased == 1)
        upstream.send("4\r\nrest\r\n0\r\n\r\n")
        test.wait("its return") { origin.counters.idle == 1 }
        #expect(!first.isOver && first.text == "want")
        let second = RecordingCall()
        second.start(on: origin)
        test.wait("the second request") { upstream.text.components("GET").count == 3 }
        upstream.send(whole)
        test.wait("its answer") { second.isOver }
        #expect(second.text == "hi" && origin.counters.created == 1)
        test.finish()
    }

    /// What may come behind the point at which a call drops the rest.
    enum Rest: CaseIterable, Sendable { case tooLong, stalled, broken, cut }

    @Test(arguments: Rest.allCases) func aBadRestEndsTheConnection(_ rest: Rest) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let call = RecordingCall()
        call.heard = { call, event in if event == "head" { call.call.dropRest() } }
        call.start(on: origin)
        let upstream = try test.accept(listener)
        upstream.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        test.wait("the drop") { !call.call.isActive }
        switch rest {
        case .tooLong:
            upstream.send("30000\r\n" + String(repeating: "z", count: 0x30000) + "\r\n0\r\n\r\n")
        case .stalled: upstream.send("5\r\nab")
        case .broken: upstream.send("zz\r\n")
        case .cut: upstream.finish()
        }
        test.wait("its end", within: .seconds(3)) { origin.counters.open == 0 }
        #expect(!call.isOver)
        test.finish()
    }

    @Test func droppingWithoutAConnection() throws {
        let test = Loopback()
        let listener = test.listen()
        var limits = PoolLimits()
        limits.openMax = 1
        let origin = try test.origin(port: listener.port, limits: limits)
        let first = RecordingCall()
        let waiting = RecordingCall()
        first.start(on: origin)
        waiting.start(on: origin)
        #expect(origin.counters.waiting == 1)
        test.loop.withTurn { waiting.call.dropRest() }
        #expect(origin.counters.waiting == 0)
        let upstream = try test.accept(listener)
        upstream.send(whole)
        test.wait("the first answer") { first.isOver }
        let connecting = RecordingCall()
        test.loop.withTurn {
            let other = RecordingCall()
            other.start(on: origin)
            connecting.start(on: origin)
            other.call.dropRest()
            connecting.call.dropRest()
        }
        test.wait("nothing") { origin.counters.waiting == 0 }
        test.finish()
    }

    // MARK: Names

    /// The name has an IPv6 address on most machines, where nobody listens.
    @Test func triesTheOtherFamily() throws {
        let test = Loopback()
        try test.serve()
        let origin = try test.origin(host: "localhost")
        for index in 0..<2 {
            let call = RecordingCall("GET /\(index) HTTP/1.1\r\nHost: a\r\n\r\n")
            call.start(on: origin)
            test.wait("the answer") { call.isOver }
            #expect(call.text == "/\(index):" && call.call.attempts == 1)
        }
        test.finish()
    }

    @Test func closingAnOriginEndsItsIdleConnections() throws {
        let test = Loopback()
        try test.serve()
        let origin = try test.origin()
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the answer") { call.isOver }
        test.loop.withTurn { origin.close() }
        test.wait("the server's side") { test.server?.connectionCount == 0 }
        let late = RecordingCall()
        late.start(on: origin)
        #expect(late.failure == .draining)
        test.finish()
    }

    @Test func idleConnectionsAreClosedInTime() throws {
        let test = Loopback()
        try test.serve()
        var limits = PoolLimits()
        limits.idleTime = .milliseconds(100)
        let origin = try test.origin(limits: limits)
        let call = RecordingCall()
        call.start(on: origin)
        test.wait("the answer") { call.isOver }
        #expect(origin.counters.idle == 1)
        test.wait("its end", within: .seconds(1)) { test.server?.connectionCount == 0 }
        #expect(origin.counters.open == 0)
        test.finish()
    }
}
