// Exchange+Answer.swift — what the client is told: heads, errors and heartbeats.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTelemetry
import GatewayTools
import GatewayWire
import Reactor
import ReactorCore

extension Exchange {
    // MARK: Fields

    /// Fields of every JSON answer (seed row S59).
    static let jsonFields: StaticString = """
        content-type: application/json; charset=utf-8\r
        cache-control: no-cache, no-store, must-revalidate\r
        x-content-type-options: nosniff\r

        """
    /// Fields of every event stream: no cache and no proxy may hold events back.
    static let streamFields: StaticString = """
        content-type: text/event-stream; charset=utf-8\r
        cache-control: no-cache, no-transform\r
        x-accel-buffering: no\r
        x-content-type-options: nosniff\r

        """
    static let exposedFields: StaticString = """
        access-control-expose-headers: x-request-id, x-proxy-latency-ms, x-stream-downgraded, \
        x-gateway-provider, x-gateway-model, x-gateway-attempts, x-gateway-overhead-us, \
        x-gateway-dropped-params, x-gateway-token-count, x-gateway-repairs, retry-after, x-ratelimit-limit-requests, \
        x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, \
        x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens\r

        """

    /// Fields of every answer: CORS, the request's id and the latency so far.
    func appendCommonFields(to fields: inout ByteBuffer) {
        switch origin {
        case .any:
            fields.append("access-control-allow-origin: *\r\n" as StaticString)
        case .origin(let origin):
            fields.append("access-control-allow-origin: " as StaticString)
            fields.append(origin)
            fields.append("\r\nvary: origin\r\n" as StaticString)
            fields.append(Self.exposedFields)
        case .refused:
            fields.append("vary: origin\r\n" as StaticString)
        }
        fields.append("x-request-id: " as StaticString)
        fields.append(requestID.slice)
        if door.speaksAnthropic {
            fields.append("\r\nrequest-id: " as StaticString)
            fields.append(requestID.slice)
        }
        fields.append("\r\nx-proxy-latency-ms: " as StaticString)
        let elapsed = worker.loop.clock().nanoseconds(since: received)
        fields.append(decimal: Int(elapsed / 1_000_000))
        fields.append("\r\n" as StaticString)
    }

    /// Fields of every chat answer, errors included.
    private func appendChatFields(to fields: inout ByteBuffer) {
        appendLimitFields(to: &fields)
        fields.append(
            tools.isDowngraded
                ? "x-stream-downgraded: true\r\n"
                : "x-stream-downgraded: false\r\n"
                    as StaticString)
        // As long as another target may take over it is not said whose answer this will be.
        if let upstream, rerouting == nil || !machine.isUndecided {
            fields.append("x-gateway-provider: " as StaticString)
            fields.append(upstream.nameBytes)
            fields.append("\r\nx-gateway-model: " as StaticString)
            Self.appendFieldValue(upstreamModel.slice, to: &fields)
            fields.append("\r\nx-gateway-attempts: " as StaticString)
            fields.append(decimal: max(attempts, 1))
            fields.append("\r\n" as StaticString)
        }
        fields.append("x-gateway-overhead-us: " as StaticString)
        fields.append(decimal: measureOverhead())
        fields.append("\r\n" as StaticString)
        if isEstimate { fields.append("x-gateway-token-count: estimate\r\n" as StaticString) }
        if let translation, rerouting == nil || !machine.isUndecided {
            Self.appendDropped(translation.call, to: &fields)
        }
        if !machine.isStreaming { appendRepairs(to: &fields) }
        fields.append(forwarded.slice)
    }

    /// What the provider could not be told.
    private static func appendDropped(
        _ call: borrowing ProviderCall, to fields: inout ByteBuffer
    ) {
        guard !call.dropped.isEmpty else { return }
        fields.append("x-gateway-dropped-params: " as StaticString)
        call.appendDropped(to: &fields)
        fields.append("\r\n" as StaticString)
    }

    /// What was set right in the answer's tool calls. A stream's head is out before that is known.
    private func appendRepairs(to fields: inout ByteBuffer) {
        let repairs = self.repairs
        guard !repairs.isEmpty else { return }
        fields.append("x-gateway-repairs: " as StaticString)
        repairs.append(to: &fields)
        fields.append("\r\n" as StaticString)
    }

    /// A model's name comes from a client's JSON: only visible ASCII may enter a head.
    private static func appendFieldValue(_ value: ByteSlice, to fields: inout ByteBuffer) {
        let start = fields.count
        fields.append(value)
        fields.replace(from: start) { byte in
            ASCII.isVisible(byte) || byte == ASCII.space ? byte : UInt8(ascii: "?")
        }
    }

    /// Our own share of the time: until the request was handed on, and since its answer came.
    private func measureOverhead() -> Int {
        let now = worker.loop.clock()
        var own: UInt64
        if dispatched > received, head.status != 0 {
            let first = rerouting?.firstDispatched ?? dispatched
            own = first.nanoseconds(since: received) + now.nanoseconds(since: head.arrived)
        } else {
            own = now.nanoseconds(since: received)
        }
        overheadMicroseconds = Int(own / 1000)
        return overheadMicroseconds
    }

    // MARK: Answers

    /// The upstream's unary answer, byte for byte.
    func answerUnary() {
        status = 200
        guard let client else { return settle("ok") }
        client.beginResponse(status: 200, body: .length(answer.count)) { fields in
            fields.append(Self.jsonFields)
            appendCommonFields(to: &fields)
            appendChatFields(to: &fields)
        }
        client.writeBody(answer.slice)
        client.endResponse()
        // The client need not wait for the log line.
        client.flushEarly()
        settle("ok")
    }

    /// The head of a stream.
    func beginStream() {
        status = 200
        client?.beginResponse(status: 200, body: .stream) { fields in
            fields.append(Self.streamFields)
            appendCommonFields(to: &fields)
            appendChatFields(to: &fields)
        }
    }

    /// What keeps clients and proxies from taking a silence for the end.
    func writeHeartbeat() {
        switch snapshot.doors[door].heartbeat {
        case .off: break
        case .comment: client?.writeBody(ByteSlice(heartbeatText))
        case .chunk:
            switch door {
            case .answer(.chat):
                writeEmptyChunk(
                    "data: {\"id\":\"chatcmpl-ka\",\"object\":\"chat.completion.chunk\"",
                    ",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}]}\n\n")
            case .answer(.completions):
                writeEmptyChunk(
                    "data: {\"id\":\"cmpl-ka\",\"object\":\"text_completion\"",
                    """
                    ,"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}]}\n\n
                    """)
            default: client?.writeBody(ByteSlice(heartbeatText))
            }
        }
    }

    private func writeEmptyChunk(_ start: StaticString, _ end: StaticString) {
        client?.withBody { body in
            body.append(start)
            body.append(",\"created\":" as StaticString)
            body.append(decimal: worker.loop.secondsSince1970)
            body.append(",\"model\":" as StaticString)
            body.append(jsonString: requestedModel.slice)
            body.append(end)
        }
    }

    private var heartbeatText: StaticString {
        guard case .answer(let answerDoor) = door else { return ":ka\n\n" }
        return answerDoor.heartbeat(hasBegun: firstEvent != nil)
    }

    /// Tells the client of a failure in the form that the moment allows, and ends the exchange.
    func fail(_ reported: Failure) {
        // Upstreams like to quote the key that they were sent.
        let failure =
            secret.map { $0.isEmpty ? reported : SecretEraser.erase($0, from: reported) }
            ?? reported
        if call.isActive { attempts = attemptsBefore + call.attempts }
        if breakerPass != nil { tellBreaker(of: reported) }
        if let rerouting, leave(rerouting, for: failure) { return }
        answer(with: rerouting?.told(failure) ?? failure)
    }

    private func answer(with failure: Failure) {
        stopUpstream()
        // Seed row S58: whoever searches the log for time-outs finds them by these words.
        failureText.removeAll()
        if failure.kind == .upstreamTimeout {
            failureText.append("Request timed out: " as StaticString)
        }
        failureText.append(failure.message)
        switch machine.failed() {
        case .nothing: return
        case .answer: answerError(failure)
        case .inBand:
            worker.counters.streamErrors += 1
            endInBand(failure)
            client?.endResponse()
        }
        settle("error")
    }

    /// Tells a stream whose head is out of its failure.
    private func endInBand(_ failure: Failure) {
        if let translation, translation.encodeFailure(failure) {
            client?.writeBody(translation.output.slice)
            return translation.output.removeAll()
        }
        client?.withBody {
            DoorError(failure, at: door).appendEvent(
                requestID: requestID.slice, eventCount: eventCount,
                to: &$0)
        }
    }

    /// Events of a responses stream that the client has had.
    private var eventCount: Int {
        (responsesObserver?.eventCount ?? 0) + (namedRepair?.addedCount ?? 0)
    }

    private func answerError(_ failure: Failure) {
        let error = DoorError(failure, at: door)
        status = error.status
        guard let client else { return }
        var body = worker.loop.takeBuffer()
        error.appendBody(requestID: requestID.slice, to: &body)
        client.beginResponse(
            status: error.status, body: .length(body.count), closes: client.isRequestOpen
        ) {
            fields in
            fields.append(Self.jsonFields)
            appendCommonFields(to: &fields)
            if door.takesModel { appendChatFields(to: &fields) }
            if let seconds = error.retryAfter {
                fields.append("retry-after: " as StaticString)
                fields.append(decimal: seconds)
                fields.append("\r\n" as StaticString)
            }
            if error.isFinal {
                fields.append("x-should-retry: false\r\n" as StaticString)
            }
            switch failure.kind {
            case .methodNotAllowed:
                if case .methodNotAllowed(let allow) = door {
                    fields.append("allow: " as StaticString)
                    fields.append(allow)
                    fields.append("\r\n" as StaticString)
                }
            case .missingKey, .invalidKey:
                fields.append("www-authenticate: Bearer\r\n" as StaticString)
            default: break
            }
        }
        client.writeBody(body.slice)
        client.endResponse()
        worker.loop.giveBuffer(&body)
    }

    /// A browser's question before the real request.
    func answerPreflight() {
        status = 204
        client?.beginResponse(status: 204, body: .none) { fields in
            appendCommonFields(to: &fields)
            fields.append(
                """
                access-control-allow-methods: GET, HEAD, POST, OPTIONS\r
                access-control-allow-headers: authorization, content-type, x-api-key, \
                anthropic-version, anthropic-beta, anthropic-dangerous-direct-browser-access, \
                openai-beta, openai-organization, openai-project, idempotency-key, x-provider, x-gateway-tools, \
                x-request-id, x-client-request-id, x-session-id, traceparent, tracestate, x-stainless-arch, x-stainless-async, \
                x-stainless-custom-poll-interval, x-stainless-helper-method, x-stainless-lang, \
                x-stainless-os, x-stainless-package-version, x-stainless-poll-helper, \
                x-stainless-read-timeout, x-stainless-retry-count, x-stainless-runtime, \
                x-stainless-runtime-version, x-stainless-timeout\r
                access-control-max-age: 86400\r

                """ as StaticString)
        }
        client?.endResponse()
        settle("ok")
    }

    /// Doors without an upstream.
    func answerAdmin() {
        var body = worker.loop.takeBuffer()
        let view = AdmissionView(acceptsOpenMetrics: acceptsOpenMetrics) { [snapshot, admission] in
            snapshot.keys.allows(admission, model: $0)
        }
        let answer =
            worker.admin?.answer(door, path: path.slice, admission: view, into: &body)
            ?? AdminAnswer(404)
        if answer.status == 404 {
            worker.loop.giveBuffer(&body)
            return fail(
                Failure(.unknownPath, "Invalid URL (\(method.token) \(path.slice.string))"))
        }
        status = answer.status
        client?.beginResponse(status: status, body: .length(body.count)) { fields in
            fields.append(answer.fields)
            fields.append("content-type: " as StaticString)
            fields.append(answer.contentType)
            fields.append(
                """
                \r
                cache-control: no-cache, no-store, must-revalidate\r
                x-content-type-options: nosniff\r

                """ as StaticString)
            appendCommonFields(to: &fields)
        }
        client?.writeBody(body.slice)
        client?.endResponse()
        worker.loop.giveBuffer(&body)
        settle("ok")
    }
}

extension Worker {
    /// What the server answers by itself, in the dialect of the door if one was reached, and its line
    /// in the log.
    package func refuse(
        _ refusal: HTTPServerRefusal, fields: inout ByteBuffer, body: inout ByteBuffer
    ) {
        var requestID = ByteBuffer()
        let door = takeRefused(&requestID)
        if door == nil { RequestID.append(to: &requestID, using: &random) }
        let error = DoorError(Failure(refusal), at: door ?? .notFound)
        error.appendBody(requestID: requestID.slice, to: &body)
        fields.append(Exchange.jsonFields)
        fields.append("access-control-allow-origin: *\r\nx-proxy-latency-ms: 0\r\n" as StaticString)
        fields.append("x-request-id: " as StaticString)
        fields.append(requestID.slice)
        if door?.speaksAnthropic == true {
            fields.append("\r\nrequest-id: " as StaticString)
            fields.append(requestID.slice)
        }
        fields.append("\r\n" as StaticString)
        if error.isFinal { fields.append("x-should-retry: false\r\n" as StaticString) }
        if refusal.status == 503 { fields.append("retry-after: 1\r\n" as StaticString) }
        guard door == nil, snapshot.observability.logsRequests else { return }
        let record = AccessRecord()
        (record.secondsSince1970, record.milliseconds) = loop.wallClock
        record.requestID = requestID.slice
        record.status = refusal.status
        record.outcome = "refused"
        guard log.takes(record.level) else { return }
        refusal.text.withByteSlice { text in
            record.error = text
            let template = templates.template(of: record)
            log.append { lines.append(record, &template.pointee, as: logFormat, to: &$0) }
        }
    }
}

extension Failure {
    /// What the server refused by itself.
    init(_ refusal: HTTPServerRefusal) {
        let kind: Kind =
            switch refusal {
            case .bodyTooLarge: .bodyTooLarge
            case .requestTimedOut: .requestTimeout
            case .overloaded: .overloaded
            case .draining: .shuttingDown
            case .malformed(let failure):
                switch failure.status {
                case 413: .bodyTooLarge
                case 414: .targetTooLong
                case 431: .headTooLarge
                case 501: .unsupportedTransferCoding
                case 505: .unsupportedVersion
                default: .malformedRequest
                }
            }
        self.init(kind, refusal.text)
    }
}
