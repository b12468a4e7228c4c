// AnswerShape.swift — what a document has in it without what it says: names of members, kinds and sizes.
// Pure. For whoever must find out why an answer was read as it was (seed row S73) and may not see it.

import GatewayCodec
import ReactorCore

/// Writes shapes such as `{id: string(36), generation: {content: string(120)}, parts: array(2)}`.
package enum AnswerShape {
    /// How deep it looks, how many members it names, and how long a shape may become.
    package static let depthMax = 5
    package static let memberCountMax = 24
    package static let bytesMax = 1024
    /// Names come from a peer: a longer one is cut.
    private static let nameBytesMax = 40

    /// Appends the shape of a document; what is no JSON is told as such.
    package static func append(
        of document: ByteSlice, _ arena: JSONArena, to buffer: inout ByteBuffer
    ) {
        let start = buffer.count
        do throws(JSONFailure) {
            let tree = try arena.read(document)
            append(tree.root, 0, until: start + bytesMax, &buffer)
        } catch {
            buffer.append("no JSON, " as StaticString)
            buffer.append(decimal: document.count)
            buffer.append(" bytes" as StaticString)
        }
    }

    private static func append(
        _ value: JSONValue, _ depth: Int, until end: Int, _ buffer: inout ByteBuffer
    ) {
        switch value.kind {
        case .null: buffer.append("null" as StaticString)
        case .bool: buffer.append("bool" as StaticString)
        case .number: buffer.append("number" as StaticString)
        case .string: sized("string", value.string?.count ?? 0, &buffer)
        case .array:
            sized("array", value.count, &buffer)
            guard depth < depthMax, let first = value.elements.first(where: { _ in true }) else {
                return
            }
            buffer.append(" of " as StaticString)
            append(first, depth + 1, until: end, &buffer)
        case .object:
            guard depth < depthMax else { return sized("object", value.count, &buffer) }
            buffer.append("{" as StaticString)
            var count = 0
            for (name, member) in value.members {
                if count > 0 { buffer.append(", " as StaticString) }
                guard count < memberCountMax, buffer.count < end else {
                    buffer.append("..." as StaticString)
                    break
                }
                buffer.append(jsonEscaping: name.prefix(min(name.count, nameBytesMax)))
                buffer.append(": " as StaticString)
                append(member, depth + 1, until: end, &buffer)
                count += 1
            }
            buffer.append("}" as StaticString)
        }
    }

    private static func sized(_ kind: StaticString, _ size: Int, _ buffer: inout ByteBuffer) {
        buffer.append(kind)
        buffer.append("(" as StaticString)
        buffer.append(decimal: size)
        buffer.append(")" as StaticString)
    }
}
