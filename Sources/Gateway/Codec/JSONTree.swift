// JSONTree.swift — a whole JSON document, validated and read by name (yyjson).
// Touches memory only. Imported by every floor that decodes a body; streams and single fields are
// cheaper through a scanner. Source of the grammar: RFC 8259.

import CUV
import Glibc
import ReactorCore

/// Why bytes are not a JSON document, and where.
package struct JSONFailure: Error, Equatable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        case empty
        case unexpectedEnd
        case unexpectedByte
        case trailingContent
        case invalidNumber
        case invalidString
        case invalidLiteral
        case tooDeep
        case tooLarge
    }

    package let kind: Kind
    /// Bytes before the fault.
    package let offset: Int

    package init(kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String {
        let what =
            switch kind {
            case .empty: "no JSON value"
            case .unexpectedEnd: "the JSON ends early"
            case .unexpectedByte: "a byte that JSON does not allow"
            case .trailingContent: "content behind the JSON value"
            case .invalidNumber: "an invalid number"
            case .invalidString: "an invalid string or invalid UTF-8"
            case .invalidLiteral: "an invalid literal"
            case .tooDeep: "too many nested arrays or objects"
            case .tooLarge: "too large to be read"
            }
        return "\(what) at byte \(offset)"
    }
}

/// Memory that one document after another is read into; a loop owns one.
///
/// Documents that cannot need more than `bytesMax` of memory (about 13 times their length) are read
/// into one block that stays; larger ones, and those read while the block must not move, come from
/// malloc. A document keeps its arena alive.
package final class JSONArena {
    /// How deep arrays and objects may nest: consumers recurse, and the peer writes the depth.
    package static let depthMax = 128

    private let bytesMax: Int
    private var memory: UnsafeMutableRawPointer?
    private var capacity = 0
    private var pool = yyjson_alc()
    fileprivate var openDocuments = 0

    package init(bytesMax: Int = 1 << 20) { self.bytesMax = bytesMax }

    deinit { free(memory) }

    /// Reads `bytes`, which need not outlive the call.
    package func read(
        _ bytes: ByteSlice, depthMax: Int = JSONArena.depthMax
    ) throws(JSONFailure) -> JSONTree {
        guard bytes.count > 0 else { throw JSONFailure(kind: .empty, offset: 0) }
        var fault = yyjson_read_err()
        var document: UnsafeMutablePointer<yyjson_doc>?
        if prepare(for: yyjson_read_max_memory_usage(bytes.count, YYJSON_READ_NOFLAG)) {
            document = Self.parse(bytes, &pool, &fault)
        } else {
            fault.code = YYJSON_READ_ERROR_MEMORY_ALLOCATION
        }
        if document == nil, fault.code == YYJSON_READ_ERROR_MEMORY_ALLOCATION {
            document = Self.parse(bytes, nil, &fault)
        }
        guard let document else { throw JSONFailure(fault) }
        // From here on the tree owns the document, also when it is thrown away.
        let tree = JSONTree(document, arena: self)
        guard Self.nesting(of: document, within: depthMax) else {
            throw JSONFailure(kind: .tooDeep, offset: Self.offset(of: bytes, deeperThan: depthMax))
        }
        return tree
    }

    /// Frees the block, unless a document is in it.
    package func releaseMemory() {
        guard openDocuments == 0 else { return }
        free(memory)
        memory = nil
        capacity = 0
    }

    /// Whether the pool holds at least `bytes`, grown where that is allowed now.
    private func prepare(for bytes: Int) -> Bool {
        if bytes <= capacity { return true }
        guard bytes <= bytesMax, openDocuments == 0 else { return false }
        let grown = min(bytesMax, max(bytes, capacity * 2, 16 << 10))
        free(memory)
        memory = malloc(grown)
        capacity = memory != nil && yyjson_alc_pool_init(&pool, memory, grown) ? grown : 0
        return bytes <= capacity
    }

    private static func parse(
        _ bytes: ByteSlice, _ allocator: UnsafePointer<yyjson_alc>?, _ fault: inout yyjson_read_err
    ) -> UnsafeMutablePointer<yyjson_doc>? {
        // Without the in-situ flag yyjson only reads through this pointer.
        let text = UnsafeMutableRawPointer(mutating: bytes.base)
            .assumingMemoryBound(to: CChar.self)
        return yyjson_read_opts(text, bytes.count, YYJSON_READ_NOFLAG, allocator, &fault)
    }

    /// Whether no value lies deeper than `max`. Values lie in document order in one array, and a
    /// container knows its end.
    private static func nesting(
        of document: UnsafeMutablePointer<yyjson_doc>, within max: Int
    ) -> Bool {
        guard let root = yyjson_doc_get_root(document) else { return true }
        let count = yyjson_doc_get_val_count(document)
        // Most documents are too small to be that deep.
        if count <= max { return true }
        let end = root + count
        return withUnsafeTemporaryAllocation(
            of: UnsafeMutablePointer<yyjson_val>.self, capacity: max + 1
        ) { ends in
            var depth = 0
            var value = root
            while value < end {
                while depth > 0, value >= ends[depth - 1] { depth -= 1 }
                if unsafe_yyjson_is_ctn(value) {
                    if depth == max { return false }
                    ends[depth] = unsafe_yyjson_get_next(value)
                    depth += 1
                }
                value += 1
            }
            return true
        }
    }

    /// Where valid JSON first opens more than `max` containers.
    private static func offset(of bytes: ByteSlice, deeperThan max: Int) -> Int {
        var depth = 0
        var quoted = false
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case ASCII.backslash where quoted: index += 1
            case ASCII.quote: quoted.toggle()
            case ASCII.openBrace where !quoted, ASCII.openBracket where !quoted:
                depth += 1
                if depth > max { return index }
            case ASCII.closeBrace where !quoted, ASCII.closeBracket where !quoted: depth -= 1
            default: break
            }
            index += 1
        }
        return bytes.count
    }
}

/// A document that was read; its values and strings live as long as it does.
package struct JSONTree: ~Copyable {
    private let document: UnsafeMutablePointer<yyjson_doc>
    private let arena: JSONArena

    fileprivate init(_ document: UnsafeMutablePointer<yyjson_doc>, arena: JSONArena) {
        self.document = document
        self.arena = arena
        arena.openDocuments += 1
    }

    deinit {
        yyjson_doc_free(document)
        arena.openDocuments -= 1
    }

    package var root: JSONValue { JSONValue(document.pointee.root) }
}

/// One value of a `JSONTree`: a borrowed pointer, valid as long as the tree.
package struct JSONValue {
    package enum Kind: Equatable, Sendable { case null, bool, number, string, array, object }

    fileprivate let value: UnsafeMutablePointer<yyjson_val>

    fileprivate init(_ value: UnsafeMutablePointer<yyjson_val>) { self.value = value }

    package var kind: Kind {
        switch yyjson_get_type(value) {
        case YYJSON_TYPE_BOOL: .bool
        case YYJSON_TYPE_NUM: .number
        case YYJSON_TYPE_STR: .string
        case YYJSON_TYPE_ARR: .array
        case YYJSON_TYPE_OBJ: .object
        default: .null
        }
    }

    /// Whether both are the same place of one document.
    package func isIdentical(to other: JSONValue) -> Bool { value == other.value }

    package var isNull: Bool { yyjson_is_null(value) }

    /// The truth value, if this is one.
    package var bool: Bool? { yyjson_is_bool(value) ? unsafe_yyjson_get_bool(value) : nil }

    /// The number, if it is written as an integer and fits.
    package var int: Int? {
        if yyjson_is_uint(value) { return Int(exactly: unsafe_yyjson_get_uint(value)) }
        return yyjson_is_sint(value) ? Int(unsafe_yyjson_get_sint(value)) : nil
    }

    /// The number, if this is one.
    package var double: Double? { yyjson_is_num(value) ? yyjson_get_num(value) : nil }

    /// The unescaped UTF-8 of a string; it may hold NUL.
    package var string: ByteSlice? {
        guard yyjson_is_str(value), let text = unsafe_yyjson_get_str(value) else { return nil }
        return ByteSlice(
            UnsafeRawBufferPointer(start: text, count: unsafe_yyjson_get_len(value)))
    }

    /// How many elements an array or members an object has; 0 for anything else.
    package var count: Int { yyjson_is_ctn(value) ? unsafe_yyjson_get_len(value) : 0 }

    /// The first member of that name, if this is an object that has one. Takes linear time.
    package subscript(name: StaticString) -> JSONValue? { member(ByteSlice(name)) }

    /// The first member of that name, if this is an object that has one. Takes linear time.
    package func member(_ name: ByteSlice) -> JSONValue? {
        let text = UnsafeRawPointer(name.base).assumingMemoryBound(to: CChar.self)
        return yyjson_obj_getn(value, text, name.count).map(JSONValue.init)
    }

    /// The elements of an array in order; none for anything else.
    package var elements: JSONElements { JSONElements(yyjson_is_arr(value) ? value : nil) }

    /// The members of an object in order, duplicates included; none for anything else.
    package var members: JSONMembers { JSONMembers(yyjson_is_obj(value) ? value : nil) }
}

/// Walks an array.
package struct JSONElements: Sequence, IteratorProtocol {
    private var rest: Int
    private var value: UnsafeMutablePointer<yyjson_val>?

    fileprivate init(_ array: UnsafeMutablePointer<yyjson_val>?) {
        rest = array.map { unsafe_yyjson_get_len($0) } ?? 0
        value = array.map { $0 + 1 }
    }

    package mutating func next() -> JSONValue? {
        guard rest > 0, let value else { return nil }
        rest -= 1
        self.value = unsafe_yyjson_get_next(value)
        return JSONValue(value)
    }
}

/// Walks an object.
package struct JSONMembers: Sequence, IteratorProtocol {
    private var rest: Int
    private var key: UnsafeMutablePointer<yyjson_val>?

    fileprivate init(_ object: UnsafeMutablePointer<yyjson_val>?) {
        rest = object.map { unsafe_yyjson_get_len($0) } ?? 0
        key = object.map { $0 + 1 }
    }

    package mutating func next() -> (name: ByteSlice, value: JSONValue)? {
        guard rest > 0, let key, let name = JSONValue(key).string else { return nil }
        rest -= 1
        let value = key + 1
        self.key = unsafe_yyjson_get_next(value)
        return (name, JSONValue(value))
    }
}

extension JSONFailure {
    fileprivate init(_ fault: yyjson_read_err) {
        let kind: Kind =
            switch fault.code {
            case YYJSON_READ_ERROR_EMPTY_CONTENT: .empty
            case YYJSON_READ_ERROR_UNEXPECTED_CONTENT: .trailingContent
            case YYJSON_READ_ERROR_UNEXPECTED_END: .unexpectedEnd
            case YYJSON_READ_ERROR_INVALID_NUMBER: .invalidNumber
            case YYJSON_READ_ERROR_INVALID_STRING: .invalidString
            case YYJSON_READ_ERROR_LITERAL: .invalidLiteral
            case YYJSON_READ_ERROR_MEMORY_ALLOCATION: .tooLarge
            default: .unexpectedByte
            }
        self.init(kind: kind, offset: fault.pos)
    }
}
