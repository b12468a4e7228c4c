// NameIndex.swift — byte strings to small numbers, built once and asked on every request.
// No String is made and nothing is allocated by a look-up.

import ReactorCore

/// An immutable hash table from names to indexes.
package struct NameIndex {
    private var slots: [(hash: UInt64, start: Int, count: Int, value: Int)?]
    private var names: [UInt8] = []
    private let mask: UInt64
    private let isEmpty: Bool

    /// Maps each name to its position. A later duplicate is ignored.
    package init(_ list: [String]) {
        var capacity = 8
        while capacity < list.count * 2 { capacity *= 2 }
        slots = Array(repeating: nil, count: capacity)
        mask = UInt64(capacity - 1)
        isEmpty = list.isEmpty
        for (value, name) in list.enumerated() {
            let bytes = Array(name.utf8)
            let hash = bytes.withUnsafeBytes { Self.hash(ByteSlice($0)) }
            if bytes.withUnsafeBytes({ self[ByteSlice($0)] }) != nil { continue }
            var slot = hash & mask
            while slots[Int(slot)] != nil { slot = (slot + 1) & mask }
            slots[Int(slot)] = (hash, names.count, bytes.count, value)
            names.append(contentsOf: bytes)
        }
    }

    /// The position of `name`, or nil.
    package subscript(name: ByteSlice) -> Int? {
        guard !isEmpty else { return nil }
        let hash = Self.hash(name)
        var slot = hash & mask
        while let entry = slots[Int(slot)] {
            if entry.hash == hash, entry.count == name.count {
                let same = names.withUnsafeBytes {
                    ByteSlice($0)[entry.start..<entry.start + entry.count] == name
                }
                if same { return entry.value }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// FNV-1a. The names come from the operator's file, so no one can choose collisions; a
    /// client's name only walks one chain of them.
    private static func hash(_ bytes: ByteSlice) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<bytes.count {
            hash = (hash ^ UInt64(bytes.base[index])) &* 0x100_0000_01B3
        }
        return hash
    }
}
