// HTTP2ClientTests.swift — calls on shared connections, against a server that sends frames by hand.

import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct HTTP2ClientTests {
    private let authority = TestAuthority()

    /// The server's end of one connection.
    private final class Peer {
        let tls: RawTLSSocket
        private var input: [UInt8] = []
        private(set) var frames: [SentFrame] = []
        /// The streams that were asked for, in order.
        var asked: [Int32] { frames.filter { $0.type == HTTP2Frames.headers }.map(\.stream) }
        /// The streams that were given up, with the code.
        var reset: [Int32] { frames.filter { $0.type == HTTP2Frames.reset }.map(\.stream) }
        var hasGoodbye: Bool { frames.contains { $0.type == HTTP2Frames.goAway } }

        init(_ socket: RawSocket, _ context: TLSContext) {
            tls = RawTLSSocket(socket, context: context)
        }

        func advance() {
            let wasSecured = tls.isSecured
            tls.advance()
            if !wasSecured, tls.isSecured { try? tls.send(HTTP2Frames.settings()) }
            input += tls.take()
            frames += SentFrame.take(from: &input)
        }

        func answer(_ stream: Int32, _ text: String = "hi", ends: Bool = true) throws {
            try tls.send(
                HTTP2Frames.headers(stream: stream, [(":status", "200"), ("x-test", "1")])
                    + HTTP2Frames.data(stream: stream, text, ends: ends))
        }
    }

    private func context(server alpn: [String] = ["h2"]) throws -> TLSContext {
        var settings = TLSServerSettings(identity: authority.issue())
        settings.alpn = alpn
        return try TLSContext(server: settings)
    }

    private func context(client alpn: [String]) throws -> TLSContext {
        var settings = TLSClientSettings()
        settings.caFile = authority.certificateFile
        settings.alpn = alpn
        return try TLSContext(client: settings)
    }

    private func origin(
        _ test: Loopback, port: Int? = nil, limits: PoolLimits = PoolLimits()
    ) throws -> HTTPOrigin {
        try test.origin(
            port: port, tls: context(client: ["http/1.1"]),
            http2: context(client: ["h2", "http/1.1"]), limits: limits)
    }

    /// A place for a server, and an origin that calls it.
    private func stage(
        limits: PoolLimits = PoolLimits()
    ) throws -> (Loopback, RawListener, HTTPOrigin) {
        let test = Loopback()
        let listener = test.listen()
        return (test, listener, try origin(test, port: listener.port, limits: limits))
    }

    /// The server's end of the next connection, once so many requests have come on it.
    private func peer(_ test: Loopback, _ listener: RawListener, after count: Int = 1) throws
        -> Peer
    {
        let peer = Peer(try test.accept(listener), try context())
        wait(test, peer, "\(count) requests") { peer.asked.count == count }
        #expect(peer.asked == (0..<Int32(count)).map { $0 * 2 + 1 })
        return peer
    }

    private func wait(
        _ test: Loopback, _ peer: Peer, _ what: String, until condition: () -> Bool
    ) {
        test.wait(what) {
            peer.advance()
            return condition()
        }
    }

    @Test func callsShareAConnection() throws {
        let (test, listener, origin) = try stage()
        let calls = (0..<3).map { _ in RecordingCall() }
        for call in calls { call.start(on: origin) }
        #expect(origin.counters.connecting == 1)
        let peer = try peer(test, listener, after: 3)
        #expect(origin.counters.leased == 1 && origin.counters.created == 1)
        // Answered in another order than asked.
        for stream in peer.asked.reversed() { try peer.answer(stream, "to \(stream)") }
        wait(test, peer, "the answers") { calls.allSatisfy(\.isOver) }
        #expect(calls.map(\.text) == ["to 1", "to 3", "to 5"])
        #expect(calls.allSatisfy { $0.fields["x-test"] == "1" && $0.hasEnded })
        #expect(Set(calls.flatMap(\.connections)).count == 1)
        #expect(origin.counters.idle == 1 && origin.counters.reused == 2)
        test.finish()
    }

    /// A server whose settings never come is as good as none.
    @Test func aServerWithoutSettingsIsGivenUp() throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(
            port: listener.port, tls: context(client: ["http/1.1"]),
            http2: context(client: ["h2"]), connectTime: .milliseconds(300))
        let calls = (0..<3).map { _ in RecordingCall() }
        for call in calls { call.start(on: origin) }
        var peers: [RawTLSSocket] = []
        test.wait("the ends", within: .seconds(10)) {
            if let socket = listener.accept(), let context = try? context() {
                peers.append(RawTLSSocket(socket, context: context))
            }
            for peer in peers {
                peer.socket.poll()
                peer.advance()
            }
            return calls.allSatisfy(\.isOver)
        }
        #expect(calls.allSatisfy { $0.failure != nil } && origin.counters.open == 0)
        #expect(peers.count == 2)
        test.finish()
    }

    @Test func aCancelledCallEndsItsStreamOnly() throws {
        let (test, listener, origin) = try stage()
        let (gone, stays) = (RecordingCall(), RecordingCall())
        gone.start(on: origin)
        stays.start(on: origin)
        let peer = try peer(test, listener, after: 2)
        try peer.answer(1, "some", ends: false)
        wait(test, peer, "some") { !gone.text.isEmpty }
        test.loop.withTurn { gone.call.cancel() }
        wait(test, peer, "the reset") { peer.reset == [1] }
        // What was under way is nobody's.
        try peer.tls.send(HTTP2Frames.data(stream: 1, "late"))
        try peer.answer(3)
        wait(test, peer, "the other") { stays.isOver }
        #expect(stays.text == "hi" && gone.text == "some" && !gone.isOver)
        test.finish()
    }

    @Test func aPausedCallHoldsItsStreamAndNoOther() throws {
        let (test, listener, origin) = try stage()
        let (slow, quick) = (RecordingCall(), RecordingCall())
        slow.heard = { call, event in if event == "head" { call.call.pause() } }
        slow.start(on: origin)
        quick.start(on: origin)
        let peer = try peer(test, listener, after: 2)
        let text = String(repeating: "x", count: 10_000)
        try peer.answer(1, text)
        try peer.answer(3, text)
        wait(test, peer, "the quick one") { quick.isOver }
        #expect(slow.status == 200 && slow.text.isEmpty && !slow.isOver)
        #expect(quick.text == text)
        slow.heard = { _, _ in }
        test.loop.withTurn { slow.call.resume() }
        wait(test, peer, "the slow one") { slow.isOver }
        #expect(slow.text == text && slow.hasEnded)
        test.finish()
    }

    /// A whole answer that waits for its reader survives its connection.
    @Test func aPausedCallGetsWhatHadArrived() throws {
        let (test, listener, origin) = try stage()
        let slow = RecordingCall()
        slow.heard = { call, event in if event == "head" { call.call.pause() } }
        slow.start(on: origin)
        let peer = try peer(test, listener)
        try peer.answer(1)
        wait(test, peer, "the head") { slow.status == 200 }
        test.pass(.milliseconds(20))
        peer.tls.socket.close()
        wait(test, peer, "the end of the connection") { origin.counters.open == 0 }
        test.loop.withTurn { slow.call.resume() }
        test.wait("the answer") { slow.isOver }
        #expect(slow.text == "hi" && slow.hasEnded)
        test.finish()
    }

    @Test func whatWasRefusedIsAskedAgainOnce() throws {
        let (test, listener, origin) = try stage()
        let call = RecordingCall()
        call.start(on: origin)
        let peer = try peer(test, listener)
        try peer.tls.send(HTTP2Frames.reset(stream: 1, 7))
        wait(test, peer, "the second try") { peer.asked == [1, 3] }
        #expect(call.call.attempts == 2)
        try peer.tls.send(HTTP2Frames.reset(stream: 3, 7))
        wait(test, peer, "the end") { call.isOver }
        #expect(call.failure == .lost("REFUSED_STREAM"))
        #expect(peer.asked == [1, 3])
        test.finish()
    }

    @Test func aGoodbyeSendsWhatItDidNotCoverElsewhere() throws {
        let (test, listener, origin) = try stage()
        let (covered, refused) = (RecordingCall(), RecordingCall())
        covered.start(on: origin)
        refused.start(on: origin)
        let first = try peer(test, listener, after: 2)
        try first.tls.send(HTTP2Frames.goAway(last: 1))
        let second = try peer(test, listener)
        test.wait("the second try") {
            first.advance()
            second.advance()
            return second.asked == [1]
        }
        try second.answer(1, "second")
        try first.answer(1, "first")
        test.wait("both") {
            first.advance()
            second.advance()
            return covered.isOver && refused.isOver
        }
        #expect(covered.text == "first" && refused.text == "second")
        // Nothing is left on the first, so it is closed.
        wait(test, first, "its end") { first.tls.socket.hasEnded }
        #expect(origin.counters.open == 1)
        test.finish()
    }

    @Test func aLostConnectionLosesWhatWasOnIt() throws {
        let (test, listener, origin) = try stage()
        let (begun, waiting) = (RecordingCall(), RecordingCall())
        begun.start(on: origin)
        waiting.start(on: origin)
        let peer = try peer(test, listener, after: 2)
        try peer.answer(1, "some", ends: false)
        wait(test, peer, "some") { !begun.text.isEmpty }
        peer.tls.socket.reset()
        test.wait("both ends") { begun.isOver && waiting.isOver }
        #expect(begun.failure == .truncated)
        // It may have been at work on the other: that is not asked again.
        guard case .lost? = waiting.failure else {
            Issue.record("\(String(describing: waiting.failure))")
            return
        }
        #expect(origin.counters.open == 0)
        test.finish()
    }

    /// A server that closes a connection at rest may do so while a request is on its way.
    @Test func aRequestOnAConnectionAtRestIsAskedAgain() throws {
        let (test, listener, origin) = try stage()
        let first = RecordingCall()
        first.start(on: origin)
        let old = try peer(test, listener)
        try old.answer(1)
        wait(test, old, "the answer") { first.isOver }
        let second = RecordingCall()
        second.start(on: origin)
        old.tls.socket.reset()
        let new = try peer(test, listener)
        wait(test, new, "the second try") { new.asked == [1] }
        try new.answer(1, "new")
        wait(test, new, "the answer") { second.isOver }
        #expect(second.text == "new" && second.call.attempts == 2)
        test.finish()
    }

    @Test func aServerWithoutHTTP2IsSpokenToOverHTTP1() throws {
        let test = Loopback()
        try test.serve(tls: try context(server: ["http/1.1"]))
        let origin = try origin(test)
        let calls = (0..<4).map { RecordingCall("GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n") }
        for call in calls { call.start(on: origin) }
        test.wait("the answers") { calls.allSatisfy(\.isOver) }
        #expect(calls.map(\.text) == (0..<4).map { "/\($0):" })
        let later = RecordingCall("GET /later HTTP/1.1\r\nHost: a\r\n\r\n")
        later.start(on: origin)
        test.wait("the answer") { later.isOver }
        #expect(later.text == "/later:" && origin.counters.reused == 1)
        test.finish()
    }

    @Test func aConnectionThatCannotBeMadeFailsAllThatWait() throws {
        let (test, listener, origin) = try stage()
        let calls = (0..<3).map { _ in RecordingCall() }
        for call in calls { call.start(on: origin) }
        // Two tries each.
        for _ in 0..<2 {
            let socket = try test.accept(listener)
            socket.send("HTTP/1.1 400 Bad Request\r\n\r\n")
            test.waitForEnd(of: socket)
        }
        test.wait("the ends") { calls.allSatisfy(\.isOver) }
        for call in calls {
            guard case .tls? = call.failure else {
                Issue.record("\(String(describing: call.failure))")
                continue
            }
        }
        test.finish()
    }

    @Test func anIdleConnectionSaysGoodbye() throws {
        var limits = PoolLimits()
        limits.idleTime = .milliseconds(50)
        let (test, listener, origin) = try stage(limits: limits)
        let call = RecordingCall()
        call.start(on: origin)
        let peer = try peer(test, listener)
        try peer.answer(1)
        wait(test, peer, "the goodbye") { peer.hasGoodbye }
        #expect(call.text == "hi" && origin.counters.open == 0)
        test.finish()
    }

    @Test func aClockEndsItsStreamAndADeadConnectionGetsNoOther() throws {
        let (test, listener, origin) = try stage()
        var clocks = ClientClocks()
        clocks.head = .milliseconds(50)
        let call = RecordingCall()
        call.start(on: origin, clocks: clocks)
        let peer = try peer(test, listener)
        wait(test, peer, "the reset") { peer.reset == [1] }
        #expect(call.failure == .timedOut(.head))
        // The server's settings came behind the request: the connection lives.
        let second = RecordingCall()
        second.start(on: origin, clocks: clocks)
        wait(test, peer, "the next") { peer.asked == [1, 3] }
        wait(test, peer, "its end") { second.isOver }
        // Nothing came since: it is closed, and another made.
        let third = RecordingCall()
        third.start(on: origin)
        let other = try self.peer(test, listener)
        try other.answer(1)
        wait(test, other, "the answer") { third.isOver }
        #expect(third.text == "hi")
        test.finish()
    }

    @Test func drainingLetsStreamsEnd() throws {
        let (test, listener, origin) = try stage()
        let call = RecordingCall()
        call.start(on: origin)
        let peer = try peer(test, listener)
        test.loop.withTurn { origin.drain() }
        let late = RecordingCall()
        late.start(on: origin)
        #expect(late.failure == .draining)
        try peer.answer(1)
        wait(test, peer, "the end") { call.isOver && peer.tls.socket.hasEnded }
        #expect(call.text == "hi" && peer.hasGoodbye)
        test.finish()
    }
}
