// EchoServer.swift — an HTTP server that sends a request's body back, built on Reactor alone.
//
//   example-01-echo-server [PORT]        then: curl -d hello http://127.0.0.1:8080/

import Glibc
import Reactor
import ReactorCore

/// Streams the body back while it arrives.
final class Echo: HTTPServerHandler {
    func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        let type = head.fields.first("content-type")
        connection.beginResponse(status: 200, body: .stream, closes: false) { fields in
            guard let type else { return }
            fields.append("content-type: " as StaticString)
            fields.append(type)
            fields.append("\r\n" as StaticString)
        }
    }

    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        connection.writeBody(bytes)
        // The client sends faster than it reads: stop reading until it has caught up.
        if connection.isFull { connection.pauseReading() }
    }

    func requestEnded(on connection: HTTPServerConnection) { connection.endResponse() }

    func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection
    ) {}

    func outputHasRoom(on connection: HTTPServerConnection) { connection.resumeReading() }
}

@main
struct EchoServer {
    static func main() throws {
        let port = CommandLine.arguments.dropFirst().first.flatMap(Int.init) ?? 8080
        guard let address = SocketAddress(host: "127.0.0.1", port: port) else {
            fatalError("not a port: \(port)")
        }
        let loop = EventLoop()
        let server = HTTPServer(loop, settings: HTTPServerSettings(makeHandler: { Echo() }))
        let bound = try server.listen(on: address)
        print("listening on \(bound)")
        fflush(nil)
        var watchers: [SignalWatcher] = []
        watchers = [SIGINT, SIGTERM].map { number in
            SignalWatcher(loop, number: number) {
                server.drain(grace: .seconds(5)) {
                    watchers.forEach { $0.close() }
                    watchers = []
                }
            }
        }
        loop.run()
    }
}
