// TLSContext.swift — what many TLS connections share: certificates, rules and, for a client, the
// sessions to resume. Reads files when it is made, never later. Imported by whoever makes engines.

import CUV

/// The shared half of TLS connections, for one side and used from one thread.
///
/// A client's context serves one origin: its sessions were verified for one server name, and a
/// resumed handshake shows no certificate to verify again. The first engine fixes that name.
///
/// Ownership: the context owns the `SSL_CTX`; every engine holds the context, so the callbacks
/// below find it alive.
public final class TLSContext {
    /// Completed handshakes that exchanged certificates.
    public internal(set) var fullHandshakeCount = 0
    /// Completed handshakes that resumed a session.
    public internal(set) var resumedHandshakeCount = 0

    let raw: OpaquePointer
    let bioMethod: OpaquePointer
    let isServer: Bool
    var sessions = TLSSessionStack()
    private var origin: String?
    /// The protocols of `alpn` in wire form; OpenSSL keeps pointers into it.
    private var protocols = ByteBuffer()

    /// Reads what `settings` names and makes the context that calls one origin.
    public init(client settings: TLSClientSettings) throws(TLSSettingsFailure) {
        (raw, bioMethod) = Self.makeRaw(TLS_client_method())
        isServer = false
        try configure(settings.minVersion, settings.maxVersion, settings.releasesBuffers)
        SSL_CTX_set_verify(raw, settings.verifiesPeer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
        if let file = settings.caFile {
            try trust(file, fallback: "no CA certificate can be read from it")
            // An intermediate or the server's own certificate may be pinned, as other clients allow.
            X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(raw), UInt(X509_V_FLAG_PARTIAL_CHAIN))
        } else if settings.verifiesPeer, SSL_CTX_set_default_verify_paths(raw) != 1 {
            throw TLSSettingsFailure(
                file: nil, fallback: "the system's CA certificates are missing")
        }
        if let identity = settings.identity { try use(identity) }
        try encode(settings.alpn)
        if !protocols.isEmpty {
            let bytes = protocols.slice
            let refused = SSL_CTX_set_alpn_protos(raw, bytes.base, UInt32(bytes.count))
            precondition(refused == 0, "ALPN list refused")
        }
        _ = cuv_ssl_ctx_set_cache_mode(
            raw, Int(SSL_SESS_CACHE_CLIENT) | cuv_ssl_cache_without_store())
        SSL_CTX_sess_set_new_cb(raw) { ssl, session in
            guard let ssl, let session else { return 0 }
            TLSContext.with(SSL_get_SSL_CTX(ssl)) { $0.sessions.push(session) }
            return 1
        }
    }

    /// Reads what `settings` names and makes the context of a listener.
    public init(server settings: TLSServerSettings) throws(TLSSettingsFailure) {
        (raw, bioMethod) = Self.makeRaw(TLS_server_method())
        isServer = true
        try configure(settings.minVersion, settings.maxVersion, settings.releasesBuffers)
        SSL_CTX_set_options(raw, cuv_ssl_option_server_preference())
        try use(settings.identity)
        if let file = settings.clientCAFile {
            try trust(file, fallback: "no CA certificate can be read from it")
            guard let names = SSL_load_client_CA_file(file) else {
                throw TLSSettingsFailure(file: file, fallback: "it holds no CA certificate")
            }
            SSL_CTX_set_client_CA_list(raw, names)
            SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
        }
        try encode(settings.alpn)
        if !protocols.isEmpty {
            SSL_CTX_set_alpn_select_cb(
                raw,
                { ssl, chosen, chosenLength, offered, offeredLength, _ in
                    guard let ssl, let chosen, let chosenLength, let offered else {
                        return SSL_TLSEXT_ERR_ALERT_FATAL
                    }
                    return TLSContext.with(SSL_get_SSL_CTX(ssl)) {
                        let ours = $0.protocols.slice
                        var name: UnsafeMutablePointer<UInt8>?
                        let verdict = SSL_select_next_proto(
                            &name, chosenLength, ours.base, UInt32(ours.count), offered,
                            offeredLength)
                        guard verdict == OPENSSL_NPN_NEGOTIATED else {
                            return SSL_TLSEXT_ERR_ALERT_FATAL
                        }
                        chosen.pointee = UnsafePointer(name)
                        return SSL_TLSEXT_ERR_OK
                    }
                }, nil)
        }
        // Sessions live in tickets that the clients keep; nothing is stored here.
        _ = cuv_ssl_ctx_set_cache_mode(
            raw, Int(SSL_SESS_CACHE_SERVER) | cuv_ssl_cache_without_store())
        let purpose = ByteSlice("reactor" as StaticString)
        SSL_CTX_set_session_id_context(raw, purpose.base, UInt32(purpose.count))
    }

    deinit {
        sessions.removeAll()
        SSL_CTX_free(raw)
        BIO_meth_free(bioMethod)
    }

    /// How many sessions wait to be resumed.
    public var sessionCount: Int { sessions.count }

    /// Drops the sessions, so that the next handshake is a full one.
    public func forgetSessions() { sessions.removeAll() }

    /// Fixes the name this context's sessions are good for.
    func bind(to serverName: String) {
        guard let origin else {
            self.origin = serverName
            return
        }
        precondition(origin == serverName, "a client's TLSContext serves one origin")
    }
}

// MARK: - Making one

extension TLSContext {
    private static func makeRaw(_ method: OpaquePointer?) -> (OpaquePointer, OpaquePointer) {
        guard let raw = SSL_CTX_new(method),
            // A type number of our own would use up one of 127 with every context.
            let bio = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "engine")
        else { fatalError("out of memory: TLS context") }
        BIO_meth_set_read_ex(bio, TLSEngine.readCallback)
        BIO_meth_set_write_ex(bio, TLSEngine.writeCallback)
        BIO_meth_set_ctrl(bio, TLSEngine.controlCallback)
        return (raw, bio)
    }

    private func configure(
        _ oldest: TLSVersion, _ newest: TLSVersion, _ releasesBuffers: Bool
    ) throws(TLSSettingsFailure) {
        SSL_CTX_set_ex_data(raw, 0, Unmanaged.passUnretained(self).toOpaque())
        guard oldest <= newest,
            cuv_ssl_ctx_set_min_version(raw, oldest.rawValue) == 1,
            cuv_ssl_ctx_set_max_version(raw, newest.rawValue) == 1
        else { throw TLSSettingsFailure(reason: "no TLS version is left between the limits") }
        SSL_CTX_set_options(raw, cuv_ssl_options_always())
        SSL_CTX_clear_options(raw, cuv_ssl_option_ignore_unexpected_eof())
        // AES-128 first, as browsers do: enough for everybody, fewer rounds, and SHA-256 instead
        // of SHA-384 in the key schedule.
        SSL_CTX_set_ciphersuites(
            raw,
            "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
        if releasesBuffers { _ = cuv_ssl_ctx_set_mode(raw, Int(SSL_MODE_RELEASE_BUFFERS)) }
        // Without this OpenSSL asks the terminal for the passphrase of an encrypted key.
        SSL_CTX_set_default_passwd_cb(raw) { _, _, _, _ in -1 }
        ERR_clear_error()
    }

    private func trust(_ file: String, fallback: String) throws(TLSSettingsFailure) {
        guard SSL_CTX_load_verify_file(raw, file) == 1 else {
            throw TLSSettingsFailure(file: file, fallback: fallback)
        }
    }

    private func use(_ identity: TLSIdentity) throws(TLSSettingsFailure) {
        guard SSL_CTX_use_certificate_chain_file(raw, identity.certificateFile) == 1 else {
            throw TLSSettingsFailure(
                file: identity.certificateFile, fallback: "no certificate can be read from it")
        }
        guard SSL_CTX_use_PrivateKey_file(raw, identity.privateKeyFile, SSL_FILETYPE_PEM) == 1
        else {
            throw TLSSettingsFailure(
                file: identity.privateKeyFile,
                fallback: "no usable private key can be read from it (is it encrypted?)")
        }
        guard SSL_CTX_check_private_key(raw) == 1 else {
            throw TLSSettingsFailure(
                file: identity.privateKeyFile,
                fallback: "the key does not belong to the certificate")
        }
    }

    private func encode(_ names: [String]) throws(TLSSettingsFailure) {
        for name in names {
            guard case 1...255 = name.utf8.count else {
                throw TLSSettingsFailure(reason: "an ALPN name has 1 to 255 bytes: '\(name)'")
            }
            protocols.append(UInt8(name.utf8.count))
            protocols.append(name)
        }
    }

    /// The context behind a raw one, without counting references.
    @inline(__always)
    private static func with<Result>(
        _ raw: OpaquePointer?, _ body: (TLSContext) -> Result
    ) -> Result {
        guard let pointer = SSL_CTX_get_ex_data(raw, 0) else {
            preconditionFailure("a TLS callback without its context")
        }
        return Unmanaged<TLSContext>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }
}
