// TestKey.swift — RSA keys made at run time, and the public half that checks what they signed.
// For any test target.

import CUV
import ReactorCore

/// An RSA key pair.
public final class TestKey: @unchecked Sendable {
    // @unchecked: the key is never changed after `init`, and OpenSSL lets threads share one.

    private let key: OpaquePointer

    /// A fresh pair; 2048 bits take some ten milliseconds.
    public init(rsaBits: Int) {
        key = Self.make(EVP_PKEY_RSA) {
            EVP_PKEY_CTX_set_rsa_keygen_bits($0, Int32(rsaBits))
        }
    }

    deinit { EVP_PKEY_free(key) }

    /// The private key, PKCS 8.
    public var pem: String {
        Self.text { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    /// The private key, PKCS 1.
    public var traditionalPEM: String {
        Self.text { PEM_write_bio_PrivateKey_traditional($0, key, nil, nil, 0, nil, nil) }
    }

    /// The private key behind a passphrase.
    public var encryptedPEM: String {
        Self.text {
            PEM_write_bio_PKCS8PrivateKey($0, key, EVP_aes_128_cbc(), "word", 4, nil, nil)
        }
    }

    /// Whether `signature` is RS256 of `message` by this key.
    public func verifies(_ signature: [UInt8], of message: String) -> Bool {
        let context = EVP_MD_CTX_new()
        defer { EVP_MD_CTX_free(context) }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && message.withByteSlice {
                EVP_DigestVerify(context, signature, signature.count, $0.base, $0.count) == 1
            }
    }

    /// A key that is not RSA.
    public static var ellipticPEM: String {
        let key = make(EVP_PKEY_EC) {
            EVP_PKEY_CTX_set_ec_paramgen_curve_nid($0, NID_X9_62_prime256v1)
        }
        defer { EVP_PKEY_free(key) }
        return text { PEM_write_bio_PKCS8PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    private static func make(
        _ kind: Int32, _ configure: (OpaquePointer?) -> Int32
    ) -> OpaquePointer {
        let context = EVP_PKEY_CTX_new_id(kind, nil)
        defer { EVP_PKEY_CTX_free(context) }
        var key: OpaquePointer?
        guard EVP_PKEY_keygen_init(context) == 1, configure(context) == 1,
            EVP_PKEY_keygen(context, &key) == 1, let key
        else { fatalError("key") }
        return key
    }

    private static func text(_ write: (OpaquePointer?) -> Int32) -> String {
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        guard write(bio) == 1 else { fatalError("PEM") }
        var text = ByteBuffer()
        text.append(room: 16 << 10) { memory, room in
            Int(max(0, BIO_read(bio, memory, Int32(room))))
        }
        return text.string
    }
}
