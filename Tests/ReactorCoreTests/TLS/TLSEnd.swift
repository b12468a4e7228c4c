// TLSEnd.swift — one end of a TLS connection in a test: an engine driven the way a shell drives it,
// and a raw OpenSSL peer for what no engine of ours would do. The two are wired through memory.

import CUV
import ReactorCore
import TestSupport
import Testing

/// What two ends have in common: bytes come in, bytes go out.
protocol TLSTestPeer: AnyObject {
    func take(_ ciphertext: [UInt8])
    func takeOutput() -> [UInt8]
}

/// Carries bytes between the two, in pieces of at most `piece`, until both are quiet.
func pump(_ left: any TLSTestPeer, _ right: any TLSTestPeer, piece: Int = .max) {
    while true {
        let toRight = left.takeOutput()
        deliver(toRight, to: right, piece: piece)
        let toLeft = right.takeOutput()
        deliver(toLeft, to: left, piece: piece)
        if toRight.isEmpty && toLeft.isEmpty { return }
    }
}

func deliver(_ bytes: [UInt8], to end: any TLSTestPeer, piece: Int = .max) {
    var rest = bytes[...]
    while !rest.isEmpty {
        end.take(Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
    }
}

final class TLSEnd: TLSTestPeer {
    let engine: TLSEngine
    /// How much one read asks for.
    var readCapacity = 64 * 1024
    private(set) var received: [UInt8] = []
    private(set) var readSizes: [Int] = []
    private(set) var isComplete = false
    private(set) var isClosed = false
    private(set) var failure: TLSFailure?

    init(_ engine: TLSEngine) { self.engine = engine }

    convenience init(client context: TLSContext, serverName: String = "localhost") {
        self.init(TLSEngine(client: context, serverName: serverName))
        goOn()
    }

    convenience init(server context: TLSContext) { self.init(TLSEngine(server: context)) }

    /// Lends a copy of the bytes and spoils it afterwards, so that a dangling window shows.
    func take(_ ciphertext: [UInt8]) {
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: ciphertext.count)
        _ = copy.initialize(from: ciphertext)
        engine.receive(ByteSlice(UnsafeRawBufferPointer(copy)))
        goOn()
        #expect(engine.unreadCount == 0)
        copy.update(repeating: 0xEE)
        copy.deallocate()
    }

    private func goOn() {
        if !isComplete && failure == nil {
            switch engine.handshake() {
            case .inProgress: return
            case .complete: isComplete = true
            case .failed(let why): failure = why
            }
        }
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: readCapacity)
        defer { memory.deallocate() }
        while isComplete {
            switch engine.read(into: memory, capacity: readCapacity) {
            case .bytes(let count):
                received += UnsafeBufferPointer(start: memory, count: count)
                readSizes.append(count)
            case .needsInput: return
            case .closed:
                isClosed = true
                return
            case .failed(let why):
                failure = why
                return
            }
        }
    }

    func write(_ bytes: [UInt8]) throws(TLSFailure) {
        // `withUnsafeBytes` rethrows untyped, so the failure is carried out by hand.
        var failure: TLSFailure?
        bytes.withUnsafeBytes { raw in
            do throws(TLSFailure) { try engine.write(ByteSlice(raw)) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func write(_ text: String) throws(TLSFailure) { try write(Array(text.utf8)) }

    func takeOutput() -> [UInt8] {
        let bytes = engine.withOutput { Array($0.raw) }
        engine.consumeOutput(bytes.count)
        return bytes
    }

    var text: String { String(decoding: received, as: UTF8.self) }
}

/// An OpenSSL connection on memory BIOs, for old versions and odd records.
final class RawTLSPeer: TLSTestPeer {
    let ssl: OpaquePointer
    private let context: OpaquePointer
    private let input = BIO_new(BIO_s_mem())
    private let output = BIO_new(BIO_s_mem())
    private(set) var received: [UInt8] = []

    init(
        serverOf identity: TLSIdentity? = nil, min: Int32 = TLS1_VERSION,
        max: Int32 = TLS1_3_VERSION, configure: (OpaquePointer) -> Void = { _ in }
    ) {
        let method = identity == nil ? TLS_client_method() : TLS_server_method()
        guard let context = SSL_CTX_new(method) else { fatalError("SSL_CTX_new") }
        self.context = context
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0")
        _ = cuv_ssl_ctx_set_min_version(context, min)
        _ = cuv_ssl_ctx_set_max_version(context, max)
        if let identity {
            SSL_CTX_use_certificate_chain_file(context, identity.certificateFile)
            SSL_CTX_use_PrivateKey_file(context, identity.privateKeyFile, SSL_FILETYPE_PEM)
        }
        configure(context)
        guard let ssl = SSL_new(context) else { fatalError("SSL_new") }
        self.ssl = ssl
        SSL_set_bio(ssl, input, output)
        if identity == nil { SSL_set_connect_state(ssl) } else { SSL_set_accept_state(ssl) }
    }

    deinit {
        SSL_free(ssl)
        SSL_CTX_free(context)
    }

    func take(_ ciphertext: [UInt8]) {
        BIO_write(input, ciphertext, Int32(ciphertext.count))
        goOn()
    }

    func goOn() {
        ERR_clear_error()
        if SSL_is_init_finished(ssl) == 0, SSL_do_handshake(ssl) != 1 { return }
        var memory = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = SSL_read(ssl, &memory, Int32(memory.count))
            guard count > 0 else { return }
            received += memory.prefix(Int(count))
        }
    }

    func write(_ text: String) {
        #expect(SSL_write(ssl, Array(text.utf8), Int32(text.utf8.count)) == text.utf8.count)
    }

    func takeOutput() -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(output))
        guard !bytes.isEmpty else { return [] }
        #expect(BIO_read(output, &bytes, Int32(bytes.count)) == bytes.count)
        return bytes
    }
}

/// An authority, a server of its making and a client that trusts it.
struct TLSPair {
    let authority = TestAuthority()
    let serverContext: TLSContext
    let clientContext: TLSContext

    init(
        _ version: TLSVersion? = nil, identity: ((TestAuthority) -> TLSIdentity)? = nil,
        client: (inout TLSClientSettings) -> Void = { _ in },
        server: (inout TLSServerSettings) -> Void = { _ in }
    ) throws {
        var serving = TLSServerSettings(identity: identity?(authority) ?? authority.issue())
        var calling = TLSClientSettings()
        calling.caFile = authority.certificateFile
        if let version {
            (serving.minVersion, serving.maxVersion) = (version, version)
        }
        server(&serving)
        client(&calling)
        serverContext = try TLSContext(server: serving)
        clientContext = try TLSContext(client: calling)
    }

    func ends(serverName: String = "localhost") -> (client: TLSEnd, server: TLSEnd) {
        (TLSEnd(client: clientContext, serverName: serverName), TLSEnd(server: serverContext))
    }

    /// Two ends behind a completed handshake, tickets included.
    func connected(serverName: String = "localhost") -> (client: TLSEnd, server: TLSEnd) {
        let (client, server) = ends(serverName: serverName)
        pump(client, server)
        #expect(client.failure == nil && server.failure == nil)
        #expect(client.isComplete && server.isComplete)
        return (client, server)
    }
}
