// EmbeddingVectors.swift — gathers the vectors of one answer, in whatever order and form they come.
// Pure; borrows the tree. Every provider's decoder of embeddings uses it.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The vectors of an answer, by the place of their inputs.
struct EmbeddingVectors {
    /// Numbers of all vectors: 32 MiB of them.
    static let valueCountMax = 8 << 20

    private var vectors: [[Float]]
    private var valueCount = 0

    /// - Parameter count: how many inputs there were.
    init(count: Int) { vectors = Array(repeating: [], count: count) }

    /// Takes the vector of the input at `index`: a list of numbers, or base64 of little-endian
    /// float32.
    mutating func put(_ value: JSONValue, at index: Int) throws(Failure) {
        guard vectors.indices.contains(index), vectors[index].isEmpty else {
            throw Self.malformed("a vector for no input, or a second one")
        }
        let vector: [Float]
        if let text = value.string {
            vector = try Self.vector(base64: text)
        } else {
            vector = try Self.vector(numbers: value)
        }
        guard !vector.isEmpty else { throw Self.malformed("an empty vector") }
        valueCount += vector.count
        guard valueCount <= Self.valueCountMax else {
            throw Self.malformed("more than \(Self.valueCountMax) numbers")
        }
        vectors[index] = vector
    }

    /// - Returns: a vector for every input.
    func finish() throws(Failure) -> [[Float]] {
        guard !vectors.contains(where: \.isEmpty) else {
            throw Self.malformed("fewer vectors than there were inputs")
        }
        return vectors
    }

    static func malformed(_ what: String) -> Failure {
        Failure(.upstreamMalformed, "The upstream's answer is no list of embeddings: \(what).")
    }

    /// Reads an answer's document.
    static func withTree<Result>(
        _ body: ByteSlice, _ context: ProviderContext,
        _ read: (JSONValue) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let tree: JSONTree
        do throws(JSONFailure) { tree = try context.arena.read(body) } catch {
            throw Failure(
                .upstreamMalformed, "The upstream's answer is not valid JSON: \(error).")
        }
        guard tree.root.kind == .object else { throw malformed("it is no object") }
        return try read(tree.root)
    }

    private static func vector(numbers: JSONValue) throws(Failure) -> [Float] {
        var vector: [Float] = []
        vector.reserveCapacity(min(numbers.count, valueCountMax))
        for element in numbers.elements {
            guard let number = element.double, Float(number).isFinite else {
                throw malformed("a vector with something else than float32 numbers")
            }
            vector.append(Float(number))
            guard vector.count <= valueCountMax else { break }
        }
        return vector
    }

    private static func vector(base64 text: ByteSlice) throws(Failure) -> [Float] {
        var bytes = ByteBuffer()
        guard Base64.standard.decode(text, into: &bytes), bytes.count % 4 == 0 else {
            throw malformed("a vector that is no base64 of float32 numbers")
        }
        let raw = bytes.slice.raw
        var vector: [Float] = []
        vector.reserveCapacity(bytes.count / 4)
        for place in stride(from: 0, to: bytes.count, by: 4) {
            let bits = raw.loadUnaligned(fromByteOffset: place, as: UInt32.self)
            let number = Float(bitPattern: UInt32(littleEndian: bits))
            guard number.isFinite else { throw malformed("a vector with an infinite number") }
            vector.append(number)
        }
        return vector
    }
}
