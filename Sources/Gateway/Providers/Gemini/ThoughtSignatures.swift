// ThoughtSignatures.swift — remembers the proofs of thought that go with function calls, because
// clients drop members that they do not know and Gemini 3 refuses calls that come back without.
// Touches memory only; one a worker, handed in through ProviderContext. Bounded: docs/limits.md.

import Glibc
import ReactorCore

/// Signatures by the id of the tool call. The oldest goes where there is no room.
package final class ThoughtSignatures {
    /// A copy of a call's id, its model and its signature in one block.
    private struct Entry {
        /// Nil once it was replaced; its place is kept until it is the oldest.
        var memory: UnsafeMutablePointer<UInt8>?
        let idBytes: Int
        let modelBytes: Int
        let signatureBytes: Int

        var byteCount: Int { idBytes + modelBytes + signatureBytes }

        func slice(_ memory: UnsafeMutablePointer<UInt8>) -> ByteSlice {
            ByteSlice(memory, count: byteCount)
        }
    }

    private let countMax: Int
    private let bytesMax: Int
    /// A ring once it has `countMax` places.
    private var entries: [Entry] = []
    /// The oldest entry's place.
    private var first = 0
    private var used = 0
    private var places: [GeminiKey: Int] = [:]
    /// Bytes of all entries.
    package private(set) var byteCount = 0

    /// - Parameters:
    ///   - countMax: entries at most, above 0.
    ///   - bytesMax: bytes of ids, models' names and signatures at most.
    package init(countMax: Int = 4096, bytesMax: Int = 4 << 20) {
        precondition(countMax > 0)
        self.countMax = countMax
        self.bytesMax = bytesMax
    }

    deinit { for entry in entries { free(entry.memory) } }

    /// How many calls are remembered.
    package var count: Int { places.count }

    /// Remembers the signature of a call; a later one of the same id replaces it. One that is too
    /// large for the store is not remembered.
    package func remember(_ signature: ByteSlice, ofCall id: ByteSlice, model: ByteSlice) {
        let size = id.count + model.count + signature.count
        guard id.count > 0, signature.count > 0, size <= bytesMax else { return }
        if let place = places.removeValue(forKey: GeminiKey(id)) { forget(place) }
        while used == countMax || byteCount + size > bytesMax { dropOldest() }
        guard let memory = malloc(size) else { return }
        let bytes = memory.assumingMemoryBound(to: UInt8.self)
        memcpy(bytes, id.base, id.count)
        memcpy(bytes + id.count, model.base, model.count)
        memcpy(bytes + id.count + model.count, signature.base, signature.count)
        let entry = Entry(
            memory: bytes, idBytes: id.count, modelBytes: model.count,
            signatureBytes: signature.count)
        let place = (first + used) % countMax
        if place == entries.count { entries.append(entry) } else { entries[place] = entry }
        used += 1
        byteCount += size
        places[GeminiKey(ByteSlice(bytes, count: id.count))] = place
    }

    /// The signature of a call that this model made; valid until the next change.
    package func signature(ofCall id: ByteSlice, model: ByteSlice) -> ByteSlice? {
        guard let place = places[GeminiKey(id)], let memory = entries[place].memory else {
            return nil
        }
        let entry = entries[place]
        let all = entry.slice(memory)
        guard all[entry.idBytes..<entry.idBytes + entry.modelBytes] == model else { return nil }
        return all.dropFirst(entry.idBytes + entry.modelBytes)
    }

    private func dropOldest() {
        let entry = entries[first]
        if let memory = entry.memory {
            places[GeminiKey(entry.slice(memory).prefix(entry.idBytes))] = nil
            forget(first)
        }
        first = (first + 1) % countMax
        used -= 1
    }

    /// Frees an entry that is no longer to be found.
    private func forget(_ place: Int) {
        byteCount -= entries[place].byteCount
        free(entries[place].memory)
        entries[place].memory = nil
    }
}

/// Borrowed bytes as a key: whoever keeps one sees to it that they live.
struct GeminiKey: Hashable {
    let bytes: ByteSlice

    init(_ bytes: ByteSlice) { self.bytes = bytes }

    static func == (left: GeminiKey, right: GeminiKey) -> Bool { left.bytes == right.bytes }

    func hash(into hasher: inout Hasher) { hasher.combine(bytes: bytes.raw) }
}
