// ScriptedUpstream.swift — an upstream that answers what a test says, one answer after the other, and
// keeps what it was asked.

import Reactor
import ReactorCore

/// What the connections of one scripted server share.
final class ScriptedUpstream {
    /// One answer.
    struct Answer {
        var status = 200
        var contentType = "application/json"
        /// Further fields, each with its line end.
        var fields = ""
        var body: String
        /// Nothing comes at all.
        var hangs = false

        static let hanging = Answer(body: "", hangs: true)

        /// A whole answer.
        static func body(_ text: String) -> Answer { Answer(body: text) }

        /// A stream of chunks, the mark behind them.
        static func stream(_ chunks: [String]) -> Answer {
            Answer(
                contentType: "text/event-stream",
                body: (chunks + ["[DONE]"]).map { "data: \($0)\n\n" }.joined())
        }

        /// A stream of events with names, each its data's `type`.
        static func events(_ data: [String]) -> Answer {
            Answer(contentType: "text/event-stream", body: data.map(event).joined())
        }

        static func event(_ data: String) -> String {
            let type = GatewayExchangeTests.Answer.value(of: data, ["type"]) ?? ""
            return "event: \(type)\ndata: \(data)\n\n"
        }
    }

    /// The next first; the last one stays.
    var answers: [Answer] = []
    /// Heads and bodies, in order.
    private(set) var heads: [String] = []
    private(set) var bodies: [String] = []

    fileprivate func answer(_ head: String, _ body: String) -> Answer {
        heads.append(head)
        bodies.append(body)
        guard let next = answers.first else { return Answer(status: 500, body: "{}") }
        if answers.count > 1 { answers.removeFirst() }
        return next
    }
}

/// Serves the requests of one connection.
final class ScriptedHandler: HTTPServerHandler {
    private let upstream: ScriptedUpstream
    private var head = ""
    private var body = ByteBuffer()

    init(_ upstream: ScriptedUpstream) { self.upstream = upstream }

    func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        self.head = head.target.string + "\n"
        for index in 0..<head.fields.count {
            self.head +=
                "\(head.fields.name(index).string): \(head.fields.value(index).string)\n"
        }
        body.removeAll()
    }

    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        body.append(bytes)
    }

    func requestEnded(on connection: HTTPServerConnection) {
        let answer = upstream.answer(head, body.slice.string)
        if answer.hangs { return }
        answer.body.withByteSlice { bytes in
            connection.beginResponse(status: answer.status, body: .length(bytes.count)) { fields in
                fields.append("content-type: \(answer.contentType)\r\n\(answer.fields)")
            }
            connection.writeBody(bytes)
        }
        connection.endResponse()
    }

    func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection
    ) {}

    func outputHasRoom(on connection: HTTPServerConnection) {}
}
