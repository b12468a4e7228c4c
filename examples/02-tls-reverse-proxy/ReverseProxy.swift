// ReverseProxy.swift — serves HTTPS and passes every request on to one HTTPS origin, streaming both
// ways, built on Reactor alone.
//
//   example-02-tls-reverse-proxy LISTEN_PORT CERTIFICATE KEY ORIGIN_HOST ORIGIN_PORT [CA_FILE]

import Glibc
import Reactor
import ReactorCore

/// One client connection's requests, passed on one after the other.
final class Proxy: HTTPServerHandler, HTTPClientCallDelegate {
    private let origin: HTTPOrigin
    private let call = HTTPClientCall()
    private var client: HTTPServerConnection?
    private var head = ByteBuffer()
    private var body = ByteBuffer()
    private var isHead = false

    init(origin: HTTPOrigin) { self.origin = origin }

    // MARK: The client's side

    func requestHeadArrived(_ request: HTTPHead, on connection: HTTPServerConnection) {
        client = connection
        isHead = request.method == .head
        head.removeAll()
        body.removeAll()
        head.append(request.method.token)
        head.append(ASCII.space)
        head.append(HTTPRequestRules.pathAndQuery(of: request.target))
        head.append(" HTTP/1.1\r\nhost: " as StaticString)
        head.append(origin.host)
        head.append("\r\n" as StaticString)
        copyFields(request.fields, to: &head)
    }

    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        body.append(bytes)
    }

    func requestEnded(on connection: HTTPServerConnection) {
        call.start(on: origin, clocks: ClientClocks(), isHead: isHead, delegate: self)
    }

    func requestCancelled(_ reason: HTTPServerCancellation, on connection: HTTPServerConnection) {
        call.cancel()
        client = nil
    }

    func outputHasRoom(on connection: HTTPServerConnection) { call.resume() }

    // MARK: The origin's side

    func writeRequest(on connection: HTTPRequestWriter) {
        connection.withOutput { output in
            output.append(head.slice)
            output.append("content-length: " as StaticString)
            output.append(decimal: body.count)
            output.append("\r\n\r\n" as StaticString)
            output.append(body.slice)
        }
    }

    func responseHeadArrived(_ response: HTTPHead) {
        let framing: ResponseBody =
            switch response.framing {
            case .none:
                isHead || response.status == 204 || response.status == 304 ? .none : .length(0)
            case .length(let count): .length(Int(count))
            case .chunked, .untilClose: .stream
            }
        client?.beginResponse(status: response.status, body: framing) {
            copyFields(response.fields, to: &$0)
        }
    }

    func responseBodyArrived(_ bytes: ByteSlice) {
        client?.writeBody(bytes)
        if client?.isFull == true { call.pause() }
    }

    func responseEnded() { client?.endResponse() }

    func callFailed(_ failure: HTTPClientFailure) {
        guard let client else { return }
        guard !client.hasStartedResponse else { return client.cutResponse() }
        let text = "The origin did not answer: \(failure)\n"
        client.beginResponse(status: 502, body: .length(text.utf8.count)) {
            $0.append("content-type: text/plain\r\n" as StaticString)
        }
        text.withByteSlice { client.writeBody($0) }
        client.endResponse()
    }

    /// Everything but what belongs to one hop (RFC 9110 section 7.6.1) or is written anew.
    private func copyFields(_ fields: HTTPFields, to output: inout ByteBuffer) {
        let hop: [StaticString] = [
            "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te",
            "trailer",
            "transfer-encoding", "upgrade", "host", "content-length", "date", "expect",
        ]
        for index in 0..<fields.count {
            let name = fields.name(index)
            if hop.contains(where: { name.equalsIgnoringCase($0) }) { continue }
            output.append(name)
            output.append(": " as StaticString)
            output.append(fields.value(index))
            output.append("\r\n" as StaticString)
        }
    }
}

@main
struct ReverseProxy {
    static func main() throws {
        let arguments = CommandLine.arguments
        guard arguments.count >= 6, let port = Int(arguments[1]),
            let originPort = Int(arguments[5]),
            let address = SocketAddress(host: "127.0.0.1", port: port)
        else {
            print("usage: \(arguments[0]) LISTEN_PORT CERTIFICATE KEY ORIGIN_HOST ORIGIN_PORT [CA]")
            exit(2)
        }
        let loop = EventLoop()
        let identity = TLSIdentity(certificateFile: arguments[2], privateKeyFile: arguments[3])
        var trust = TLSClientSettings()
        trust.caFile = arguments.count > 6 ? arguments[6] : nil
        let origin = HTTPOrigin(
            resolver: Resolver(loop), host: arguments[4], port: originPort,
            tls: try TLSContext(client: trust))
        var settings = HTTPServerSettings(makeHandler: { Proxy(origin: origin) })
        settings.tls = try TLSContext(server: TLSServerSettings(identity: identity))
        let server = HTTPServer(loop, settings: settings)
        print("listening on \(try server.listen(on: address))")
        fflush(nil)
        var watchers: [SignalWatcher] = []
        watchers = [SIGINT, SIGTERM].map { number in
            SignalWatcher(loop, number: number) {
                server.drain(grace: .seconds(5)) {
                    origin.close()
                    watchers.forEach { $0.close() }
                    watchers = []
                }
            }
        }
        loop.run()
    }
}
