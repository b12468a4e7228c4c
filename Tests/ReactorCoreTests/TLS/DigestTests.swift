import ReactorCore
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4 examples and the empty message.
    @Test(
        arguments: [
            ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
            ),
        ])
    func hashesKnownMessages(_ message: String, _ expected: String) {
        #expect(message.withByteSlice { SHA256Digest(of: $0) }.description == expected)
    }

    @Test func hashesInPieces() {
        let message = String(repeating: "0123456789", count: 30)
        let whole = message.withByteSlice { SHA256Digest(of: $0) }
        for cut in 0...300 {
            let pieces = message.withByteSlice { bytes in
                var hash = SHA256Hash()
                hash.update(bytes.prefix(cut))
                let fork = hash
                hash.update(bytes.dropFirst(cut))
                #expect(fork.finish() == SHA256Digest(of: bytes.prefix(cut)))
                return hash.finish()
            }
            #expect(pieces == whole)
        }
    }

    @Test func comparesEveryByte() {
        let digest = SHA256Digest(of: ByteSlice("key"))
        let same = digest.withBytes { SHA256Digest(bytes: $0) }
        #expect(same == digest)
        #expect(same?.hashValue == digest.hashValue)
        for index in 0..<32 {
            var bytes = digest.withBytes { Array($0.raw) }
            bytes[index] ^= 1
            let other = bytes.withUnsafeBytes { SHA256Digest(bytes: ByteSlice($0)) }
            #expect(other != digest)
        }
        #expect(digest.withBytes { SHA256Digest(bytes: $0.prefix(31)) } == nil)
    }

    /// RFC 4231, cases 1, 2, 3, 6 and 7.
    @Test(
        arguments: [
            (
                [UInt8](repeating: 0x0b, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xaa, count: 20), [UInt8](repeating: 0xdd, count: 50),
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            (
                [UInt8](repeating: 0xaa, count: 131),
                Array(
                    ("This is a test using a larger than block-size key and a larger than "
                        + "block-size data. The key needs to be hashed before being used by the "
                        + "HMAC algorithm.").utf8),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
            ),
        ])
    func authenticatesKnownMessages(_ key: [UInt8], _ message: [UInt8], _ expected: String) {
        let prepared = key.withUnsafeBytes { HMACSHA256Key(ByteSlice($0)) }
        message.withUnsafeBytes {
            let code = prepared.authenticate(ByteSlice($0))
            #expect(code.description == expected)
            // A prepared key can be used again.
            #expect(prepared.authenticate(ByteSlice($0)) == code)
        }
    }

    @Test func verifiesOnlyTheWholeCode() {
        let key = HMACSHA256Key(ByteSlice("secret"))
        let message = ByteSlice("message")
        key.authenticate(message).withBytes { code in
            #expect(key.verify(code, of: message))
            #expect(!key.verify(code.prefix(31), of: message))
            #expect(!key.verify(code, of: ByteSlice("massage")))
            #expect(!key.verify(.empty, of: message))
        }
    }

    @Test func comparesSlices() {
        #expect(ByteSlice("abc").isEqualInConstantTime(to: ByteSlice("abc")))
        #expect(!ByteSlice("abc").isEqualInConstantTime(to: ByteSlice("abd")))
        #expect(!ByteSlice("abc").isEqualInConstantTime(to: ByteSlice("ab")))
        #expect(ByteSlice.empty.isEqualInConstantTime(to: .empty))
    }

    @Test func fillsWithRandomBytes() {
        var seen = Set<UInt64>()
        for _ in 0..<1000 { seen.insert(SecureRandom.word()) }
        #expect(seen.count == 1000)
        var bytes = [UInt8](repeating: 0, count: 4096)
        bytes.withUnsafeMutableBytes { SecureRandom.fill($0) }
        #expect(Set(bytes).count > 200)
        SecureRandom.fill(UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
}
