import GatewayCodec
import Testing

@testable import GatewayConfig

/// Every single mistake in a configuration is refused, and its place is named.
@Suite struct MutationTests {
    /// A tree as YAML, one key a line, so that every place is a different one.
    private func written(_ node: YAMLNode) -> String {
        switch node.content {
        case .scalar("~", isPlain: true): "~"
        case .scalar(let text, _):
            "\""
                + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
        case .sequence(let nodes):
            "[\n" + nodes.map(written).joined(separator: ",\n") + "]"
        case .mapping(let entries):
            "{\n" + entries.map { "\"\($0.key)\": \(written($0.value))" }.joined(separator: ",\n")
                + "}"
        }
    }

    private func parsed(_ text: String) throws -> YAMLNode {
        try YAMLTree.parse(Array(text.utf8), source: "gateway.yaml")
    }

    private func expectRefusal(_ text: String, at mark: YAMLMark, _ what: String) {
        let found = problems(text, Example.environment)
        #expect(
            found.contains { $0.hasPrefix("\(mark): ") },
            "\(what): no mistake at \(mark), but \(found)")
    }

    /// The paths of all nodes below `node`.
    private func paths(in node: YAMLNode, under path: [String] = []) -> [[String]] {
        let own = path.isEmpty ? [] : [path]
        switch node.content {
        case .scalar: return own
        case .sequence(let nodes):
            return own
                + nodes.enumerated().flatMap { paths(in: $1, under: path + ["[\($0)]"]) }
        case .mapping(let entries):
            return own + entries.flatMap { paths(in: $0.value, under: path + [$0.key]) }
        }
    }

    /// `node` with `change` applied at `path`.
    private func changing(
        _ node: YAMLNode, at path: ArraySlice<String>, _ change: (YAMLNode) -> YAMLNode
    ) -> YAMLNode {
        guard let component = path.first else { return change(node) }
        var node = node
        switch node.content {
        case .scalar: break
        case .sequence(var nodes):
            guard let index = Int(component.dropFirst().dropLast()) else { break }
            nodes[index] = changing(nodes[index], at: path.dropFirst(), change)
            node.content = .sequence(nodes)
        case .mapping(let entries):
            node.content = .mapping(
                entries.map { entry in
                    guard entry.key == component else { return entry }
                    var entry = entry
                    entry.value = changing(entry.value, at: path.dropFirst(), change)
                    return entry
                })
        }
        return node
    }

    // MARK: Mutations of the example

    @Test func theExampleSurvivesRewriting() throws {
        #expect(problems(written(try parsed(try Example.text())), Example.environment) == [])
    }

    @Test func everyWrongTypeIsNamed() throws {
        let example = try parsed(try Example.text())
        let all = paths(in: example)
        #expect(all.count > 80)
        for path in all {
            let text = written(
                changing(example, at: path[...]) { node in
                    if case .scalar = node.content {
                        let one = YAMLNode(.scalar("1", isPlain: true), mark: node.mark)
                        return YAMLNode(.sequence([one]), mark: node.mark)
                    }
                    return YAMLNode(.scalar("nonsense", isPlain: true), mark: node.mark)
                })
            let mark = try parsed(text).nearest(to: path).mark
            expectRefusal(text, at: mark, "wrong type at \(path)")
        }
    }

    @Test func everyUnknownKeyIsNamed() throws {
        let example = try parsed(try Example.text())
        // Header fields are free; other tables refuse the value instead of the key.
        let tables = [["providers"], ["models"]]
        let free = ["providers", "openai", "headers"]
        for path in [[]] + paths(in: example) where path != free {
            guard case .mapping? = example.node(at: path)?.content else { continue }
            let text = written(
                changing(example, at: path[...]) { node in
                    guard case .mapping(let entries) = node.content else { return node }
                    let value = YAMLNode(.scalar("1", isPlain: true), mark: node.mark)
                    let entry = YAMLEntry(key: "nonsense_key", keyMark: node.mark, value: value)
                    return YAMLNode(.mapping(entries + [entry]), mark: node.mark)
                })
            guard case .mapping(let entries)? = try parsed(text).node(at: path)?.content,
                let last = entries.last
            else {
                Issue.record("the mutation is gone")
                continue
            }
            let mark = tables.contains(path) ? last.value.mark : last.keyMark
            expectRefusal(text, at: mark, "unknown key in \(path)")
        }
    }

    @Test func everyEmptyValueIsNamed() throws {
        let example = try parsed(try Example.text())
        for path in paths(in: example) {
            guard case .scalar? = example.node(at: path)?.content else { continue }
            let text = written(
                changing(example, at: path[...]) {
                    YAMLNode(.scalar("~", isPlain: true), mark: $0.mark)
                })
            let mark = try parsed(text).nearest(to: path).mark
            expectRefusal(text, at: mark, "no value at \(path)")
        }
    }

    // MARK: Mutations from the schema

    /// A document with `value` at a property, and the way there.
    private struct Mutation {
        var path: [String]
        var text: String
    }

    /// Values that no property of this shape takes.
    private func wrongValues(for shape: Shape) -> [String] {
        switch shape {
        case .text, .secret: ["[]", "{}", "~", #""""#, #""a\nb""#]
        case .boolean: ["maybe", "1", "[]", "~"]
        case .integer(let range):
            ["x", "1.5", "[]", "~", "\(range.lowerBound - 1)", "\(range.upperBound + 1)", "1e1"]
        case .number(let range):
            ["x", "nan", "[]", "~", "\(range.lowerBound - 1)", "\(range.upperBound + 1)"]
        case .duration(let range):
            ["x", "15", "[]", "~", "-1s", DurationText.text(range.upperBound + .seconds(1))]
                + (range.lowerBound > .zero ? ["0"] : [])
        case .size(let range):
            ["x", "1XB", "[]", "~", "-1", "\(range.upperBound + 1)"]
                + (range.lowerBound > 0 ? ["\(range.lowerBound - 1)"] : [])
        case .choice: ["nonsense", "[]", "~"]
        case .word(_, let other): wrongValues(for: other).filter { $0 != "[]" } + ["{}"]
        case .list: ["nonsense", "{}"]
        case .section, .table, .variants: ["nonsense", "[]"]
        case .notYet: ["1", "[]", "{}"]
        }
    }

    /// All mutations of `properties`, each in a document that `wrap` makes whole.
    private func mutations(
        of properties: [Property], at path: [String], beside siblings: String = "",
        wrap: @escaping (String) -> String
    ) -> [Mutation] {
        properties.flatMap { property in
            let path = path + [property.name]
            let inDocument = { (value: String) in
                wrap("{\(siblings)\(property.name): \(value)}")
            }
            return wrongValues(for: property.shape).map {
                Mutation(path: path, text: inDocument($0))
            }
                + inner(of: property.shape, at: path, wrap: inDocument)
        }
    }

    private func inner(
        of shape: Shape, at path: [String], wrap: @escaping (String) -> String
    ) -> [Mutation] {
        switch shape {
        case .section(let properties):
            mutations(of: properties, at: path, wrap: wrap)
        case .list(let element):
            inner(of: element, at: path + ["[0]"]) { wrap("[\($0)]") }
        case .table(_, let element):
            inner(of: element, at: path + ["t"]) { wrap("{t: \($0)}") }
        case .variants(let tag, let variants, _):
            variants.flatMap {
                mutations(
                    of: $0.properties, at: path, beside: "\(tag): \($0.name), ", wrap: wrap)
            }
        default: []
        }
    }

    @Test func everyKeyOfTheSchemaRefusesWrongValues() throws {
        let all = mutations(of: ConfigurationSchema.root.properties, at: []) { $0 }
        #expect(all.count > 1050)
        for mutation in all {
            let mark = try parsed(mutation.text).nearest(to: mutation.path).mark
            expectRefusal(mutation.text, at: mark, mutation.text)
        }
    }

    /// The environment's name for a key is refused the same wrong values, by its own name.
    @Test func everyVariableRefusesWrongValues() {
        for (path, variable) in EnvironmentLayer.bindings(of: ConfigurationSchema.root.properties) {
            let found = problems("", [variable: "non\nsense"])
            let place = "environment variable \(variable): \(path.joined(separator: ".")): "
            #expect(found.count == 1 && found[0].hasPrefix(place), "\(variable): \(found)")
        }
    }
}
