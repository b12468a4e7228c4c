// TestCertificates.swift — certificates made at run time, so that none is committed or expires.
// For any test target; EC P-256, which takes well under a millisecond each.

import CUV
import ReactorCore

/// A key that signs certificates, with its own self-signed certificate as PEM file.
public final class TestAuthority {
    /// Where the files are written.
    public let directory: TestDirectory
    /// This authority's certificate.
    public let certificateFile: String

    private let name: String
    private let key: OpaquePointer
    private var issuedCount = 0

    /// Makes a key and a certificate. Authorities need different names to be told apart.
    public init(name: String = "Test Authority", in directory: TestDirectory = TestDirectory()) {
        self.name = name
        self.directory = directory
        key = makeKey()
        certificateFile = directory.path(of: "\(name)-ca.pem")
        let certificate = makeCertificate(
            subject: name, issuer: name, key: key, signer: key, validity: TestValidity(),
            extensions: [
                (NID_basic_constraints, "critical,CA:TRUE"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
            ])
        write(certificate: certificate, to: certificateFile)
        X509_free(certificate)
    }

    deinit { EVP_PKEY_free(key) }

    /// A certificate for the names and addresses, with its key, as two PEM files.
    public func issue(
        names: [String] = ["localhost"], addresses: [String] = ["127.0.0.1", "::1"],
        commonName: String = "leaf", validity: TestValidity = TestValidity(),
        passphrase: String? = nil
    ) -> TLSIdentity {
        makeIdentity(
            issuer: name, signer: key, names: names, addresses: addresses, commonName: commonName,
            validity: validity, passphrase: passphrase)
    }

    /// A certificate that is signed by its own key and by nobody else.
    public func issueSelfSigned(names: [String] = ["localhost"]) -> TLSIdentity {
        makeIdentity(
            issuer: nil, signer: nil, names: names, addresses: [], commonName: "self",
            validity: TestValidity(), passphrase: nil)
    }

    private func makeIdentity(
        issuer: String?, signer: OpaquePointer?, names: [String], addresses: [String],
        commonName: String, validity: TestValidity, passphrase: String?
    ) -> TLSIdentity {
        let leafKey = makeKey()
        defer { EVP_PKEY_free(leafKey) }
        var extensions = [(NID_ext_key_usage, "serverAuth,clientAuth")]
        let alternatives = names.map { "DNS:\($0)" } + addresses.map { "IP:\($0)" }
        if !alternatives.isEmpty {
            extensions.append((NID_subject_alt_name, alternatives.joined(separator: ",")))
        }
        let certificate = makeCertificate(
            subject: commonName, issuer: issuer ?? commonName, key: leafKey,
            signer: signer ?? leafKey, validity: validity, extensions: extensions)
        defer { X509_free(certificate) }
        issuedCount += 1
        let identity = TLSIdentity(
            certificateFile: directory.path(of: "\(name)-\(issuedCount).pem"),
            privateKeyFile: directory.path(of: "\(name)-\(issuedCount)-key.pem"))
        write(certificate: certificate, to: identity.certificateFile)
        write(key: leafKey, passphrase: passphrase, to: identity.privateKeyFile)
        return identity
    }
}

/// From when to when a certificate is valid, in seconds from now.
public struct TestValidity: Sendable {
    /// The first second.
    public var notBefore: Int
    /// The last second.
    public var notAfter: Int

    /// By default from an hour ago until tomorrow.
    public init(notBefore: Int = -3600, notAfter: Int = 86_400) {
        self.notBefore = notBefore
        self.notAfter = notAfter
    }

    /// Ended an hour ago.
    public static var expired: TestValidity { TestValidity(notBefore: -7200, notAfter: -3600) }
    /// Begins in an hour.
    public static var future: TestValidity { TestValidity(notBefore: 3600, notAfter: 7200) }
}

private func check(_ succeeded: Bool, _ what: String) {
    guard !succeeded else { return }
    let code = ERR_peek_error()
    fatalError("\(what): \(ERR_reason_error_string(code).map { String(cString: $0) } ?? "?")")
}

private func makeKey() -> OpaquePointer {
    let context = EVP_PKEY_CTX_new_id(EVP_PKEY_EC, nil)
    defer { EVP_PKEY_CTX_free(context) }
    var key: OpaquePointer?
    check(
        EVP_PKEY_keygen_init(context) == 1
            && EVP_PKEY_CTX_set_ec_paramgen_curve_nid(context, NID_X9_62_prime256v1) == 1
            && EVP_PKEY_keygen(context, &key) == 1, "key")
    guard let key else { fatalError("key") }
    return key
}

private func makeCertificate(
    subject: String, issuer: String, key: OpaquePointer, signer: OpaquePointer,
    validity: TestValidity, extensions: [(Int32, String)]
) -> OpaquePointer {
    guard let certificate = X509_new() else { fatalError("certificate") }
    X509_set_version(certificate, 2)
    var serial: Int64 = 0
    check(RAND_bytes(&serial, 7) == 1, "serial")
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), Int(serial))
    X509_gmtime_adj(X509_getm_notBefore(certificate), validity.notBefore)
    X509_gmtime_adj(X509_getm_notAfter(certificate), validity.notAfter)
    X509_set_pubkey(certificate, key)
    let names = [
        (X509_get_subject_name(certificate), subject), (X509_get_issuer_name(certificate), issuer),
    ]
    for (field, name) in names {
        check(
            X509_NAME_add_entry_by_txt(field, "CN", MBSTRING_UTF8, name, -1, -1, 0) == 1, "name")
    }
    for (kind, value) in extensions {
        let part = X509V3_EXT_conf_nid(nil, nil, kind, value)
        check(part != nil && X509_add_ext(certificate, part, -1) == 1, "extension \(value)")
        X509_EXTENSION_free(part)
    }
    check(X509_sign(certificate, signer, EVP_sha256()) > 0, "signature")
    return certificate
}

private func write(certificate: OpaquePointer, to file: String) {
    let bio = BIO_new_file(file, "w")
    defer { BIO_free(bio) }
    check(PEM_write_bio_X509(bio, certificate) == 1, file)
}

private func write(key: OpaquePointer, passphrase: String?, to file: String) {
    let bio = BIO_new_file(file, "w")
    defer { BIO_free(bio) }
    guard let passphrase else {
        check(PEM_write_bio_PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1, file)
        return
    }
    passphrase.withByteSlice {
        check(
            PEM_write_bio_PrivateKey(
                bio, key, EVP_aes_128_cbc(), $0.base, Int32($0.count), nil, nil) == 1, file)
    }
}
