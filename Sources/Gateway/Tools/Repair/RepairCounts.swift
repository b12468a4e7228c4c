// RepairCounts.swift — what was set right in one answer, by kind.
// Pure. Filled by the filters of this floor; Exchange tells the caller and the log.

import ReactorCore

/// How often each kind of repair was made.
package struct RepairCounts: Equatable, Sendable {
    package enum Kind: Int, CaseIterable, Sendable {
        /// A tool's name was missing or mangled.
        case name
        /// An id was missing or came twice.
        case id
        /// Arguments ended open and were closed.
        case closed
        /// Arguments were no JSON object and were made one by syntax alone.
        case syntax
        /// Arguments were taken out of other text.
        case extracted
        /// A call could not be repaired and was passed on as text.
        case text
        /// Calls of an answer were spelled otherwise than its dialect has it: a wrong number, no
        /// type, arguments that were no text. Once an answer.
        case form
    }

    /// The line that is logged where JSON was mended (a promise of an earlier gateway).
    package static let logMessage: StaticString = "JSON recovery successful"

    private var counts = InlineArray<7, Int>(repeating: 0)

    package init() {}

    package subscript(kind: Kind) -> Int { counts[kind.rawValue] }

    package mutating func count(_ kind: Kind) { counts[kind.rawValue] += 1 }

    package mutating func add(_ other: RepairCounts) {
        for kind in Kind.allCases { counts[kind.rawValue] += other[kind] }
    }

    /// All of them.
    package var total: Int { Kind.allCases.reduce(0) { $0 + self[$1] } }

    package var isEmpty: Bool {
        // Asked of every request: without a list of kinds.
        var any = 0
        for index in 0..<7 { any |= counts[index] }
        return any == 0
    }

    /// How often JSON was mended.
    package var mendedCount: Int { self[.closed] + self[.syntax] + self[.extracted] }

    /// Whether JSON was mended.
    package var mendedJSON: Bool { mendedCount > 0 }

    package static func == (left: RepairCounts, right: RepairCounts) -> Bool {
        Kind.allCases.allSatisfy { left[$0] == right[$0] }
    }

    /// Appends the value of `x-gateway-repairs`: `name=1, closed=2`. Nothing where there is none.
    package func append(to buffer: inout ByteBuffer) {
        var isFirst = true
        for kind in Kind.allCases where self[kind] > 0 {
            if !isFirst { buffer.append(", " as StaticString) }
            isFirst = false
            buffer.append(kind.name)
            buffer.append(UInt8(ascii: "="))
            buffer.append(decimal: self[kind])
        }
    }
}

extension RepairCounts.Kind {
    /// The word in the header and in the log.
    package var name: StaticString {
        switch self {
        case .name: "name"
        case .id: "id"
        case .closed: "closed"
        case .syntax: "syntax"
        case .extracted: "extracted"
        case .text: "text"
        case .form: "form"
        }
    }
}
