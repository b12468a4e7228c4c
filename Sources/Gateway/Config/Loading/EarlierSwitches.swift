// EarlierSwitches.swift — variables with which earlier gateways were told to do what this one always
// does. Pure. Used by ConfigurationSources.

import GatewayCodec

/// The variables: set to anything they change nothing, and who switches one off is told so.
enum EarlierSwitches {
    static let all: [(variable: String, does: String)] = [
        ("OPENAI_FRONTDOOR_ENABLED", "every answer has OpenAI's shape, whatever the provider's"),
        ("N8N_COMPAT_PRESERVE_TOOLS", "tools are never dropped, whoever the client is"),
        (
            "OPENAI_NATIVE_TOOL_PASSTHROUGH",
            "tools go to a provider as its own, wherever it knows any"
        ),
    ]

    private static let offWords: Set<String> = ["0", "false", "no", "off", "disabled"]

    /// Warns of those that are set to a word that means off.
    static func check(_ variables: EnvironmentVariables, _ reader: inout ConfigurationReader) {
        for (variable, does) in all {
            guard let node = EnvironmentLayer.node(of: variable, variables, &reader),
                let text = node.content.text, offWords.contains(text.lowercased())
            else { continue }
            reader.warn("\(variable) cannot be switched off: \(does)", at: node.mark)
        }
    }
}
