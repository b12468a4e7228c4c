// Dialect.swift — the languages that doors and providers speak.
// Pure. Where both sides of an exchange speak the same one, bytes are relayed; else the model in
// the middle stands between them.

/// A wire language.
package enum Dialect: Equatable, Sendable, CaseIterable {
    /// OpenAI chat completions.
    case chat
    /// OpenAI responses.
    case responses
    /// OpenAI legacy text completions.
    case completions
    /// Anthropic messages.
    case messages
    /// Gemini generateContent.
    case gemini
    /// Salesforce Models API and its gateway's generic chat path.
    case salesforce
    /// The web session of SambaNova.
    case sambaNovaWeb
}
