// HTTP2Session.swift — the client's side of one HTTP/2 connection as a machine: bytes in, one event
// at a time out, bytes out; no socket, no clock. nghttp2 does frames, HPACK, flow control and the
// checks of RFC 9113; what its callbacks tell is written down here and asked for afterwards, so
// that nobody runs inside the parser.

import CUV

/// A client's HTTP/2 connection (RFC 9113).
///
/// Order of use: `receive` what has arrived, then `nextEvent` until nil; `submit` requests and
/// `reset` streams at any time but inside those; at the end of a turn `appendOutput`, behind which there may be events
/// again. What a stream's receiver has taken is told with `consume`, else its window stays shut.
public final class HTTP2Session {
    /// What happened on a stream or to the connection.
    public enum Event {
        /// A head arrived, an interim one (1xx) included; valid until the next `receive`.
        case head(stream: Int32, HTTPHead)
        /// Bytes of a body, valid as long as the input.
        case body(stream: Int32, ByteSlice)
        /// The response is whole.
        case end(stream: Int32)
        /// The stream is over; behind `end` that says nothing new. `byPeer` when the server said
        /// so, else its bytes broke the protocol or it never took the request.
        case closed(stream: Int32, HTTP2ErrorCode, byPeer: Bool)
        /// The server takes no new streams (GOAWAY). Those it had not looked at are closed with
        /// `refusedStream`.
        case goAway(HTTP2ErrorCode)
    }

    /// The bytes that have been received are not HTTP/2 any more; the connection is of no use.
    public struct Failure: Error, Equatable, Sendable {
        /// nghttp2's words.
        public let reason: String
    }

    private var raw: OpaquePointer?
    private let limits: HTTP2Limits
    private var events: [Event] = []
    private var eventsTaken = 0
    /// The head that is arriving, by nghttp2's order one at a time.
    private var arriving: HTTP2Head?
    /// Heads that events refer to.
    private var heads: [HTTP2Head] = []
    private var spareHeads: [HTTP2Head] = []
    /// Bodies of requests that have not been sent whole.
    private var bodies: [Int32: HTTP2RequestBody] = [:]
    /// The stream that the server has just reset.
    private var resetByPeer: Int32 = 0
    private var hasSettings = false
    /// Used for each request again.
    private var fields: [nghttp2_nv] = []

    /// A connection on which nothing has been sent; its first output is the client's preface.
    public init(limits: HTTP2Limits = HTTP2Limits()) {
        self.limits = limits
        var options: OpaquePointer?
        var callbacks: OpaquePointer?
        nghttp2_option_new(&options)
        nghttp2_session_callbacks_new(&callbacks)
        guard let options, let callbacks else { fatalError("out of memory: HTTP/2 session") }
        defer {
            nghttp2_option_del(options)
            nghttp2_session_callbacks_del(callbacks)
        }
        // Windows open as the receivers take what came, not as it comes.
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_no_closed_streams(options, 1)
        HTTP2Callbacks.set(callbacks)
        let user = Unmanaged.passUnretained(self).toOpaque()
        guard nghttp2_session_client_new2(&raw, callbacks, user, options) == 0 else {
            fatalError("out of memory: HTTP/2 session")
        }
        var settings = [
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
                value: UInt32(limits.streamWindowBytes)),
            nghttp2_settings_entry(
                settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
                value: UInt32(limits.headBytesMax)),
        ]
        nghttp2_submit_settings(raw, noFlags, &settings, settings.count)
        nghttp2_session_set_local_window_size(
            raw, noFlags, 0, Int32(limits.connectionWindowBytes))
    }

    deinit { nghttp2_session_del(raw) }

    // MARK: Requests

    /// Streams that may be open at once; nil until the server has told its settings, as it must
    /// with its first bytes (RFC 9113 section 3.4).
    public var streamsMax: Int? {
        guard hasSettings else { return nil }
        let theirs = nghttp2_session_get_remote_settings(
            raw, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return min(Int(theirs), limits.streamsMax)
    }

    /// Sends a request.
    ///
    /// - Parameters:
    ///   - head: as it would be sent over HTTP/1.1; its Host becomes `:authority`.
    ///   - message: the whole request of that form, in which `head` lies.
    ///   - bodyStart: where in it the body begins.
    /// - Returns: the stream, or nil where the connection takes none any more.
    public func submit(
        _ head: HTTPHead, in message: consuming ByteBuffer, bodyStart: Int
    ) -> Int32? {
        fields.removeAll(keepingCapacity: true)
        field(":method", ByteSlice(head.method.token))
        field(":scheme", ByteSlice("https" as StaticString))
        field(":authority", head.fields.first("host") ?? .empty)
        field(":path", head.target)
        for index in 0..<head.fields.count {
            let name = head.fields.name(index)
            if Self.belongsToConnection(name) { continue }
            fields.append(
                nghttp2_nv(
                    name: UnsafeMutablePointer(mutating: name.base),
                    value: UnsafeMutablePointer(mutating: head.fields.value(index).base),
                    namelen: name.count, valuelen: head.fields.value(index).count,
                    flags: Self.isSecret(name) ? neverIndexed : noFlags))
        }
        guard message.count > bodyStart else { return submit(nil) }
        let body = HTTP2RequestBody(message, from: bodyStart)
        var provider = nghttp2_data_provider()
        provider.source.ptr = Unmanaged.passUnretained(body).toOpaque()
        provider.read_callback = HTTP2Callbacks.readBody
        guard let stream = submit(&provider) else { return nil }
        bodies[stream] = body
        return stream
    }

    private func submit(_ provider: UnsafePointer<nghttp2_data_provider>?) -> Int32? {
        let stream = nghttp2_submit_request(raw, nil, &fields, fields.count, provider, nil)
        return stream > 0 ? stream : nil
    }

    private func field(_ name: StaticString, _ value: ByteSlice) {
        fields.append(
            nghttp2_nv(
                name: UnsafeMutablePointer(mutating: name.utf8Start),
                value: UnsafeMutablePointer(mutating: value.base),
                namelen: name.utf8CodeUnitCount, valuelen: value.count, flags: noFlags))
    }

    /// What says how HTTP/1.1 passes a message on has no place here (RFC 9113 section 8.2.2).
    private static func belongsToConnection(_ name: ByteSlice) -> Bool {
        switch name.count {
        case 2: name.equalsIgnoringCase("te")
        case 4: name.equalsIgnoringCase("host")
        case 7: name.equalsIgnoringCase("upgrade")
        case 10:
            name.equalsIgnoringCase("connection") || name.equalsIgnoringCase("keep-alive")
        case 16: name.equalsIgnoringCase("proxy-connection")
        case 17: name.equalsIgnoringCase("transfer-encoding")
        default: false
        }
    }

    /// Credentials are kept out of compression tables, as RFC 7541 section 7.1.3 advises.
    private static func isSecret(_ name: ByteSlice) -> Bool {
        name.equalsIgnoringCase("authorization") || name.equalsIgnoringCase("x-api-key")
            || name.equalsIgnoringCase("api-key") || name.equalsIgnoringCase("x-goog-api-key")
            || name.equalsIgnoringCase("cookie")
    }

    /// Whether all of a stream's request has been handed out as output.
    public func isSent(_ stream: Int32) -> Bool { bodies[stream] == nil }

    /// Ends a stream; what still comes on it is dropped.
    public func reset(_ stream: Int32, _ code: HTTP2ErrorCode) {
        bodies[stream] = nil
        nghttp2_submit_rst_stream(raw, noFlags, stream, code.rawValue)
    }

    // MARK: Input

    /// Takes bytes of the server; then ask for events.
    public func receive(_ bytes: ByteSlice) throws(Failure) {
        precondition(eventsTaken == events.count, "input before the events of the last")
        forgetEvents()
        let used = nghttp2_session_mem_recv(raw, bytes.base, bytes.count)
        guard used >= 0 else {
            throw Failure(reason: String(cString: nghttp2_strerror(Int32(used))))
        }
    }

    /// What came of the last call of `receive` or `appendOutput`, in order.
    public func nextEvent() -> Event? {
        guard eventsTaken < events.count else { return nil }
        eventsTaken += 1
        return events[eventsTaken - 1]
    }

    /// Whether `nextEvent` has something to tell.
    public var hasEvents: Bool { eventsTaken < events.count }

    private func forgetEvents() {
        events.removeAll(keepingCapacity: true)
        eventsTaken = 0
        spareHeads.append(contentsOf: heads)
        heads.removeAll(keepingCapacity: true)
    }

    /// The receiver has taken bytes of a body: the server may send as many more.
    public func consume(_ stream: Int32, _ count: Int) {
        nghttp2_session_consume(raw, stream, count)
    }

    /// The bytes wait for their receiver, but not at the expense of other streams.
    public func consumeOfConnection(_ count: Int) {
        nghttp2_session_consume_connection(raw, count)
    }

    /// Bytes that were kept out of other streams' way have been taken.
    public func consumeOfStream(_ stream: Int32, _ count: Int) {
        nghttp2_session_consume_stream(raw, stream, count)
    }

    // MARK: Output

    /// Whether there is something to send.
    public var wantsWrite: Bool { nghttp2_session_want_write(raw) != 0 }

    /// Whether nothing will be sent or understood any more: close the connection.
    public var isOver: Bool { !wantsWrite && nghttp2_session_want_read(raw) == 0 }

    /// Appends what is to be sent, up to `bytesMax` and the rest of a frame. What cannot be sent
    /// any more becomes an event.
    public func appendOutput(to output: inout ByteBuffer, bytesMax: Int) throws(Failure) {
        if !hasEvents { forgetEvents() }
        while output.count < bytesMax {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(raw, &bytes)
            guard count >= 0 else {
                throw Failure(reason: String(cString: nghttp2_strerror(Int32(count))))
            }
            guard count > 0, let bytes else { return }
            output.append(ByteSlice(bytes, count: count))
        }
    }

    /// Says goodbye; what is open is not waited for.
    public func terminate() {
        nghttp2_session_terminate_session(raw, HTTP2ErrorCode.noError.rawValue)
    }
}

private let noFlags = UInt8(NGHTTP2_FLAG_NONE.rawValue)
private let neverIndexed = UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue)

// MARK: - What nghttp2 tells

extension HTTP2Session {
    func headBegins() {
        let head = arriving ?? spareHeads.popLast() ?? HTTP2Head(limits: limits)
        head.begin()
        arriving = head
    }

    /// - Returns: whether the stream may live on.
    func fieldArrived(name: ByteSlice, value: ByteSlice) -> Bool {
        arriving?.append(name: name, value: value) ?? false
    }

    func headersArrived(stream: Int32, endsStream: Bool) {
        // Trailers have no status, and nobody asks for them.
        if let head = arriving, head.status > 0 {
            arriving = nil
            heads.append(head)
            events.append(.head(stream: stream, head.head(endsStream: endsStream)))
        }
        if endsStream { events.append(.end(stream: stream)) }
    }

    func bodyArrived(stream: Int32, _ bytes: ByteSlice) {
        events.append(.body(stream: stream, bytes))
    }

    func ended(stream: Int32) { events.append(.end(stream: stream)) }

    func settingsArrived() { hasSettings = true }

    func wasReset(stream: Int32) { resetByPeer = stream }

    func wentAway(_ code: UInt32) { events.append(.goAway(HTTP2ErrorCode(rawValue: code))) }

    func closed(stream: Int32, code: UInt32) {
        bodies[stream] = nil
        let byPeer = resetByPeer == stream
        resetByPeer = 0
        events.append(.closed(stream: stream, HTTP2ErrorCode(rawValue: code), byPeer: byPeer))
    }

    func bodySent(stream: Int32) { bodies[stream] = nil }
}
