// LentBytesTests.swift — a request's body that is sent from where it lies: whole, in its place, and by a
// connection that can be used again.

import Reactor
import ReactorCore
import Testing

/// Memory that somebody keeps.
private final class Loan {
    var bytes = ByteBuffer()

    /// Text in which every place differs from those around it.
    init(count: Int) {
        while bytes.count < count { bytes.append(hexWord: UInt64(bytes.count)) }
    }
}

/// A call whose body is lent.
private final class LendingCall: HTTPClientCallDelegate {
    let call = HTTPClientCall()
    private let loan: Loan
    private(set) var status: Int?
    private(set) var failure: HTTPClientFailure?
    private(set) var hasEnded = false

    init(_ loan: Loan) { self.loan = loan }

    var isOver: Bool { hasEnded || failure != nil }

    func start(on origin: HTTPOrigin) {
        origin.loop.withTurn { call.start(on: origin, clocks: ClientClocks(), delegate: self) }
    }

    func writeRequest(on connection: HTTPRequestWriter) {
        connection.withOutput { output in
            output.append("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: " as StaticString)
            output.append(decimal: loan.bytes.count)
            output.append("\r\n\r\n" as StaticString)
        }
        connection.writeLent(loan.bytes.slice, of: loan)
    }

    func responseHeadArrived(_ head: HTTPHead) { status = head.status }
    func responseBodyArrived(_ bytes: ByteSlice) {}
    func responseEnded() { hasEnded = true }
    func callFailed(_ failure: HTTPClientFailure) { self.failure = failure }
}

@Suite struct LentBytesTests {
    private let answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

    /// From what one write takes to what a kernel's buffers never hold.
    @Test(arguments: [1, 1000, 300_000, 6_000_000])
    func arriveWholeAndLeaveTheConnectionInOrder(count: Int) throws {
        let test = Loopback()
        let listener = test.listen()
        let origin = try test.origin(port: listener.port)
        let loan = Loan(count: count)
        var socket: RawSocket?
        for number in 1...2 {
            let call = LendingCall(loan)
            call.start(on: origin)
            let peer = try socket ?? test.accept(listener)
            socket = peer
            let head = "Content-Length: \(loan.bytes.count)\r\n\r\n"
            // Nobody reads at first: the kernel's buffers fill up.
            peer.reads = false
            test.pass(.milliseconds(20))
            peer.reads = true
            var received: [UInt8] = []
            test.wait("the request", within: .seconds(20)) {
                received += peer.take()
                return received.count >= loan.bytes.count + head.utf8.count
                    && received.suffix(loan.bytes.count).elementsEqual(loan.bytes.slice.raw)
            }
            let start = received.count - loan.bytes.count
            #expect(String(decoding: received[..<start], as: UTF8.self).hasSuffix(head))
            peer.send(answer)
            test.wait("the answer") { call.isOver }
            #expect(call.status == 200 && call.failure == nil)
            #expect(origin.counters.created == 1 && origin.counters.reused == number - 1)
        }
        test.finish()
    }

    @Test func aPeerThatAnswersTooEarlyOrLeavesHarmsNobody() throws {
        for leaves in [false, true] {
            let test = Loopback()
            let listener = test.listen()
            let origin = try test.origin(port: listener.port)
            let call = LendingCall(Loan(count: 6_000_000))
            call.start(on: origin)
            let peer = try test.accept(listener)
            peer.reads = false
            test.pass(.milliseconds(20))
            if leaves { peer.reset() } else { peer.send(answer) }
            test.wait("the end") { call.isOver }
            #expect((call.failure != nil) == leaves)
            #expect(origin.counters.idle == 0)
            test.finish()
        }
    }
}
