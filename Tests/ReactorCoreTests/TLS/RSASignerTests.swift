import CUV
import ReactorCore
import TestSupport
import Testing

@Suite struct RSASignerTests {
    private func signer(_ pem: String) throws(SigningKeyFailure) -> RSASigner {
        var outcome: Result<RSASigner, SigningKeyFailure> = .failure(.unusable)
        pem.withByteSlice { bytes in
            do throws(SigningKeyFailure) {
                outcome = .success(try RSASigner(pem: bytes))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }

    @Test(arguments: [2048, 3072])
    func signsWhatThePublicKeyVerifies(bits: Int) throws {
        let key = TestKey(rsaBits: bits)
        let signer = try signer(key.pem)
        let message = "header.claims"
        var signature = ByteBuffer()
        try message.withByteSlice { try signer.sign($0, into: &signature) }
        #expect(signature.count == bits / 8)
        #expect(key.verifies(signature.array, of: message))
        #expect(!key.verifies(signature.array, of: message + "."))
        // The scheme has no random part.
        var again = ByteBuffer()
        try message.withByteSlice { try signer.sign($0, into: &again) }
        #expect(again.array == signature.array)
    }

    @Test func readsTheOlderForm() throws {
        let key = TestKey(rsaBits: 2048)
        #expect(key.traditionalPEM.contains("BEGIN RSA PRIVATE KEY"))
        _ = try signer(key.traditionalPEM)
        _ = try signer(key.pem.split(separator: "\n").joined(separator: "\r\n") + "\r\n")
    }

    @Test func refusesOtherKeys() {
        #expect(throws: SigningKeyFailure.tooShort(bits: 1024)) {
            try signer(TestKey(rsaBits: 1024).pem)
        }
        #expect(throws: SigningKeyFailure.notRSA) { try signer(TestKey.ellipticPEM) }
        #expect(throws: SigningKeyFailure.encrypted) {
            try signer(TestKey(rsaBits: 2048).encryptedPEM)
        }
        #expect(throws: SigningKeyFailure.unreadable) { try signer("") }
        #expect(throws: SigningKeyFailure.unreadable) { try signer("no key") }
    }

    @Test func brokenTextIsAFailureAndNothingOfItIsShown() throws {
        let pem = TestKey(rsaBits: 2048).pem
        for cut in stride(from: 0, to: pem.utf8.count - 20, by: 13) {
            #expect(throws: SigningKeyFailure.self) { try signer(String(pem.prefix(cut))) }
        }
        let whole = try signer(pem)
        var shown = "\(whole) \(String(reflecting: whole))"
        dump(whole, to: &shown)
        let lines = pem.split(separator: "\n").dropFirst().dropLast()
        #expect(!lines.contains { shown.contains($0) })
    }
}
