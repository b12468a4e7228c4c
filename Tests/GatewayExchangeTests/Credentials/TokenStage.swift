// TokenStage.swift — a token endpoint that answers as its test says, over TLS on a port of this
// machine, with the sources that ask it: all on one loop.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore
import TestSupport
import Testing

/// What the endpoint does with a request.
enum TokenAnswerScript {
    case json(Int, String, fields: String = "")
    /// Nothing, until the stage's `release` says what.
    case hold
    /// The connection is cut.
    case cut

    static func token(_ text: String, lasting seconds: Int = 3600) -> TokenAnswerScript {
        .json(200, #"{"access_token":"\#(text)","expires_in":\#(seconds),"issued_at":"x"}"#)
    }
}

final class TokenStage {
    let loop = EventLoop()
    let directory = TestDirectory()
    private let authority: TestAuthority
    private var server: HTTPServer?
    private var resolver: Resolver?
    private var sources: [TokenSource] = []
    private(set) var port = 0
    /// What each request, by its number from 0, is answered.
    var script: (Int) -> TokenAnswerScript
    /// Method, target and body of each.
    private(set) var requests: [(head: String, body: String)] = []
    private(set) var events: [TokenEvent] = []
    private var held: [HTTPServerConnection] = []

    init(_ script: @escaping (Int) -> TokenAnswerScript) throws {
        self.script = script
        authority = TestAuthority(in: directory)
        var settings = HTTPServerSettings { [unowned self] in TokenEndpointHandler(stage: self) }
        settings.tls = try TLSContext(server: TLSServerSettings(identity: authority.issue()))
        let server = HTTPServer(loop, settings: settings)
        port = try server.listen(on: #require(SocketAddress(host: "127.0.0.1", port: 0))).port
        self.server = server
        resolver = Resolver(loop)
    }

    var endpoint: TokenEndpoint {
        TokenEndpoint(usesTLS: true, host: "127.0.0.1", port: port, path: "")
    }

    var grant: TokenGrant { grant(lifetimeDefault: 3600) }

    func grant(lifetimeDefault: Int) -> TokenGrant {
        .salesforce(
            SalesforceGrant(
                instance: endpoint, clientID: "client", proof: .clientSecret(Secret("top-secret")),
                lifetimeDefault: lifetimeDefault))
    }

    /// Waits that a test can sit out.
    static var quick: TokenPolicy {
        var policy = TokenPolicy()
        policy.attemptWait = .milliseconds(20)
        policy.breakerTime = .milliseconds(200)
        policy.breakerTimeMax = .milliseconds(400)
        policy.lockRetryTime = .milliseconds(10)
        return policy
    }

    func source(
        _ name: String = "acme", grant: TokenGrant? = nil, policy: TokenPolicy = TokenStage.quick,
        file: TokenFile? = nil, clocks: ClientClocks = TokenSource.clocks, trusts: Bool = true
    ) throws -> TokenSource {
        var tls = TLSClientSettings()
        if trusts { tls.caFile = authority.certificateFile }
        let origins = TokenOrigins(loop, resolver: try #require(resolver), tls: tls)
        let source = TokenSource(
            name: name, grant: grant ?? self.grant, policy: policy, file: file, origins: origins,
            userAgent: "test", clocks: clocks
        ) { [unowned self] in events.append($0) }
        sources.append(source)
        return source
    }

    func file(_ name: String = "t.json", identity: SHA256Digest? = nil) -> TokenFile {
        TokenFile(directory: directory.path, name: name, identity: identity ?? grant.identity)
    }

    // MARK: The endpoint

    fileprivate func arrived(_ head: String, _ body: String, on connection: HTTPServerConnection) {
        requests.append((head, body))
        answer(script(requests.count - 1), on: connection)
    }

    /// Answers what is held back.
    func release(_ answer: TokenAnswerScript) {
        loop.withTurn {
            for connection in held { self.answer(answer, on: connection) }
            held = []
        }
    }

    var heldCount: Int { held.count }

    private func answer(_ answer: TokenAnswerScript, on connection: HTTPServerConnection) {
        switch answer {
        case .hold: held.append(connection)
        case .cut: connection.resetConnection()
        case .json(let status, let text, let fields):
            connection.beginResponse(status: status, body: .length(text.utf8.count)) {
                $0.append("content-type: application/json\r\n\(fields)")
            }
            text.withByteSlice { connection.writeBody($0) }
            connection.endResponse()
        }
    }

    // MARK: Running

    /// Lets `waiter` ask, as a request does.
    func ask(_ source: TokenSource, _ waiter: Waiter) {
        loop.withTurn {
            if let lease = source.lease(for: waiter) { waiter.tokenArrived(lease) }
        }
    }

    func ask(_ source: TokenSource, count: Int = 1) -> [Waiter] {
        let waiters = (0..<count).map { _ in Waiter() }
        for waiter in waiters { ask(source, waiter) }
        return waiters
    }

    @discardableResult
    func wait(
        _ what: String, sourceLocation: SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) -> Bool {
        let isDone = loop.run(until: condition)
        if !isDone { Issue.record("waited in vain for \(what)", sourceLocation: sourceLocation) }
        return isDone
    }

    /// Asks and waits for the outcome.
    func outcome(
        _ source: TokenSource, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Waiter {
        let waiter = Waiter()
        ask(source, waiter)
        wait("a token", sourceLocation: sourceLocation) { waiter.isTold }
        return waiter
    }

    func pass(_ time: Duration) { loop.run(until: { false }, within: time) }

    func finish(sourceLocation: SourceLocation = #_sourceLocation) {
        for source in sources { source.close() }
        held = []
        var isDrained = false
        server?.drain(grace: .zero) { isDrained = true }
        wait("the drain", sourceLocation: sourceLocation) { isDrained }
        pass(.milliseconds(5))
        server = nil
        resolver = nil
        for event in events {
            let text = event.text(provider: "acme")
            #expect(!text.contains("top-secret"), sourceLocation: sourceLocation)
        }
    }
}

/// A request that wants a token.
final class Waiter: TokenWaiter {
    private(set) var leases: [TokenLease] = []
    private(set) var failures: [Failure] = []

    func tokenArrived(_ lease: TokenLease) { leases.append(lease) }
    func tokenFailed(_ failure: Failure) { failures.append(failure) }

    var isTold: Bool { !leases.isEmpty || !failures.isEmpty }
    var token: String? { leases.last?.token.secret.withBytes { $0.string } }
    var failure: Failure? { failures.last }
}

private final class TokenEndpointHandler: HTTPServerHandler {
    private unowned let stage: TokenStage
    private var head = ""
    private var body = ByteBuffer()

    init(stage: TokenStage) { self.stage = stage }

    func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        self.head = "\(head.method.token) \(head.target.string)"
        body.removeAll()
    }

    func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        body.append(bytes)
    }

    func requestEnded(on connection: HTTPServerConnection) {
        stage.arrived(head, body.string, on: connection)
    }

    func requestCancelled(_ reason: HTTPServerCancellation, on connection: HTTPServerConnection) {}
    func outputHasRoom(on connection: HTTPServerConnection) {}
}
