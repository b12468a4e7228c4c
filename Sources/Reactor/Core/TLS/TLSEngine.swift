// TLSEngine.swift — one TLS connection as a machine: bytes in, bytes out, no socket, no clock.
// OpenSSL reads from a borrowed window and writes into a buffer that the shell lends; neither side
// ever blocks, so OpenSSL is never asked to retry. Imported by the connection shells.

import CUV

/// One end of a TLS connection.
///
/// Order of use. A client calls `handshake()` at once; a server waits for bytes. Then, for every
/// piece of ciphertext that arrives:
///
///     engine.receive(ciphertext)                    // borrowed, not copied
///     handshake() until it is .complete             // the rest of the window may be data already
///     read(into:capacity:) until .needsInput        // or .closed, or .failed
///
/// With `.needsInput` (and with `.inProgress`) the window is used up and the caller's memory is
/// free again. Every call may append to the output, `read` and a failure included; a shell sends
/// what is there after each turn. When the peer's bytes end, `endOfInput()` tells whether that was
/// a proper end.
///
/// An engine holds no memory of its own between calls but OpenSSL's: the output buffer can be lent
/// for a turn (`exchangeOutput`) and OpenSSL's record buffers given back (`releaseBuffers`).
public final class TLSEngine {
    /// How far the handshake has come.
    public enum Handshake: Equatable, Sendable {
        /// More input is needed; the window is used up.
        case inProgress
        /// Plaintext can be read and written; bytes may be left in the window.
        case complete
        /// It is over. The output may hold an alert for the peer.
        case failed(TLSFailure)
    }

    /// What a call of `read` came to.
    public enum Read: Equatable, Sendable {
        /// So many bytes of plaintext, at least one.
        case bytes(Int)
        /// The window is used up.
        case needsInput
        /// The peer has closed its side properly; nothing more will come.
        case closed
        /// It is over. The output may hold an alert for the peer.
        case failed(TLSFailure)
    }

    /// What the end of the peer's bytes means.
    public enum InputEnd: Equatable, Sendable {
        /// The peer had said that nothing more comes.
        case clean
        /// Somebody may have cut the connection: what was read cannot be taken as whole.
        case truncated
    }

    private enum Phase {
        /// -> open, failed.
        case handshaking
        /// -> failed.
        case open
        case failed(TLSFailure)
    }

    /// Above this much plaintext, written while the peer is amid a handshake message, the
    /// connection fails.
    public static let heldPlaintextBytesMax = 1 << 20

    /// Records for the peer, in order.
    private var output = ByteBuffer()
    /// The ciphertext not yet used; belongs to the caller of `receive`.
    private var window: UnsafePointer<UInt8>?
    private var windowCount = 0
    /// Whether OpenSSL asked for input that was not there since this was last set to false.
    private var isStarved = false
    /// Whether OpenSSL may hold decrypted bytes of the last record.
    private var mayHoldPlaintext = false
    private var hasSentClose = false
    private var hasReceivedClose = false
    private var phase = Phase.handshaking
    /// The first byte the peer ever sent: tells TLS from everything else.
    private var firstByte: UInt8?
    /// Plaintext that OpenSSL could not take yet; nearly always without memory.
    private var heldPlaintext = ByteBuffer()

    private let context: TLSContext
    private let ssl: OpaquePointer

    /// The calling end of a connection to `serverName`: a DNS name, or an IP address in text form
    /// without brackets. The certificate must be for exactly that; SNI carries names only.
    public convenience init(client context: TLSContext, serverName: String) {
        precondition(!context.isServer, "a server's TLSContext cannot call")
        self.init(context)
        context.bind(to: serverName)
        SSL_set_connect_state(ssl)
        guard expect(serverName) else {
            phase = .failed(.invalidServerName)
            return
        }
        if let session = context.sessions.take() {
            SSL_set_session(ssl, session)
            SSL_SESSION_free(session)
        }
    }

    /// The accepting end of a connection.
    public convenience init(server context: TLSContext) {
        precondition(context.isServer, "a client's TLSContext cannot accept")
        self.init(context)
        SSL_set_accept_state(ssl)
    }

    private init(_ context: TLSContext) {
        guard let ssl = SSL_new(context.raw), let bio = BIO_new(context.bioMethod) else {
            fatalError("out of memory: TLS engine")
        }
        self.context = context
        self.ssl = ssl
        BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(ssl, bio, bio)
    }

    deinit {
        // OpenSSL spoils the session of a connection that is freed before both sides have said
        // goodbye. Over HTTP the end of a message is known without that, so the session stays.
        if case .open = phase { SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN) }
        SSL_free(ssl)
    }

    /// Sets SNI and the name to verify; false if that is no name.
    private func expect(_ serverName: String) -> Bool {
        let parameters = SSL_get0_param(ssl)
        if X509_VERIFY_PARAM_set1_ip_asc(parameters, serverName) == 1 { return true }
        var name = serverName
        if name.hasSuffix(".") { name.removeLast() }
        // A subject's common name is no host name any more (RFC 9525 section 2).
        X509_VERIFY_PARAM_set_hostflags(
            parameters,
            UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
        let count = name.utf8.count
        let isAccepted =
            count > 0 && count <= 253
            && X509_VERIFY_PARAM_set1_host(parameters, name, count) == 1
            && cuv_ssl_set_sni(ssl, name) == 1
        ERR_clear_error()
        return isAccepted
    }
}

// MARK: - Input

extension TLSEngine {
    /// Lends `ciphertext`, which must stay as it is until the engine has used it up (see the type).
    @inline(__always)
    public func receive(_ ciphertext: ByteSlice) {
        precondition(windowCount == 0, "ciphertext received before the last was used up")
        window = ciphertext.base
        windowCount = ciphertext.count
        if firstByte == nil, ciphertext.count > 0 { firstByte = ciphertext[0] }
    }

    /// How many received bytes the engine has not used yet.
    public var unreadCount: Int { windowCount }

    /// Goes on with the handshake as far as the input allows.
    public func handshake() -> Handshake {
        switch phase {
        case .open: return .complete
        case .failed(let failure): return .failed(failure)
        case .handshaking: break
        }
        isStarved = false
        let result = SSL_do_handshake(ssl)
        if result == 1 {
            phase = .open
            if SSL_session_reused(ssl) == 1 {
                context.resumedHandshakeCount += 1
            } else {
                context.fullHandshakeCount += 1
            }
            return .complete
        }
        return isStarved ? .inProgress : .failed(fail())
    }

    /// Decrypts into `memory` until it is full or the input is used up.
    ///
    /// One call yields the plaintext of as many records as fit. An end or a failure behind some
    /// plaintext is told by the next call.
    public func read(into memory: UnsafeMutablePointer<UInt8>, capacity: Int) -> Read {
        guard case .open = phase, !hasReceivedClose else { return readBeyondOpen() }
        var used = 0
        // Without input and held plaintext SSL_read would only say that it wants more: at the
        // price of a third of a useful call.
        while used < capacity, windowCount > 0 || mayHoldPlaintext {
            let room = Int32(clamping: capacity - used)
            isStarved = false
            let count = SSL_read(ssl, memory + used, room)
            // SSL_read stops at the end of a record, so a full buffer alone leaves a question.
            mayHoldPlaintext = count == room
            if count > 0 {
                used += Int(count)
            } else {
                if !isStarved { endReading() }
                break
            }
        }
        if !heldPlaintext.isEmpty { writeHeld() }
        if used > 0 { return .bytes(used) }
        guard case .open = phase, !hasReceivedClose else { return readBeyondOpen() }
        return .needsInput
    }

    /// Tells what the end of the peer's bytes means. The window must be used up.
    public func endOfInput() -> InputEnd {
        precondition(windowCount == 0, "end of input before the last ciphertext was used up")
        return hasReceivedClose ? .clean : .truncated
    }

    private func readBeyondOpen() -> Read {
        switch phase {
        case .handshaking: preconditionFailure("read during the TLS handshake")
        case .failed(let failure): return .failed(failure)
        case .open:
            windowCount = 0
            return .closed
        }
    }

    /// SSL_read failed with input at hand: a close or a failure.
    private func endReading() {
        // A fatal alert marks the connection as shut down as well, but it also leaves OpenSSL in
        // its error state, which counts as an unfinished handshake.
        if SSL_get_shutdown(ssl) & SSL_RECEIVED_SHUTDOWN != 0, SSL_is_init_finished(ssl) == 1 {
            hasReceivedClose = true
            windowCount = 0
        } else {
            _ = fail()
        }
    }

    /// Makes the newest error this connection's end. The error queue is read only here, behind a
    /// call that failed, and emptied; so it need not be cleared before every call.
    private func fail() -> TLSFailure {
        let code = ERR_peek_last_error()
        var failure = TLSFailure(error: code, verdict: SSL_get_verify_result(ssl))
        if case .handshaking = phase {
            if code == 0 { failure = .truncated }
            // The content types of records are 20 to 23; a handshake begins with 22 or an alert.
            if let firstByte, firstByte != 22, firstByte != 21 { failure = .notTLS }
        }
        ERR_clear_error()
        windowCount = 0
        mayHoldPlaintext = false
        heldPlaintext.release()
        phase = .failed(failure)
        return failure
    }
}

// MARK: - Output

extension TLSEngine {
    /// Encrypts all of `plaintext` behind what the output holds.
    public func write(_ plaintext: ByteSlice) throws(TLSFailure) {
        switch phase {
        case .open: break
        case .handshaking: preconditionFailure("write during the TLS handshake")
        case .failed(let failure): throw failure
        }
        precondition(!hasSentClose, "write after close")
        guard plaintext.count > 0 else { return }
        guard heldPlaintext.isEmpty else { return try hold(plaintext) }
        // One record per 16 KiB, each with a header, a nonce (1.2) or type (1.3), and a tag.
        output.reserve(plaintext.count + (plaintext.count >> 14 + 1) * 32)
        isStarved = false
        var written = 0
        if SSL_write_ex(ssl, plaintext.base, plaintext.count, &written) == 1 { return }
        // The peer is in the middle of a handshake message that spans records, which OpenSSL wants
        // to see whole before it writes.
        guard isStarved else { throw fail() }
        try hold(plaintext)
    }

    private func hold(_ plaintext: ByteSlice) throws(TLSFailure) {
        guard heldPlaintext.count + plaintext.count <= Self.heldPlaintextBytesMax else {
            _ = fail()
            phase = .failed(.peerStalledWrites)
            throw .peerStalledWrites
        }
        heldPlaintext.append(plaintext)
    }

    private func writeHeld() {
        guard case .open = phase, !hasSentClose else { return heldPlaintext.release() }
        isStarved = false
        var written = 0
        if SSL_write_ex(ssl, heldPlaintext.slice.base, heldPlaintext.count, &written) == 1 {
            heldPlaintext.release()
        } else if !isStarved {
            _ = fail()
        }
    }

    /// Says to the peer that nothing more will be written. Does nothing before the handshake is
    /// complete or after a failure; reading may go on.
    public func close() {
        guard case .open = phase, !hasSentClose else { return }
        hasSentClose = true
        // Returns 0: the answer is not waited for.
        if SSL_shutdown(ssl) < 0 { ERR_clear_error() }
    }

    /// How many bytes wait to be sent.
    @inline(__always)
    public var outputCount: Int { output.count }

    /// The bytes to send, for the time of the call. The engine must not be used within.
    public func withOutput<Result>(_ body: (ByteSlice) -> Result) -> Result { body(output.slice) }

    /// Forgets the first `count` bytes of the output: they have been sent.
    public func consumeOutput(_ count: Int) { output.removeFirst(count) }

    /// Swaps the output buffer for `buffer`, contents included. A shell lends its loop's buffer
    /// before a turn and takes it back, full of records, behind it: then an idle engine holds none.
    public func exchangeOutput(_ buffer: inout ByteBuffer) { swap(&output, &buffer) }

    /// Gives back OpenSSL's record buffers (2 x 16 KiB), which the next record allocates again, and
    /// an empty output's memory. For a connection that becomes idle.
    public func releaseBuffers() {
        if output.isEmpty { output.release() }
        if windowCount == 0, !mayHoldPlaintext { _ = SSL_free_buffers(ssl) }
    }
}

// MARK: - What was agreed on

extension TLSEngine {
    /// Whether plaintext can be read and written.
    public var isOpen: Bool {
        if case .open = phase { true } else { false }
    }

    /// The version in use; nil before the handshake is complete.
    public var version: TLSVersion? { isOpen ? TLSVersion(rawValue: SSL_version(ssl)) : nil }

    /// The application protocol both sides agreed on, if they did.
    public var applicationProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        return name.map { ByteSlice($0, count: Int(count)).string }
    }

    /// Whether the handshake resumed a session of an earlier connection.
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The result of verifying the peer's certificate, which a client that does not insist on
    /// verification may want to show.
    public var verification: TLSFailure.Verdict {
        TLSFailure.Verdict(code: SSL_get_verify_result(ssl))
    }
}

// MARK: - The callbacks below OpenSSL

extension TLSEngine {
    /// The engine behind a BIO, without counting references: it frees the BIO before it goes.
    @inline(__always)
    private static func with<Result>(
        _ bio: OpaquePointer?, _ body: (TLSEngine) -> Result
    ) -> Result {
        Unmanaged<TLSEngine>.fromOpaque(BIO_get_data(bio).unsafelyUnwrapped)
            ._withUnsafeGuaranteedRef(body)
    }

    static let readCallback:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<CChar>?, Int, UnsafeMutablePointer<Int>?
        ) -> Int32 = { bio, memory, wanted, read in
            with(bio) { engine in
                let count = min(wanted, engine.windowCount)
                guard count > 0, let memory, let window = engine.window else {
                    engine.isStarved = true
                    cuv_bio_set_retry_read(bio)
                    return -1
                }
                UnsafeMutableRawPointer(memory).copyMemory(from: window, byteCount: count)
                engine.window = window + count
                engine.windowCount -= count
                read.unsafelyUnwrapped.pointee = count
                return 1
            }
        }

    static let writeCallback:
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>?, Int, UnsafeMutablePointer<Int>?
        ) -> Int32 = { bio, memory, count, written in
            with(bio) { engine in
                if count > 0, let memory {
                    engine.output.append(
                        ByteSlice(UnsafeRawBufferPointer(start: memory, count: count)))
                }
                written.unsafelyUnwrapped.pointee = count
                return 1
            }
        }

    static let controlCallback:
        @convention(c) (OpaquePointer?, Int32, Int, UnsafeMutableRawPointer?) -> Int = {
            _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0
        }
}
