// HTTP2Callbacks.swift — what nghttp2 calls, and nothing but the way from there to HTTP2Session.

import CUV

enum HTTP2Callbacks {
    static func set(_ callbacks: OpaquePointer) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, _, user in
            session(user) { $0.headBegins() }
            return 0
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, _, name, nameCount, value, valueCount, _, user in
            guard let name, let value else { return 0 }
            let goesOn = session(user) {
                $0.fieldArrived(
                    name: ByteSlice(name, count: nameCount),
                    value: ByteSlice(value, count: valueCount))
            }
            // Resets the stream with INTERNAL_ERROR.
            return goesOn ? 0 : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) {
            _, _, stream, bytes, count, user in
            guard let bytes else { return 0 }
            session(user) { $0.bodyArrived(stream: stream, ByteSlice(bytes, count: count)) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, user in
            guard let frame else { return 0 }
            session(user) { frameArrived(frame, $0) }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) {
            _, stream, code, user in
            session(user) { $0.closed(stream: stream, code: code) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, _, user in
            // A request that came too late: behind a GOAWAY, or with all stream ids used up.
            guard let hd = frame?.pointee.hd, UInt32(hd.type) == NGHTTP2_HEADERS.rawValue else {
                return 0
            }
            session(user) {
                $0.closed(stream: hd.stream_id, code: HTTP2ErrorCode.refusedStream.rawValue)
            }
            return 0
        }
    }

    static let readBody: nghttp2_data_source_read_callback = {
        _, stream, memory, room, flags, source, user in
        guard let memory, let flags, let body = source?.pointee.ptr else {
            return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
        }
        let (count, isLast) = Unmanaged<HTTP2RequestBody>.fromOpaque(body)
            ._withUnsafeGuaranteedRef { $0.next(into: memory, room: room) }
        if isLast {
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
            session(user) { $0.bodySent(stream: stream) }
        }
        return count
    }
}

@discardableResult
private func session<Result>(
    _ user: UnsafeMutableRawPointer?, _ body: (HTTP2Session) -> Result
) -> Result {
    guard let user else { preconditionFailure("an HTTP/2 callback without its session") }
    return Unmanaged<HTTP2Session>.fromOpaque(user)._withUnsafeGuaranteedRef(body)
}

private func frameArrived(_ frame: UnsafePointer<nghttp2_frame>, _ session: HTTP2Session) {
    let hd = frame.pointee.hd
    let endsStream = UInt32(hd.flags) & NGHTTP2_FLAG_END_STREAM.rawValue != 0
    switch UInt32(hd.type) {
    case NGHTTP2_HEADERS.rawValue:
        session.headersArrived(stream: hd.stream_id, endsStream: endsStream)
    case NGHTTP2_DATA.rawValue:
        if endsStream { session.ended(stream: hd.stream_id) }
    case NGHTTP2_SETTINGS.rawValue:
        if UInt32(hd.flags) & NGHTTP2_FLAG_ACK.rawValue == 0 { session.settingsArrived() }
    case NGHTTP2_RST_STREAM.rawValue:
        session.wasReset(stream: hd.stream_id)
    case NGHTTP2_GOAWAY.rawValue:
        session.wentAway(frame.pointee.goaway.error_code)
    default: break
    }
}
