// YAMLNode+Layers.swift — configuration trees laid over each other. A layer is a tree like the
// file's, so that one reading serves all sources and each value keeps the place it came from.

import GatewayCodec

extension YAMLNode {
    /// The node at `path`, or the nearest one above it that exists.
    func nearest(to path: [String]) -> YAMLNode {
        var node = self
        for component in path {
            guard let next = node.child(component) else { break }
            node = next
        }
        return node
    }

    /// The node at `path`; nil if there is none.
    func node(at path: [String]) -> YAMLNode? {
        var node = self
        for component in path {
            guard let next = node.child(component) else { return nil }
            node = next
        }
        return node
    }

    /// A component is a key, or a position as `[2]`.
    private func child(_ component: String) -> YAMLNode? {
        if case .sequence(let nodes) = content, component.hasPrefix("["),
            let index = Int(component.dropFirst().dropLast()), nodes.indices.contains(index)
        {
            return nodes[index]
        }
        return self[component]
    }

    /// With `node` in place of whatever is at `path`; mappings are made on the way. Something else
    /// in a mapping's place is left alone: it is a mistake that reading will report.
    func replacing(_ path: ArraySlice<String>, with node: YAMLNode) -> YAMLNode {
        guard let key = path.first else { return node }
        var entries: [YAMLEntry] = []
        if case .mapping(let present) = content {
            entries = present
        } else if !isNull {
            return self
        }
        let rest = path.dropFirst()
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = entries[index].value.replacing(rest, with: node)
        } else {
            let empty = YAMLNode(.mapping([]), mark: node.mark)
            entries.append(
                YAMLEntry(
                    key: key, keyMark: node.mark, value: empty.replacing(rest, with: node)))
        }
        return YAMLNode(.mapping(entries), mark: mark)
    }

    /// The keys of a mapping, in order.
    var keys: [String] {
        guard case .mapping(let entries) = content else { return [] }
        return entries.map(\.key)
    }

    /// Whether nothing is written at `path`, or the `empty` collection that belongs there.
    func isBare(at path: [String], empty: Content) -> Bool {
        guard let node = node(at: path) else { return true }
        return node.isNull || node.content == empty
    }
}
