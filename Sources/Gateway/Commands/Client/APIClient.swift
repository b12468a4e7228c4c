// APIClient.swift — the connections of a verb to one server, and how its requests begin. A shell
// around HTTPOrigin.

import GatewayConfig
import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

/// One server's client. Close it before its loop goes.
package final class APIClient {
    package let loop: EventLoop
    package let address: APIAddress
    let origin: HTTPOrigin
    private let head: RequestHead

    /// - Parameters:
    ///   - connectionCount: how many calls there may be at once.
    ///   - version: the program's, for the user agent.
    package init(
        _ loop: EventLoop, _ address: APIAddress, connectionCount: Int = 8, version: String
    ) throws(TLSSettingsFailure) {
        self.loop = loop
        self.address = address
        let url = address.url
        var tls: TLSContext?
        if url.usesTLS {
            var settings = TLSClientSettings()
            settings.verifiesPeer = address.verifiesTLS
            settings.caFile = address.caFile
            tls = try TLSContext(client: settings)
        }
        var limits = PoolLimits()
        limits.openMax = max(connectionCount, 1)
        limits.idleMax = limits.openMax
        limits.waitTime = .seconds(60)
        origin = HTTPOrigin(
            resolver: Resolver(loop), host: url.host, port: url.port, tls: tls, limits: limits)
        head = RequestHead(
            authority: url.authority, pathPrefix: url.pathPrefix, key: address.key ?? Secret(""),
            headers: [], userAgent: "gateway/\(version)")
    }

    /// Closes every connection. No call may be running.
    package func close() { origin.close() }

    func appendGet(_ target: StaticString, to output: inout ByteBuffer) {
        head.appendGet(target: ByteSlice(target), to: &output)
    }

    func appendPost(
        _ target: StaticString, accept: StaticString, body: ByteSlice, to output: inout ByteBuffer
    ) {
        head.append(
            target: ByteSlice(target), accept: accept, fields: .empty, contentLength: body.count,
            to: &output)
        output.append(body)
    }

    /// The clocks of a call that may take so long in all.
    package static func clocks(_ total: Duration) -> ClientClocks {
        var clocks = ClientClocks()
        clocks.connect = min(.seconds(10), total)
        clocks.head = total
        clocks.idle = total
        clocks.total = total
        return clocks
    }
}

/// Gets one small answer whole.
package final class APIGet {
    /// Bytes of an answer; more is a failure.
    static let bodyBytesMax = 16 << 20

    /// A status and the body, or why there is none.
    package enum Outcome {
        case answered(status: Int, body: [UInt8])
        case failed(String)
    }

    private let client: APIClient
    private let target: StaticString
    private let call = HTTPClientCall()
    private var status = 0
    private var body = ByteBuffer()
    private let completion: (Outcome) -> Void

    private init(
        _ client: APIClient, _ target: StaticString, _ completion: @escaping (Outcome) -> Void
    ) {
        self.client = client
        self.target = target
        self.completion = completion
    }

    /// Runs the client's loop until there is an outcome.
    package static func run(
        _ target: StaticString, on client: APIClient, within limit: Duration = .seconds(15)
    ) -> Outcome {
        var outcome: Outcome?
        let get = APIGet(client, target) {
            outcome = $0
            client.loop.stop()
        }
        client.loop.withTurn {
            get.call.start(on: client.origin, clocks: APIClient.clocks(limit), delegate: get)
        }
        if outcome == nil { client.loop.run() }
        return outcome ?? .failed("the call did not end")
    }
}

extension APIGet: HTTPClientCallDelegate {
    package func writeRequest(on connection: HTTPRequestWriter) {
        connection.withOutput { client.appendGet(target, to: &$0) }
    }

    package func responseHeadArrived(_ head: HTTPHead) { status = head.status }

    package func responseBodyArrived(_ bytes: ByteSlice) {
        guard body.count + bytes.count <= Self.bodyBytesMax else {
            call.cancel()
            return completion(.failed("the answer has more than \(Self.bodyBytesMax) bytes"))
        }
        body.append(bytes)
    }

    package func responseEnded() { completion(.answered(status: status, body: body.array)) }

    package func callFailed(_ failure: HTTPClientFailure) {
        completion(.failed(failure.sentence(host: client.address.url.authority)))
    }
}
