// Digest.swift — SHA-256, HMAC-SHA-256, comparison that tells nothing by its time, random bytes.
// Values on the stack, no allocation. For keys, signatures and ids.

import CUV

/// The 32 bytes of a SHA-256 (FIPS 180-4). Comparing two takes the same time whatever they are.
@frozen
public struct SHA256Digest: Hashable, Sendable {
    /// The bytes in order, eight to a word, as they lie in memory.
    @usableFromInline var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    /// All zeros: the digest of nothing known.
    @usableFromInline init() {}

    /// The digest of `bytes`.
    public init(of bytes: ByteSlice) {
        var hash = SHA256Hash()
        hash.update(bytes)
        self = hash.finish()
    }

    /// The digest whose 32 bytes these are; nil with any other count.
    public init?(bytes: ByteSlice) {
        guard bytes.count == 32 else { return nil }
        withUnsafeMutableBytes(of: &words) { $0.copyMemory(from: bytes.raw) }
    }

    /// Calls `body` with the 32 bytes; the slice is valid during the call.
    public func withBytes<Result>(_ body: (ByteSlice) throws -> Result) rethrows -> Result {
        try withUnsafeBytes(of: words) { try body(ByteSlice($0)) }
    }

    /// Whether all 32 bytes are the same, in constant time.
    @inlinable
    public static func == (left: SHA256Digest, right: SHA256Digest) -> Bool {
        let (a, b) = (left.words, right.words)
        return (a.0 ^ b.0) | (a.1 ^ b.1) | (a.2 ^ b.2) | (a.3 ^ b.3) == 0
    }

    /// Feeds one word to the hasher: any is as good as random.
    @inlinable
    public func hash(into hasher: inout Hasher) { hasher.combine(words.0) }
}

extension SHA256Digest: CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public var description: String {
        var text = ByteBuffer(capacity: 64)
        appendHex(to: &text)
        return text.string
    }

    /// Appends 64 lower-case hexadecimal digits.
    public func appendHex(to buffer: inout ByteBuffer) {
        let digits = ByteSlice("0123456789abcdef" as StaticString)
        withBytes {
            for index in 0..<$0.count {
                buffer.append(digits[Int($0[index] >> 4)])
                buffer.append(digits[Int($0[index] & 15)])
            }
        }
    }
}

/// A SHA-256 under way, for input that comes in pieces. Copying it forks it.
public struct SHA256Hash: Sendable {
    private var state = SHA256_CTX()

    /// Nothing hashed yet.
    public init() { cuv_sha256_init(&state) }

    /// Hashes `bytes` behind those before.
    public mutating func update(_ bytes: ByteSlice) {
        cuv_sha256_update(&state, bytes.base, bytes.count)
    }

    /// The digest of everything so far. Ends this value.
    public consuming func finish() -> SHA256Digest {
        var digest = SHA256Digest()
        withUnsafeMutableBytes(of: &digest.words) {
            cuv_sha256_final(&state, $0.baseAddress?.assumingMemoryBound(to: UInt8.self))
        }
        return digest
    }
}

/// A key for HMAC-SHA-256 (RFC 2104), prepared: both of its blocks are hashed once.
public struct HMACSHA256Key: Sendable {
    private let inner: SHA256Hash
    private let outer: SHA256Hash

    /// Prepares a key of any length.
    public init(_ key: ByteSlice) {
        guard key.count <= 64 else {
            self = SHA256Digest(of: key).withBytes { HMACSHA256Key($0) }
            return
        }
        var block = InlineArray<64, UInt8>(repeating: 0)
        for index in 0..<key.count { block[index] = key[index] }
        inner = Self.hash(of: block, mixedWith: 0x36)
        outer = Self.hash(of: block, mixedWith: 0x5C)
    }

    private static func hash(
        of block: InlineArray<64, UInt8>, mixedWith pad: UInt8
    ) -> SHA256Hash {
        var mixed = block
        for index in mixed.indices { mixed[index] ^= pad }
        var hash = SHA256Hash()
        withUnsafeBytes(of: mixed) { hash.update(ByteSlice($0)) }
        return hash
    }

    /// The authentication code of `message`.
    public func authenticate(_ message: ByteSlice) -> SHA256Digest {
        var hash = inner
        hash.update(message)
        var result = outer
        hash.finish().withBytes { result.update($0) }
        return result.finish()
    }

    /// Whether `code` is that of `message`, in constant time.
    public func verify(_ code: ByteSlice, of message: ByteSlice) -> Bool {
        authenticate(message).withBytes { $0.isEqualInConstantTime(to: code) }
    }
}

extension ByteSlice {
    /// Equality that takes the same time wherever the bytes differ; only counts show. For secrets.
    public func isEqualInConstantTime(to other: ByteSlice) -> Bool {
        count == other.count && CRYPTO_memcmp(base, other.base, count) == 0
    }
}

/// Random bytes that nobody can foretell, from OpenSSL's generator.
public enum SecureRandom {
    /// Fills `memory`.
    public static func fill(_ memory: UnsafeMutableRawBufferPointer) {
        guard let base = memory.baseAddress, memory.count > 0 else { return }
        guard RAND_bytes(base.assumingMemoryBound(to: UInt8.self), Int32(memory.count)) == 1 else {
            fatalError("no source of random bytes")
        }
    }

    /// A random word.
    public static func word() -> UInt64 {
        var word: UInt64 = 0
        withUnsafeMutableBytes(of: &word) { fill($0) }
        return word
    }
}
