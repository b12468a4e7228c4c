// Exchange+Head.swift — what a request's head says: its door, who asks, what goes on to the upstream,
// and what can be refused before the body has come.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore

extension Exchange {
    func begin(_ head: HTTPHead, on connection: HTTPServerConnection) {
        client = connection
        if snapshot !== worker.snapshot { snapshot = worker.snapshot }
        snapshot.requestCount += 1
        worker.counters.requests += 1
        worker.counters.inFlight += 1
        began = worker.loop.now
        received = began
        method = head.method
        let path = HTTPRequestRules.path(of: head.target)
        door = DoorTable.door(method: ByteSlice(method.token), path: path)
        machine = ExchangeMachine(
            heartbeatNanoseconds: snapshot.heartbeatNanoseconds(at: door))
        machine.requestBegan()
        self.path.append(path)
        readFields(head.fields)
        if case .models(.anthropic) = door {
            query.append(HTTPRequestRules.pathAndQuery(of: head.target))
        }
        if requestID.isEmpty {
            RequestID.append(worker.random.next(), worker.random.next(), to: &requestID)
        }
    }

    /// One walk over the fields; each is recognised by its length first.
    private func readFields(_ fields: HTTPFields) {
        var credential = ByteSlice.empty
        var contentType: ByteSlice?
        var isEncoded = false
        var originValue: ByteSlice?
        var connection = ByteSlice.empty
        var forwards = false
        var (traceParent, session, claudeSession) = (
            ByteSlice.empty, ByteSlice.empty, ByteSlice.empty
        )
        let takesModel = door.takesModel
        let isAnthropic = door.speaksAnthropic
        for index in 0..<fields.count {
            let name = fields.name(index)
            let value = fields.value(index)
            switch name.count {
            case 4 where name.equalsIgnoringCase("host"): checkHost(value)
            case 6 where name.equalsIgnoringCase("origin"): originValue = value
            case 6 where name.equalsIgnoringCase("accept"): noteAccepted(value)
            case 7 where name.equalsIgnoringCase("api-key"): credential = value
            case 9 where name.equalsIgnoringCase("x-api-key"): credential = value
            case 10 where name.equalsIgnoringCase("x-provider"): providerHeader = value.string
            case 10 where name.equalsIgnoringCase("connection"): connection = value
            case 10 where name.equalsIgnoringCase("tracestate"): forwards = true
            case 11 where name.equalsIgnoringCase("traceparent"):
                forwards = true
                traceParent = value
            case 11 where name.equalsIgnoringCase("openai-beta"): forwards = true
            case 14 where isAnthropic && name.equalsIgnoringCase("anthropic-beta"):
                keepAnthropic(name, value)
            case 17 where name.equalsIgnoringCase("anthropic-version"):
                if isAnthropic {
                    keepAnthropic(name, value)
                } else {
                    door = door.inAnthropicDialect
                }
            case 12 where name.equalsIgnoringCase("content-type"): contentType = value
            case 12 where name.equalsIgnoringCase("x-request-id"):
                if requestID.isEmpty, RequestID.isSane(value) { requestID.append(value) }
            case 12 where name.equalsIgnoringCase("x-session-id"): session = value
            case 13 where name.equalsIgnoringCase("authorization"):
                credential = Self.bearer(value) ?? credential
            case 15 where name.equalsIgnoringCase("idempotency-key"): forwards = true
            case 16 where name.equalsIgnoringCase("content-encoding"):
                isEncoded = !value.equalsIgnoringCase("identity")
            case 19 where name.equalsIgnoringCase("x-stainless-timeout"): limitClocks(value)
            case 24 where name.equalsIgnoringCase("x-stainless-read-timeout"): limitClocks(value)
            case 24 where name.equalsIgnoringCase("x-claude-code-session-id"):
                claudeSession = value
            default: break
            }
        }
        origin = CORSGrant.judge(originValue, by: snapshot.cors)
        admission = admit(credential)
        if takesModel, let policy = snapshot.observability.tracing {
            beginTrace(
                policy, parent: traceParent, session: session.isEmpty ? claudeSession : session)
        }
        awaitNames()
        if forwards { forward(fields, connection: connection) }
        if takesModel, snapshot.tools.readsFields { readToolFields(fields) }
        if !isRefused { refusal = judge() }
        if takesModel, !isRefused { checkBodyType(contentType, isEncoded: isEncoded) }
    }

    /// Whether there is a refusal. To compare one with nil copies it.
    var isRefused: Bool {
        if case .some = refusal { true } else { false }
    }

    /// Keeps the few fields that go on to the upstream, but for those that the client's Connection
    /// field names: they are meant for this hop (RFC 9110 section 7.6.1).
    private func forward(_ fields: HTTPFields, connection: ByteSlice) {
        let isTold = trace?.isTold ?? false
        for index in 0..<fields.count {
            let (name, value) = (fields.name(index), fields.value(index))
            let isForwarded =
                switch name.count {
                // Where this request is recorded, the next hop is told of a span of ours.
                case 11:
                    (!isTold && name.equalsIgnoringCase("traceparent"))
                        || name.equalsIgnoringCase("openai-beta")
                case 10: (!isTold || followsTrace) && name.equalsIgnoringCase("tracestate")
                case 15: name.equalsIgnoringCase("idempotency-key")
                default: false
                }
            guard isForwarded, !connection.lists(name),
                forwarded.count + name.count + value.count < 4096
            else { continue }
            forwarded.append(name)
            forwarded.append(": " as StaticString)
            forwarded.append(value)
            forwarded.append("\r\n" as StaticString)
        }
    }

    /// Version and betas go on to an upstream of the same dialect, and to no other.
    private func keepAnthropic(_ name: ByteSlice, _ value: ByteSlice) {
        guard anthropicFields.count + name.count + value.count < 4096 else { return }
        anthropicFields.append(name)
        anthropicFields.append(": " as StaticString)
        anthropicFields.append(value)
        anthropicFields.append("\r\n" as StaticString)
        if name.count == 17 { namesVersion = true }
    }

    /// Seconds, with a fraction or without: a client's limit only ever lowers ours.
    private func limitClocks(_ value: ByteSlice) {
        let dot = value.firstIndex(of: 0x2E)
        let whole = dot.map { value.prefix($0) } ?? value
        guard let seconds = whole.decimalValue, seconds < 86400 else { return }
        var milliseconds = seconds * 1000
        if let dot {
            let digits = value.dropFirst(dot + 1)
            if digits.count > 0, ASCII.isDigit(digits[0]) {
                milliseconds += Int(digits[0] - ASCII.zero) * 100
            }
        }
        guard milliseconds > 0 else { return }
        clientMilliseconds = min(clientMilliseconds ?? .max, milliseconds)
    }

    private static func bearer(_ value: ByteSlice) -> ByteSlice? {
        guard value.count > 7, value.prefix(7).equalsIgnoringCase("bearer ") else { return nil }
        return value.dropFirst(7).trimmed
    }

    private func admit(_ credential: ByteSlice) -> APIKeyTable.Admission {
        let keys = snapshot.keys
        guard keys.mode == .keys, let clientPlace else { return keys.admit(credential) }
        return clientPlace._withUnsafeGuaranteedRef { keys.admit(credential, known: &$0.note) }
    }

    /// On a loopback address without keys, a page of a foreign site must not reach the gateway by
    /// a name that it had resolved to this machine.
    private func checkHost(_ host: ByteSlice) {
        guard let hosts = snapshot.cors.hosts, !CORSGrant.isAllowedHost(host, listed: hosts) else {
            return
        }
        refusal = Failure(
            .notPermitted,
            "This gateway serves requests to a loopback address only; list other names under "
                + "server.allowed_hosts.")
    }

    private func checkBodyType(_ type: ByteSlice?, isEncoded: Bool) {
        if isEncoded {
            refusal = Failure(
                .unsupportedMediaType, "Encoded request bodies are not understood here.")
        } else if let type, !Self.mayBeJSON(type) {
            refusal = Failure(
                .unsupportedMediaType,
                "The request's content type must be application/json.")
        }
    }

    private static func mayBeJSON(_ type: ByteSlice) -> Bool {
        let end = type.firstIndex(of: 0x3B) ?? type.count
        let media = type.prefix(end).trimmed
        if media.isEmpty || media.equalsIgnoringCase("application/json") { return true }
        // Not text/plain: a page of any site may post that without asking.
        return media.equalsIgnoringCase("text/json")
            || media.equalsIgnoringCase("application/octet-stream")
            || (media.count > 5 && media.dropFirst(media.count - 5).equalsIgnoringCase("+json"))
    }

    /// What can be refused without the body; 401 comes before 404.
    private func judge() -> Failure? {
        if !door.isPublic {
            switch admission {
            case .missing:
                return Failure(
                    .missingKey,
                    "You didn't provide an API key. Send it in the Authorization header as a "
                        + "bearer token.")
            case .invalid: return Failure(.invalidKey, "Incorrect API key provided.")
            case .anyone, .key: break
            }
        }
        if door.isForAdmins, !snapshot.keys.isAdmin(admission) {
            return Failure(.notPermitted, "This needs a key that is marked `admin`.")
        }
        switch door {
        case .notFound:
            return Failure(
                .unknownPath, "Invalid URL (\(method.token) \(path.string))")
        case .methodNotAllowed(let allow):
            return Failure(
                .methodNotAllowed,
                "The method \(method.token) is not allowed here; allowed: \(allow).")
        default: return nil
        }
    }
}

extension ByteSlice {
    /// Whether this comma-separated list names `token`, compared without case.
    fileprivate func lists(_ token: ByteSlice) -> Bool {
        var rest = self
        while !rest.isEmpty {
            let end = rest.firstIndex(of: ASCII.comma) ?? rest.count
            let item = rest.prefix(end).trimmed
            if item.count == token.count {
                var isSame = true
                for index in 0..<item.count
                where ASCII.lowercased(item[index]) != ASCII.lowercased(token[index]) {
                    isSame = false
                }
                if isSame { return true }
            }
            rest = rest.dropFirst(min(end + 1, rest.count))
        }
        return false
    }
}
