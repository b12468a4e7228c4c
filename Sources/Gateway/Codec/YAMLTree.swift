// YAMLTree.swift — one YAML document (JSON is one too) as a tree that knows where it stood.
// Reads through libyaml, which gives line and column; opens no file. Imported by Config.

import CUV
import ReactorCore

/// Where a node begins: "gateway.yaml:3:9". Both numbers count from 1; columns count characters.
package struct YAMLMark: Equatable, Sendable, CustomStringConvertible {
    /// The document's name, as messages should show it.
    package var source: String
    /// 0 where a value did not come from a document at all.
    package var line: Int
    package var column: Int

    package init(source: String, line: Int = 0, column: Int = 0) {
        self.source = source
        self.line = line
        self.column = column
    }

    package var description: String { line == 0 ? source : "\(source):\(line):\(column)" }
}

/// A value with its place. Scalars stay text: what they mean is for the reader to say.
package struct YAMLNode: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// `isPlain`: written without quotes, so that `null` or an empty text means "nothing".
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    package var content: Content
    package var mark: YAMLMark

    package init(_ content: Content, mark: YAMLMark) {
        self.content = content
        self.mark = mark
    }

    /// Nothing written: an empty place, `~` or `null`.
    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// The value under `key`; nil where this is no mapping or has no such key.
    package subscript(key: String) -> YAMLNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key == key }?.value
    }
}

/// One `key: value` of a mapping. Keys are scalars, and none occurs twice in a mapping.
package struct YAMLEntry: Equatable, Sendable {
    package var key: String
    package var keyMark: YAMLMark
    package var value: YAMLNode

    package init(key: String, keyMark: YAMLMark, value: YAMLNode) {
        self.key = key
        self.keyMark = keyMark
        self.value = value
    }
}

/// Why a document cannot be read, as one plain sentence.
package struct YAMLFailure: Error, Equatable, CustomStringConvertible {
    package enum Reason: Equatable, Sendable {
        case syntax
        case tooLarge
        case tooDeep
        case tooManyNodes
        case duplicateKey
        case keyNotText
        case secondDocument
        case unknownAlias
        case tag
    }

    package var reason: Reason
    package var mark: YAMLMark
    package var message: String

    package var description: String { "\(mark): \(message)" }
}

/// Bounds of a document.
package struct YAMLLimits: Equatable, Sendable {
    package var bytesMax = 1024 * 1024
    /// Collections within each other.
    package var depthMax = 32
    /// Scalars and collections, each counted as often as aliases repeat it.
    package var nodesMax = 100_000

    package init() {}
}

/// The way from bytes to a tree.
package enum YAMLTree {
    /// Reads the one document in `bytes`; an empty one is a null node.
    package static func parse(
        _ bytes: ByteSlice, source: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLFailure) -> YAMLNode {
        guard bytes.count <= limits.bytesMax else {
            throw YAMLFailure(
                reason: .tooLarge, mark: YAMLMark(source: source),
                message: "the file has \(bytes.count) bytes; at most \(limits.bytesMax) are read")
        }
        var composer = YAMLComposer(
            events: YAMLEventReader(bytes, source: source), limits: limits)
        return try composer.document()
    }

    /// The same for bytes in an array.
    package static func parse(
        _ bytes: [UInt8], source: String, limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLFailure) -> YAMLNode {
        let outcome = bytes.withUnsafeBytes { bytes in
            Result { () throws(YAMLFailure) in
                try parse(ByteSlice(bytes), source: source, limits: limits)
            }
        }
        return try outcome.get()
    }
}
