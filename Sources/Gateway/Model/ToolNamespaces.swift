// ToolNamespaces.swift — tools that a caller keeps in groups. Providers know no groups: each tool goes out
// under one name made of both words, and its calls come back as two.
// Owns its bytes. Made by the responses door; the request holds it, and so does its answer.

import ReactorCore

/// The composed names of one request. A slice that it hands out lives as long as it does.
package final class ToolNamespaces {
    private struct Entry {
        var block: UnsafeMutableRawBufferPointer
        /// Where the group's word ends and where the tool's begins.
        var namespaceCount: Int
        var nameStart: Int

        var full: ByteSlice { ByteSlice(UnsafeRawBufferPointer(block)) }
    }

    /// Bytes of a group's description that are told.
    package static let descriptionBytesMax = 2048

    private static let joint: StaticString = "__"

    private var entries: [Entry] = []
    private var descriptions: [UnsafeMutableRawBufferPointer] = []

    package init() {}

    deinit {
        for entry in entries { entry.block.deallocate() }
        for block in descriptions { block.deallocate() }
    }

    /// One name for the tool `name` of the group `namespace`.
    package func join(_ namespace: ByteSlice, _ name: ByteSlice) -> ByteSlice {
        let joint = ByteSlice(Self.joint)
        let isJoined =
            namespace.count >= joint.count
            && namespace.dropFirst(namespace.count - joint.count) == joint
        let nameStart = namespace.count + (isJoined ? 0 : joint.count)
        var composed = ByteBuffer()
        composed.append(namespace)
        if !isJoined { composed.append(joint) }
        composed.append(name)
        let full = composed.slice
        if let known = entries.first(where: { $0.full == full }) { return known.full }
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: full.count, alignment: 1)
        block.copyMemory(from: full.raw)
        let entry = Entry(
            block: block, namespaceCount: namespace.count, nameStart: nameStart)
        entries.append(entry)
        return entry.full
    }

    /// A description for the first tool of the group `namespace`: what is said of the group, up to
    /// the bound, and behind it what is said of the tool. Providers know no groups, and a word
    /// before each of their tools would be paid for as often.
    package func describe(
        _ namespace: ByteSlice, _ group: ByteSlice, before own: ByteSlice?
    ) -> ByteSlice {
        var composed = ByteBuffer()
        composed.append("About all tools " as StaticString)
        composed.append(namespace)
        composed.append("*: " as StaticString)
        var end = min(group.count, Self.descriptionBytesMax)
        // No character is cut in two.
        while end > 0, end < group.count, group[end] & 0xC0 == 0x80 { end -= 1 }
        composed.append(group.prefix(end))
        if let own, !own.isEmpty {
            composed.append("\n\n" as StaticString)
            composed.append(own)
        }
        let block = UnsafeMutableRawBufferPointer.allocate(
            byteCount: composed.count, alignment: 1)
        block.copyMemory(from: composed.slice.raw)
        descriptions.append(block)
        return ByteSlice(UnsafeRawBufferPointer(block))
    }

    /// The two words of a name that was joined here; nil for every other.
    package func split(_ full: ByteSlice) -> (namespace: ByteSlice, name: ByteSlice)? {
        guard let entry = entries.first(where: { $0.full == full }) else { return nil }
        return (entry.full.prefix(entry.namespaceCount), entry.full.dropFirst(entry.nameStart))
    }
}
