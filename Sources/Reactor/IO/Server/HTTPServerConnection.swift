// HTTPServerConnection.swift — the shell around ServerConnectionMachine: feeds the parser, calls
// the handler, frames responses.

import CUV
import ReactorCore

/// How the body of a response is framed.
public enum ResponseBody: Equatable, Sendable {
    /// So many bytes.
    case length(Int)
    /// Of unknown length: chunked, or for HTTP/1.0 until the connection closes.
    case stream
    /// No body at all, and no length field either (1xx, 204, 304).
    case none
}

/// One connection of a client to the server.
public final class HTTPServerConnection: TCPConnection {
    private unowned(unsafe) let server: HTTPServer
    private let byteCounts: UnsafeMutablePointer<HTTPServer.ByteCounts>
    private var machine: ServerConnectionMachine
    private var parser: HTTP1Parser
    private var handler: (any HTTPServerHandler)?
    /// Whether it has ended its last request on this connection.
    private var handlerIsReleased = false
    /// What the handler of one request leaves for that of the next, 0 at first. The server does not
    /// look at it.
    public final var note = 0
    /// Input behind a complete request at which reading is paused; one read more may be kept.
    static let pipelinedBytesMax = 16 * 1024
    /// Input behind a complete request, kept until its response has ended.
    private var pipelined = ByteBuffer()
    /// Where this connection stands in its server's list.
    var place = 0
    /// Whether it was above the limit of connections.
    var isRefused = false

    private var requestIsHead = false
    private var requestIsHTTP10 = false
    private var expectsContinue = false
    private var responseIsChunked = false
    /// HTTP/1.0: the body ends with the connection.
    private var responseIsUnframed = false
    private var responseHasNoBody = false
    private var responseLeft = 0
    /// Where this turn's chunk begins in the gathered output; nil while none is open.
    private var openChunk: Int?
    private var isParsing = false
    /// Whether the handler was given the current request's head.
    private var handlerHasRequest = false
    private var wasFull = false

    init(server: HTTPServer, block: UnsafeMutablePointer<cuv_tcp_block>, tls: TLSEngine?) {
        self.server = server
        byteCounts = server.bytes
        let bounds = server.bounds
        machine = ServerConnectionMachine(
            bounds: bounds, securing: tls != nil, now: server.loop.now)
        parser = HTTP1Parser(
            .request, limits: bounds.limits.head, settings: server.loop.parserSettings)
        super.init(loop: server.loop, block: block, tls: tls)
        setDeadline(machine.deadline)
    }

    // MARK: Input

    public override func secured() {
        machine.secured(now: now)
        setDeadline(machine.deadline)
    }

    public override func received(_ bytes: ByteSlice) {
        byteCounts.pointee.received += bytes.count
        guard machine.takesInput else { return }
        guard !machine.isServing || machine.isRequestOpen else {
            keepPipelined(bytes)
            return
        }
        parse(bytes)
    }

    /// A client that pipelines is still read, so that its leaving is noticed, until it has sent
    /// more than a little ahead.
    private func keepPipelined(_ bytes: ByteSlice) {
        pipelined.append(bytes)
        if pipelined.count >= Self.pipelinedBytesMax { pauseReading() }
    }

    private func parse(_ bytes: ByteSlice) {
        isParsing = true
        defer { isParsing = false }
        var input = bytes
        machine.bytesArrived(now: now)
        while !isClosed, machine.takesInput {
            switch parser.next(&input) {
            case .needsInput:
                setDeadline(machine.deadline)
                return
            case .head:
                headArrived()
            case .body(let body):
                bodyArrived(body)
            case .end:
                machine.requestEnded()
                if machine.isServing { handler?.requestEnded(on: self) }
                if machine.isServing {
                    if !input.isEmpty { keepPipelined(input) }
                    setDeadline(machine.deadline)
                    return
                }
                if input.isEmpty || !machine.isIdle {
                    setDeadline(machine.deadline)
                    return
                }
                machine.bytesArrived(now: now)
            case .failed(let failure):
                refuse(.malformed(failure))
                return
            }
        }
    }

    private func headArrived() {
        let head = parser.head
        handlerHasRequest = false
        requestIsHead = head.method == .head
        requestIsHTTP10 = head.minorVersion == 0
        if let failure = HTTPRequestRules.failure(in: head) {
            refuse(.malformed(failure))
            return
        }
        expectsContinue =
            !requestIsHTTP10 && head.framing != .none
            && head.fields.first("expect").map { $0.equalsIgnoringCase("100-continue") } ?? false
        let withinLimit = machine.headArrived(
            keepsAlive: head.keepsAlive, framing: head.framing, now: now)
        if handlerIsReleased || handler == nil {
            handlerIsReleased = false
            handler = server.settings.makeHandler()
        }
        handlerHasRequest = true
        handler?.requestHeadArrived(head, on: self)
        guard withinLimit else {
            // It may have refused the request for a graver reason.
            if machine.mayAnswer {
                refuse(.bodyTooLarge(limit: server.bounds.limits.bodyBytesMax))
            }
            return
        }
        if expectsContinue, machine.mayAnswer, !isClosed {
            write(ByteSlice("HTTP/1.1 100 Continue\r\n\r\n"))
        }
    }

    private func bodyArrived(_ body: ByteSlice) {
        guard machine.bodyArrived(body.count) else {
            refuse(.bodyTooLarge(limit: server.bounds.limits.bodyBytesMax))
            return
        }
        handler?.requestBodyArrived(body, on: self)
    }

    public override func inputEnded() {
        switch machine.inputEnded() {
        case .cancel:
            handler?.requestCancelled(.clientLeft, on: self)
            close()
        case .close:
            close()
        }
    }

    public override func broke(_ failure: TransportFailure) {
        if machine.inputEnded() == .cancel {
            handler?.requestCancelled(.clientLeft, on: self)
        }
    }

    // MARK: Refusing

    /// Answers by itself where an answer is still possible, and closes.
    func refuse(_ refusal: HTTPServerRefusal) {
        guard !isClosed else { return }
        if refusal == .overloaded { machine.bytesArrived(now: now) }
        if machine.isServing, handlerHasRequest {
            handler?.requestCancelled(.refused(refusal), on: self)
        }
        guard machine.mayAnswer else {
            abort()
            return
        }
        var fields = ByteBuffer()
        var body = ByteBuffer()
        server.settings.refusalBody(refusal, &fields, &body)
        beginResponse(status: refusal.status, body: .length(body.count), closes: true) {
            $0.append(fields.slice)
        }
        writeBody(body.slice)
        endResponse()
    }

    public override func deadlinePassed() {
        let wasServing = machine.isServing
        switch machine.timePassed(now: now) {
        case .none:
            setDeadline(machine.deadline)
        case .answerTimeout:
            refuse(.requestTimedOut)
        case .close:
            if wasServing { handler?.requestCancelled(.clientStalled, on: self) }
            abortOrClose()
        }
    }

    private func abortOrClose() { outputCount > 0 ? abort() : close() }

    // MARK: Responding

    /// Whether body bytes of the current request are still to come.
    public var isRequestOpen: Bool { machine.isRequestOpen }

    /// Whether the client holds the body back until it is told to go on (RFC 9110 section 10.1.1).
    public var awaitsContinue: Bool { expectsContinue }

    /// Whether the response to the current request has begun.
    public var hasStartedResponse: Bool { machine.hasStartedResponse }

    /// Whether the client's queue is above its high-water mark: stop producing until
    /// `outputHasRoom`.
    public var isFull: Bool {
        guard outputCount > server.bounds.limits.outputHighWater else { return false }
        wasFull = true
        return true
    }

    /// Begins the response: status line, `Date`, framing and `Connection` fields, and what
    /// `fields` appends (whole field lines with CR LF).
    ///
    /// - Parameter closes: closes the connection behind this response.
    public func beginResponse(
        status: Int, body: ResponseBody, closes: Bool = false,
        _ fields: (inout ByteBuffer) -> Void
    ) {
        guard !isClosed else { return }
        responseIsUnframed = body == .stream && requestIsHTTP10
        let keepsAlive = machine.responseBegan(closes: closes || responseIsUnframed)
        expectsContinue = false
        responseHasNoBody = requestIsHead || body == .none
        responseIsChunked = body == .stream && !requestIsHTTP10 && !responseHasNoBody
        prepareOutput()
        HTTP1Encoder.appendStatusLine(status, to: &gathered)
        gathered.append("date: " as StaticString)
        loop.appendDate(to: &gathered)
        gathered.append("\r\n" as StaticString)
        fields(&gathered)
        switch body {
        case .length(let count):
            responseLeft = count
            gathered.append("content-length: " as StaticString)
            gathered.append(decimal: count)
            gathered.append("\r\n" as StaticString)
        case .stream:
            if !requestIsHTTP10 {
                gathered.append("transfer-encoding: chunked\r\n" as StaticString)
            }
        case .none:
            break
        }
        if !keepsAlive {
            gathered.append("connection: close\r\n" as StaticString)
        } else if requestIsHTTP10 {
            gathered.append("connection: keep-alive\r\n" as StaticString)
        }
        gathered.append("\r\n" as StaticString)
    }

    /// Appends bytes of the body. All that one turn writes to a streamed body leaves as one chunk.
    public func writeBody(_ bytes: ByteSlice) {
        guard !bytes.isEmpty else { return }
        withBody { $0.append(bytes) }
    }

    /// Appends bytes of the body in place.
    public func withBody(_ body: (inout ByteBuffer) -> Void) {
        guard !isClosed, !responseHasNoBody else { return }
        prepareOutput()
        if responseIsChunked, openChunk == nil {
            openChunk = gathered.count
            gathered.append(HTTP1Encoder.chunkPlaceholder)
        }
        let before = gathered.count
        body(&gathered)
        responseLeft -= gathered.count - before
    }

    /// Completes the response.
    public func endResponse() {
        guard !isClosed else { return }
        if responseIsChunked {
            prepareOutput()
            closeChunk()
            gathered.append("0\r\n\r\n" as StaticString)
            responseIsChunked = false
        } else if !responseHasNoBody {
            precondition(
                responseLeft == 0 || responseIsUnframed, "a body of another length than announced")
        }
        switch machine.responseEnded(now: now) {
        case .close:
            closeAfterOutput()
        case .linger:
            setDeadline(machine.deadline)
            shutdownAfterOutput()
        case .nextRequest:
            // What comes next may be refused before its head says what it is.
            requestIsHead = false
            requestIsHTTP10 = false
            setDeadline(machine.deadline)
            if !isParsing, !pipelined.isEmpty { loop.atEndOfTurn(self) }
            resumeReading()
        }
    }

    /// Ends the connection in the middle of a response, so that the client cannot take what it got
    /// for whole. What has been written before still leaves.
    public func cutResponse() {
        guard !isClosed else { return }
        closeChunk()
        machine.close()
        closeAfterOutput()
    }

    /// Closes the connection with a reset, losing what waits to be sent.
    public func resetConnection() {
        machine.close()
        abort()
    }

    /// Lets go of the handler, whose request and response are over: an idle connection needs none, and
    /// the next request gets one from `makeHandler`. The handler may serve another connection at once;
    /// this one keeps it alive to the end of the turn, for whoever is still at work with it.
    public func releaseHandler() {
        precondition(!machine.isServing, "a handler was released in the middle of a response")
        guard !isClosed else { return }
        handlerIsReleased = true
        askForFlushed()
    }

    private func closeChunk() {
        guard let start = openChunk else { return }
        openChunk = nil
        HTTP1Encoder.closeChunk(startingAt: start, in: &gathered)
    }

    // MARK: Output events

    public override func willFlush() {
        closeChunk()
        byteCounts.pointee.sent += gathered.count
    }

    public override func flushed() {
        guard handlerIsReleased else { return }
        handlerIsReleased = false
        handler = nil
    }

    public override func outputWaits(moved: Bool) {
        machine.outputWaits(moved: moved, now: now)
        setDeadline(machine.deadline)
        if moved { outputMayHaveRoom() }
    }

    public override func outputEmptied() {
        machine.outputEmptied()
        outputMayHaveRoom()
    }

    private func outputMayHaveRoom() {
        guard wasFull, outputCount <= server.bounds.limits.outputLowWater else { return }
        wasFull = false
        if machine.isServing { handler?.outputHasRoom(on: self) }
    }

    // MARK: The end

    /// Lets a running request end and closes behind it; an idle connection is closed now, or behind
    /// one more request.
    func drain(keepsIdle: Bool) {
        if machine.drain(keepsIdle: keepsIdle) { close() }
    }

    /// Cuts whatever is running.
    func stop() {
        if machine.isServing { handler?.requestCancelled(.stopped, on: self) }
        machine.close()
        abortOrClose()
    }

    public override func didClose() {
        handler = nil
        server.connectionClosed(self)
    }
}

extension HTTPServerConnection: Deferrable {
    /// Goes on with what a pipelining client has already sent.
    public func turnEnding() {
        guard !isClosed, !isParsing, machine.isIdle, !pipelined.isEmpty else { return }
        let bytes = exchange(&pipelined, with: ByteBuffer())
        parse(bytes.slice)
        if pipelined.isEmpty { resumeReading() }
    }
}
