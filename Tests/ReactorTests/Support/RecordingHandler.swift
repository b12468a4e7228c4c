// RecordingHandler.swift — a server's handler that writes down what it hears and answers as its
// test wants.

import Reactor
import ReactorCore

/// What the handlers of one server heard, in order.
final class ServerLog {
    private(set) var lines: [String] = []
    /// The connections whose requests have begun, in order.
    private(set) var connections: [HTTPServerConnection] = []

    func add(_ line: String) { lines.append(line) }
    func add(_ connection: HTTPServerConnection) { connections.append(connection) }
    func forget() { connections = [] }
    func count(of line: String) -> Int { lines.count { $0 == line } }
    func contains(_ line: String) -> Bool { lines.contains(line) }
}

/// What a handler does; by default it answers a whole request with its path and its body.
struct ServerScript {
    var head: (RecordingHandler, HTTPHead, HTTPServerConnection) -> Void = { _, _, _ in }
    var body: (RecordingHandler, ByteSlice, HTTPServerConnection) -> Void = { handler, bytes, _ in
        handler.received.append(bytes)
    }
    var end: (RecordingHandler, HTTPServerConnection) -> Void = { handler, connection in
        handler.answer(connection, "\(handler.path):\(handler.received.string)")
    }
    var room: (RecordingHandler, HTTPServerConnection) -> Void = { _, _ in }
}

final class RecordingHandler: HTTPServerHandler {
    private let log: ServerLog
    private let script: ServerScript
    var path = ""
    var received = ByteBuffer()

    init(log: ServerLog, script: ServerScript) {
        self.log = log
        self.script = script
    }

    /// A whole answer of a known length.
    func answer(_ connection: HTTPServerConnection, status: Int = 200, _ text: String) {
        connection.beginResponse(status: status, body: .length(text.utf8.count)) {
            $0.append("x-test: 1\r\n" as StaticString)
        }
        text.withByteSlice { connection.writeBody($0) }
        connection.endResponse()
    }

    func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        path = head.target.string
        received.removeAll()
        log.add("head \(head.method.token) \(path)")
        log.add(connection)
        script.head(self, head, connection)
    }

    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        script.body(self, bytes, connection)
    }

    func requestEnded(on connection: HTTPServerConnection) {
        log.add("end \(path)")
        script.end(self, connection)
    }

    func requestCancelled(_ reason: HTTPServerCancellation, on connection: HTTPServerConnection) {
        log.add("cancelled \(path) \(Self.name(of: reason))")
    }

    func outputHasRoom(on connection: HTTPServerConnection) {
        log.add("room")
        script.room(self, connection)
    }

    private static func name(of reason: HTTPServerCancellation) -> String {
        switch reason {
        case .clientLeft: "clientLeft"
        case .clientStalled: "clientStalled"
        case .refused(let refusal): "refused \(refusal.status)"
        case .stopped: "stopped"
        }
    }
}
