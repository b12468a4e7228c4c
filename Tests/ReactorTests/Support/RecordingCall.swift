// RecordingCall.swift — a client's call that writes down what it hears.

import Reactor
import ReactorCore

/// One call, its request and what came of it.
final class RecordingCall: HTTPClientCallDelegate {
    let call = HTTPClientCall()
    private let request: String
    /// How often the request was written.
    private(set) var writes = 0
    private(set) var status: Int?
    private(set) var fields: [String: String] = [:]
    private(set) var body = ByteBuffer()
    private(set) var hasEnded = false
    private(set) var failure: HTTPClientFailure?
    private(set) var connections: [ObjectIdentifier] = []
    /// Called with each event: "head", "body", "end", "failed".
    var heard: (RecordingCall, String) -> Void = { _, _ in }

    init(_ request: String = "GET / HTTP/1.1\r\nHost: a\r\n\r\n") { self.request = request }

    var isOver: Bool { hasEnded || failure != nil }
    var text: String { body.string }

    func start(on origin: HTTPOrigin, clocks: ClientClocks = ClientClocks(), isHead: Bool = false) {
        origin.loop.withTurn {
            call.start(on: origin, clocks: clocks, isHead: isHead, delegate: self)
        }
    }

    func writeRequest(on connection: HTTPRequestWriter) {
        writes += 1
        connections.append(connection.carrier)
        request.withByteSlice { connection.write($0) }
    }

    func responseHeadArrived(_ head: HTTPHead) {
        precondition(status == nil && !isOver, "a second head")
        status = head.status
        for index in 0..<head.fields.count {
            fields[head.fields.name(index).string.lowercased()] = head.fields.value(index).string
        }
        heard(self, "head")
    }

    func responseBodyArrived(_ bytes: ByteSlice) {
        precondition(status != nil && !isOver, "body out of place")
        body.append(bytes)
        heard(self, "body")
    }

    func responseEnded() {
        precondition(!isOver, "ended twice")
        hasEnded = true
        heard(self, "end")
    }

    func callFailed(_ failure: HTTPClientFailure) {
        precondition(!isOver, "ended twice")
        self.failure = failure
        heard(self, "failed")
    }
}
