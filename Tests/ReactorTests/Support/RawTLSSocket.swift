// RawTLSSocket.swift — a raw socket with the accepting end of a TLS connection on it, which can end
// in every wrong way.

import ReactorCore

/// Drives an engine over a raw socket.
final class RawTLSSocket {
    let socket: RawSocket
    private let engine: TLSEngine
    private(set) var isSecured = false
    private(set) var failure: TLSFailure?
    private(set) var received: [UInt8] = []
    var text: String { String(decoding: received, as: UTF8.self) }
    private let plain = UnsafeMutablePointer<UInt8>.allocate(capacity: 80_000)

    init(_ socket: RawSocket, context: TLSContext) {
        self.socket = socket
        engine = TLSEngine(server: context)
    }

    deinit { plain.deallocate() }

    /// Takes what has arrived; call between polls.
    func advance() {
        let bytes = socket.take()
        guard !bytes.isEmpty, failure == nil else { return }
        bytes.withUnsafeBytes { raw in
            engine.receive(ByteSlice(raw))
            if !isSecured {
                switch engine.handshake() {
                case .inProgress: break
                case .complete: isSecured = true
                case .failed(let why): failure = why
                }
            }
            reading: while isSecured, failure == nil {
                switch engine.read(into: plain, capacity: 80_000) {
                case .bytes(let count):
                    received += ByteSlice(UnsafePointer(plain), count: count).raw
                case .failed(let why): failure = why
                case .needsInput, .closed: break reading
                }
            }
        }
        flush()
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try engine.write(ByteSlice($0)) }
        flush()
    }

    /// Gives out what has arrived.
    func take() -> [UInt8] {
        defer { received = [] }
        return received
    }

    /// Says goodbye as TLS wants it.
    func sayGoodbye() {
        engine.close()
        flush()
    }

    private func flush() {
        var output = ByteBuffer()
        engine.exchangeOutput(&output)
        socket.send(output.array)
    }
}
