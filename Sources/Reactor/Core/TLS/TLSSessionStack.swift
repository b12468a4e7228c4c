// TLSSessionStack.swift — the newest sessions of one origin, for resumption. Used by TLSContext.

import CUV

/// A few sessions, newest last. Owns one reference to each; emptied by its owner's deinit.
///
/// TLS 1.3 wants each ticket used once, and OpenSSL spoils a session that it has resumed. So a
/// session is handed out and gone while there are others; of the last one a copy is handed out,
/// because a server that accepts it again saves us the full handshake and one that does not costs
/// nothing. TLS 1.2 sessions stay good and are shared.
struct TLSSessionStack {
    /// The oldest session makes room for a newer one above this.
    static let countMax = 4

    private var sessions: [OpaquePointer] = []

    var count: Int { sessions.count }

    /// Takes over one reference.
    mutating func push(_ session: OpaquePointer) {
        if sessions.count == Self.countMax { SSL_SESSION_free(sessions.removeFirst()) }
        sessions.append(session)
    }

    /// The best session to resume, if any. The caller owns one reference.
    mutating func take() -> OpaquePointer? {
        while let newest = sessions.last {
            guard SSL_SESSION_is_resumable(newest) == 1 else {
                SSL_SESSION_free(sessions.removeLast())
                continue
            }
            guard SSL_SESSION_get_protocol_version(newest) >= TLSVersion.tls13.rawValue else {
                SSL_SESSION_up_ref(newest)
                return newest
            }
            return sessions.count > 1 ? sessions.removeLast() : SSL_SESSION_dup(newest)
        }
        return nil
    }

    mutating func removeAll() {
        for session in sessions { SSL_SESSION_free(session) }
        sessions.removeAll()
    }
}
