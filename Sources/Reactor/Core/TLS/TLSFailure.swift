// TLSFailure.swift — why a TLS handshake or connection cannot go on, and what is wrong with settings.
// Plain values without allocation; text is looked up when somebody asks for it. Names what
// happened, never a key, a certificate or a byte of traffic.

import CUV

/// Why a TLS connection failed. After one of these nothing more can be read or written.
public enum TLSFailure: Error, Equatable, Sendable {
    /// The peer's certificate, or one above it, is past its last day.
    case certificateExpired
    /// The peer's certificate, or one above it, is not valid yet.
    case certificateNotYetValid
    /// The peer's chain ends in a self-signed certificate that nobody here trusts.
    case selfSigned
    /// The peer's chain ends at an authority that nobody here trusts.
    case unknownAuthority
    /// The peer's certificate is for other names or addresses.
    case hostMismatch
    /// The peer's certificate was refused for another reason.
    case certificateRejected(Verdict)
    /// A client certificate is required and none came.
    case certificateMissing
    /// No protocol version that both sides accept.
    case protocolVersion
    /// The peer ended the connection with a fatal alert.
    case alert(Alert)
    /// The handshake failed on our side of it.
    case handshakeFailed(Reason)
    /// The input ended, or the peer closed, where neither may happen.
    case truncated
    /// A record that cannot be decrypted or is not one.
    case badRecord
    /// The peer does not speak TLS: plain HTTP on the port, most of the time.
    case notTLS
    /// The name of the server is not one that a certificate can be checked against.
    case invalidServerName
    /// More plaintext was written than is kept while the peer is in the middle of a handshake
    /// message (`TLSEngine.heldPlaintextBytesMax`).
    case peerStalledWrites

    /// The outcome of verifying a certificate, by OpenSSL's number.
    public struct Verdict: Equatable, Sendable, CustomStringConvertible {
        /// An `X509_V_ERR_` number.
        public let code: Int
        /// A short English text.
        public var description: String { text(X509_verify_cert_error_string(code)) }
    }

    /// A fatal alert, by its number in RFC 8446 section 6.
    public struct Alert: Equatable, Sendable, CustomStringConvertible {
        /// The alert's number.
        public let code: UInt8
        /// A short English text.
        public var description: String { text(SSL_alert_desc_string_long(Int32(code))) }
    }

    /// An entry of OpenSSL's error queue.
    public struct Reason: Equatable, Sendable, CustomStringConvertible {
        /// A packed OpenSSL error number; 0 if OpenSSL gave none.
        public let code: UInt
        /// A short English text.
        public var description: String {
            if code != 0, ERR_GET_LIB(code) == ERR_LIB_SYS { return text(strerror(reason)) }
            return code == 0 ? "no reason given" : text(ERR_reason_error_string(code))
        }
        var reason: Int32 { ERR_GET_REASON(code) }
    }
}

extension TLSFailure: CustomStringConvertible {
    /// One line for a log or an error message.
    public var description: String {
        switch self {
        case .certificateExpired: "the peer's certificate has expired"
        case .certificateNotYetValid: "the peer's certificate is not valid yet"
        case .selfSigned: "the peer's certificate is self-signed and not trusted"
        case .unknownAuthority: "the peer's certificate is from an authority that is not trusted"
        case .hostMismatch: "the peer's certificate is for another name"
        case .certificateRejected(let verdict): "the peer's certificate was refused: \(verdict)"
        case .certificateMissing: "the peer sent no certificate"
        case .protocolVersion: "no TLS version in common"
        case .alert(let alert): "the peer sent the alert '\(alert)'"
        case .handshakeFailed(let reason): "the TLS handshake failed: \(reason)"
        case .truncated: "the TLS connection ended without being closed"
        case .badRecord: "a bad TLS record"
        case .notTLS: "the peer does not speak TLS"
        case .invalidServerName: "the server's name cannot be checked against a certificate"
        case .peerStalledWrites: "the peer stopped within a TLS handshake message"
        }
    }
}

extension TLSFailure {
    /// What a failed certificate check means.
    init(verdict code: Int) {
        switch Int32(code) {
        case X509_V_ERR_CERT_HAS_EXPIRED: self = .certificateExpired
        case X509_V_ERR_CERT_NOT_YET_VALID: self = .certificateNotYetValid
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
            self = .selfSigned
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            self = .unknownAuthority
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: self = .hostMismatch
        default: self = .certificateRejected(Verdict(code: code))
        }
    }

    /// What the newest entry of the error queue means; the verdict counts if the entry names it.
    init(error code: UInt, verdict: Int) {
        guard code != 0, ERR_GET_LIB(code) == ERR_LIB_SSL else {
            self = .handshakeFailed(Reason(code: code))
            return
        }
        let reason = ERR_GET_REASON(code)
        switch reason {
        case SSL_R_CERTIFICATE_VERIFY_FAILED where verdict != X509_V_OK: self.init(verdict: verdict)
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: self = .certificateMissing
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
            SSL_R_VERSION_TOO_HIGH, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
            self = .protocolVersion
        case SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: self = .notTLS
        case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC, SSL_R_DECRYPTION_FAILED,
            SSL_R_BAD_RECORD_TYPE, SSL_R_WRONG_VERSION_NUMBER, SSL_R_PACKET_LENGTH_TOO_LONG,
            SSL_R_ENCRYPTED_LENGTH_TOO_LONG, SSL_R_DATA_LENGTH_TOO_LONG, SSL_R_LENGTH_TOO_LONG,
            SSL_R_LENGTH_MISMATCH, SSL_R_RECORD_LENGTH_MISMATCH, SSL_R_RECORD_TOO_SMALL,
            SSL_R_UNEXPECTED_RECORD, SSL_R_BAD_LENGTH:
            self = .badRecord
        case SSL_AD_REASON_OFFSET..<(SSL_AD_REASON_OFFSET + 256):
            let alert = UInt8(truncatingIfNeeded: reason - SSL_AD_REASON_OFFSET)
            self = .alert(Alert(code: alert))
        default: self = .handshakeFailed(Reason(code: code))
        }
    }
}

/// What is wrong with TLS settings: which file, if one is to blame, and why.
public struct TLSSettingsFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file that cannot be used.
    public let file: String?
    /// Why not.
    public let reason: String

    /// One line for an error message.
    public var description: String { file.map { "\($0): \(reason)" } ?? reason }

    /// The oldest entry of the error queue is the cause; the queue is emptied.
    init(file: String?, fallback: String) {
        let code = ERR_peek_error()
        ERR_clear_error()
        self.file = file
        self.reason = code == 0 ? fallback : "\(fallback) (\(TLSFailure.Reason(code: code)))"
    }

    init(file: String? = nil, reason: String) {
        self.file = file
        self.reason = reason
    }
}

/// A copy of a C library's constant text.
private func text(_ chars: UnsafePointer<CChar>?) -> String {
    chars.map { String(cString: $0) } ?? "unknown"
}
