// TLSSettings.swift — what a TLS context is made from. Plain values; files are read by TLSContext.

import CUV

/// A protocol version. Older ones than these are not spoken.
public enum TLSVersion: Int32, Comparable, Sendable {
    /// TLS 1.2, RFC 5246.
    case tls12 = 0x0303
    /// TLS 1.3, RFC 8446.
    case tls13 = 0x0304

    /// Whether `left` is the older one.
    public static func < (left: TLSVersion, right: TLSVersion) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A certificate chain, leaf first, and its private key, both PEM files. The key is not encrypted.
public struct TLSIdentity: Equatable, Sendable {
    /// The leaf certificate and those between it and the authority.
    public var certificateFile: String
    /// The leaf's private key.
    public var privateKeyFile: String

    /// An identity in two files, which may be the same one.
    public init(certificateFile: String, privateKeyFile: String) {
        self.certificateFile = certificateFile
        self.privateKeyFile = privateKeyFile
    }
}

/// How to call one origin.
public struct TLSClientSettings: Equatable, Sendable {
    /// Whether the server's chain and name are checked. Off, anybody can be the server.
    public var verifiesPeer = true
    /// The only certificates to trust (PEM). Nil: the system's, which `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` can move.
    public var caFile: String?
    /// What to show a server that asks for a certificate.
    public var identity: TLSIdentity?
    /// Application protocols to offer, best first (ALPN, RFC 7301). Empty: none.
    public var alpn = ["http/1.1"]
    /// The oldest version to speak.
    public var minVersion = TLSVersion.tls12
    /// The newest version to speak.
    public var maxVersion = TLSVersion.tls13
    /// Whether OpenSSL frees its record buffers (2 x 16 KiB) whenever they are empty. Costs an
    /// allocation per record; `TLSEngine.releaseBuffers()` on idle connections is the cheaper way.
    public var releasesBuffers = false

    /// The defaults: verify against the system's authorities.
    public init() {}
}

/// How to serve.
public struct TLSServerSettings: Equatable, Sendable {
    /// Who we are.
    public var identity: TLSIdentity
    /// Application protocols to accept, best first. A client that offers only others is refused,
    /// one that offers none is served. Empty: ALPN is ignored.
    public var alpn = ["http/1.1"]
    /// The oldest version to speak.
    public var minVersion = TLSVersion.tls12
    /// The newest version to speak.
    public var maxVersion = TLSVersion.tls13
    /// Authorities (PEM) one of which must have signed the client's certificate. Nil: no client
    /// certificate is asked for.
    public var clientCAFile: String?
    /// As in `TLSClientSettings`.
    public var releasesBuffers = false

    /// The defaults around an identity.
    public init(identity: TLSIdentity) { self.identity = identity }
}
