// ToolShape.swift — which tool a call without a name is of, told by its arguments.
// Pure; owns its copies. Used by ToolCallRepair where calls are held.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The names of one tool's parameters.
package struct ToolShape: Sendable {
    /// Tools with more parameters are not told by them.
    package static let propertyCountMax = 256

    package let name: [UInt8]
    private let properties: [[UInt8]]
    private let required: [[UInt8]]

    package static func all(of tools: [ToolDefinition]) -> [ToolShape] {
        tools.compactMap { tool in
            guard case .function(let parameters) = tool.kind, !tool.name.isEmpty else { return nil }
            let properties = parameters?["properties"]
            guard (properties?.count ?? 0) <= propertyCountMax else { return nil }
            return ToolShape(
                name: Array(tool.name.raw),
                properties: properties?.members.map { Array($0.name.raw) } ?? [],
                required: parameters?["required"]?.elements.compactMap {
                    $0.string.map { Array($0.raw) }
                } ?? [])
        }
    }

    /// The one tool that knows every member of `arguments`, a JSON object with at least one, and
    /// requires no other.
    package static func only(_ shapes: [ToolShape], taking arguments: ByteSlice) -> ToolShape? {
        guard !shapes.isEmpty, let tree = try? JSONArena().read(arguments) else { return nil }
        let names = tree.root.members.map { Array($0.name.raw) }
        guard !names.isEmpty, names.count <= propertyCountMax else { return nil }
        let fitting = shapes.filter { shape in
            names.allSatisfy(shape.properties.contains) && shape.required.allSatisfy(names.contains)
        }
        return fitting.count == 1 ? fitting[0] : nil
    }
}
