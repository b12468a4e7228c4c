// CellTable.swift — named words in memory of a fixed size that several processes share: a hash table
// that only ever grows. A name's place is claimed by whoever comes first.

import ReactorCore

/// Names, as hashes, to places.
///
/// Layout: one word a place, which holds the hash of the name that has claimed it, 0 while it is free.
/// What a place means, and where its value lies, is the owner's matter.
package struct CellTable: Sendable {
    /// Places that are looked at before a name is refused: with so many taken in a row the table is
    /// as good as full.
    package static let probesMax = 256

    private let first: AtomicWord
    private let mask: Int

    /// - Parameter capacity: a power of two.
    package init(at first: AtomicWord, capacity: Int) {
        precondition(capacity > 0 && capacity & (capacity - 1) == 0)
        self.first = first
        mask = capacity - 1
    }

    /// The place of `hash`, claimed if it is new; nil where there is no room.
    package func place(of hash: UInt64) -> Int? {
        let hash = hash == 0 ? 1 : hash
        var place = Int(truncatingIfNeeded: hash) & mask
        for _ in 0..<min(Self.probesMax, mask + 1) {
            let word = first.advanced(by: place)
            var found = word.load()
            if found == hash { return place }
            if found == 0 {
                if word.exchange(&found, for: hash) || found == hash { return place }
            }
            place = (place + 1) & mask
        }
        return nil
    }

    /// A name's hash: FNV-1a, 64 bits, and a last mix so that near names lie apart.
    package static func hash(_ name: String, salt: UInt8) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ UInt64(salt)) &* 0x100_0000_01B3
        hash = (hash ^ hash >> 33) &* 0xFF51_AFD7_ED55_8CCD
        return hash ^ hash >> 33
    }
}
