// CapabilityRegistry.swift — the capabilities of any model name, from what operators say and what is
// built in. Pure value, built once with the configuration; a look-up allocates nothing.

import ReactorCore

/// A line of a capability table.
package struct CapabilityEntry: Equatable, Sendable {
    /// A model's name, or a pattern with one `*`.
    package var pattern: String
    package var overrides: CapabilityOverrides

    package init(_ pattern: String, _ overrides: CapabilityOverrides) {
        self.pattern = pattern
        self.overrides = overrides
    }
}

/// Tables laid over each other.
package struct CapabilityRegistry {
    /// One source.
    private struct Table {
        let exact: NameIndex
        let exactOverrides: [CapabilityOverrides]
        /// The longest first.
        let patterns: [(pattern: NamePattern, overrides: CapabilityOverrides)]

        init(_ entries: [CapabilityEntry]) {
            let names = entries.filter { !$0.pattern.utf8.contains(UInt8(ascii: "*")) }
            exact = NameIndex(names.map(\.pattern))
            exactOverrides = names.map(\.overrides)
            patterns = entries.filter { $0.pattern.utf8.contains(UInt8(ascii: "*")) }
                .sorted { $0.pattern.utf8.count > $1.pattern.utf8.count }
                .map { (NamePattern($0.pattern), $0.overrides) }
        }

        /// Applies the longest pattern that matches, then the exact name; false if neither is here.
        func apply(_ model: ByteSlice, to capabilities: inout ModelCapabilities) -> Bool {
            let pattern = patterns.first { $0.pattern.matches(model) }
            if let pattern { capabilities.apply(pattern.overrides) }
            guard let index = exact[model] else { return pattern != nil }
            capabilities.apply(exactOverrides[index])
            return true
        }
    }

    private let builtIn: Table
    /// The lowest first.
    private let layers: [Table]

    /// - Parameter layers: what operators say, the source that wins first.
    package init(layers: [[CapabilityEntry]]) {
        builtIn = Table(Self.builtInEntries)
        self.layers = layers.filter { !$0.isEmpty }.reversed().map(Table.init)
    }

    /// The capabilities of a model that is called `upstream` at its provider, if its name differs
    /// there. What is built in is asked for the model that answers; operators may mean either.
    package func capabilities(
        of model: ByteSlice, upstream: ByteSlice? = nil
    ) -> ModelCapabilities {
        var capabilities = ModelCapabilities(.openAINative)
        if !builtIn.apply(upstream ?? model, to: &capabilities), upstream != nil {
            _ = builtIn.apply(model, to: &capabilities)
        }
        for layer in layers {
            if let upstream { _ = layer.apply(upstream, to: &capabilities) }
            _ = layer.apply(model, to: &capabilities)
        }
        return capabilities
    }

    /// Families of names; what fits none is taken to speak OpenAI's language.
    package static let builtInEntries: [CapabilityEntry] = [
        ("sfdc_ai__*", BackendType.openAINative),
        ("sfdc_ai__DefaultBedrockAnthropic*", .anthropicBedrock),
        ("sfdc_ai__DefaultVertexAI*", .vertexGemini),
        ("gpt-*", .openAINative), ("chatgpt-*", .openAINative),
        ("claude-*", .anthropicBedrock), ("anthropic.claude-*", .anthropicBedrock),
        ("gemini-*", .vertexGemini), ("google/gemini-*", .vertexGemini),
    ].map { CapabilityEntry($0.0, CapabilityOverrides($0.1)) }
}
