// RSASigner.swift — RS256 (RFC 7518 section 3.3): RSASSA-PKCS1-v1_5 over SHA-256, with a private key
// in PEM. Touches memory only; no byte of the key is ever in a failure or a description.

import CUV

/// Why a text is no key to sign with.
public enum SigningKeyFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// No unencrypted private key in PEM.
    case unreadable
    /// A passphrase protects it, and nobody is asked for one.
    case encrypted
    /// Another kind of key: elliptic curves, RSA-PSS.
    case notRSA
    /// Fewer bits than `RSASigner.bitsMin`.
    case tooShort(bits: Int)
    /// More bits than `RSASigner.bitsMax`.
    case tooLong(bits: Int)
    /// OpenSSL would not sign with it: its numbers do not belong together.
    case unusable

    /// One line for an error message.
    public var description: String {
        switch self {
        case .unreadable: "no private key in PEM form can be read"
        case .encrypted: "the private key is encrypted"
        case .notRSA: "the private key is not an RSA key"
        case .tooShort(let bits): "the RSA key has \(bits) bits; it needs \(RSASigner.bitsMin)"
        case .tooLong(let bits):
            "the RSA key has \(bits) bits; at most \(RSASigner.bitsMax) are used"
        case .unusable: "the private key cannot sign"
        }
    }
}

/// A private key that signs. Immutable; owns its `EVP_PKEY`.
public final class RSASigner: @unchecked Sendable, CustomStringConvertible, CustomReflectable {
    // @unchecked: the key is never changed after `init`, and OpenSSL lets threads share one.

    /// The shortest key that services accept.
    public static let bitsMin = 2048
    /// The longest one used: a signature is made on the loop and takes time by the bits cubed.
    public static let bitsMax = 8192

    private let key: OpaquePointer

    /// Reads the first private key of `pem` (PKCS 1 or PKCS 8) and tries it out once.
    public init(pem: ByteSlice) throws(SigningKeyFailure) {
        ERR_clear_error()
        defer { ERR_clear_error() }
        let length = Int32(clamping: pem.count)
        guard pem.count > 0, let bio = BIO_new_mem_buf(pem.base, length) else { throw .unreadable }
        defer { BIO_free(bio) }
        // Without this OpenSSL asks the terminal for the passphrase of an encrypted key.
        guard let key = PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            let isEncrypted =
                ERR_GET_REASON(ERR_peek_error()) == cuv_err_interrupted()
                || ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ
            throw isEncrypted ? .encrypted : .unreadable
        }
        self.key = key
        guard EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA else { throw .notRSA }
        let bits = Int(EVP_PKEY_get_bits(key))
        guard bits >= Self.bitsMin else { throw .tooShort(bits: bits) }
        guard bits <= Self.bitsMax else { throw .tooLong(bits: bits) }
        var trial = ByteBuffer()
        try sign(ByteSlice("trial" as StaticString), into: &trial)
    }

    deinit { EVP_PKEY_free(key) }

    /// Appends the signature of `message`, as many bytes as the key's modulus has.
    public func sign(
        _ message: ByteSlice, into buffer: inout ByteBuffer
    ) throws(SigningKeyFailure) {
        defer { ERR_clear_error() }
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        var count = 0
        // For plain RSA keys the padding is PKCS 1 v1.5 unless another is asked for.
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key) == 1,
            EVP_DigestSign(context, nil, &count, message.base, message.count) == 1
        else { throw .unusable }
        var isSigned = false
        buffer.append(room: count) { memory, room in
            var used = room
            isSigned =
                EVP_DigestSign(context, memory, &used, message.base, message.count) == 1
            return isSigned ? used : 0
        }
        guard isSigned else { throw .unusable }
    }

    /// Says that there is a key and nothing about it.
    public var description: String { "RSASigner(***)" }
    /// Shows nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}
