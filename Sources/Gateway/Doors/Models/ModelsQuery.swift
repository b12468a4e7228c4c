// ModelsQuery.swift — which page of the list of models a client of Anthropic's dialect asks for.
// Pure. Imported by Admin.

import GatewayModel
import GatewayWire
import ReactorCore

/// A page.
package struct ModelsQuery: Equatable, Sendable {
    package static let limitDefault = 20
    package static let limitMax = 1000

    /// So many models at most.
    package var limit = limitDefault
    /// The page begins behind this model.
    package var afterID: String?
    /// The page ends before this model.
    package var beforeID: String?

    package init() {}

    /// Reads what follows the `?` of a path; members that nobody knows mean nothing.
    package static func read(path: ByteSlice) throws(Failure) -> ModelsQuery {
        var query = ModelsQuery()
        guard let mark = path.firstIndex(of: UInt8(ascii: "?")) else { return query }
        var rest = path.dropFirst(mark + 1)
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "&")) ?? rest.count
            try query.take(rest.prefix(end))
            rest = rest.dropFirst(min(end + 1, rest.count))
        }
        if query.afterID != nil, query.beforeID != nil {
            throw Failure(
                .invalidParameter, "'after_id' and 'before_id' cannot both be given.",
                parameter: "\(AnthropicModelsWire.beforeID)")
        }
        return query
    }

    private mutating func take(_ member: ByteSlice) throws(Failure) {
        guard let equals = member.firstIndex(of: UInt8(ascii: "=")) else { return }
        let name = member.prefix(equals)
        let value = member.dropFirst(equals + 1)
        if name == AnthropicModelsWire.limit {
            guard let limit = value.decimalValue, (1...Self.limitMax).contains(limit) else {
                throw Failure(
                    .invalidParameter, "'limit' must be between 1 and \(Self.limitMax).",
                    parameter: "\(AnthropicModelsWire.limit)")
            }
            self.limit = limit
        } else if name == AnthropicModelsWire.afterID {
            afterID = try Self.decoded(value, AnthropicModelsWire.afterID)
        } else if name == AnthropicModelsWire.beforeID {
            beforeID = try Self.decoded(value, AnthropicModelsWire.beforeID)
        }
    }

    /// Nil: an empty cursor, which some clients send for none.
    private static func decoded(
        _ value: ByteSlice, _ name: StaticString
    ) throws(Failure) -> String? {
        var text = ByteBuffer()
        guard DoorTable.decode(value, to: &text) else {
            throw Failure(
                .invalidParameter, "'\(name)' holds a broken escape.", parameter: "\(name)")
        }
        return text.isEmpty ? nil : text.string
    }
}
