// SambaNovaWebWire.swift — the words of the web session's envelope.
// Constants only. Imported by its provider.

package enum SambaNovaWebWire {
    /// Ends an answer of the models that the page offers.
    package static let endOfTurn: StaticString = "<|eot_id|>"
    // What kind of conversation it is.
    package static let text: StaticString = "text"
    package static let vision: StaticString = "vision"
    package static let audio: StaticString = "audio"
}
