// Refusal.swift — why a piece of text is not the value it should be. Thrown by everything in this
// folder; the reader puts the place and the text in front of it.

/// The end of a sentence whose beginning is the refused text: "is not a whole number".
package struct Refusal: Error, Equatable {
    package let reason: String

    package init(_ reason: String) { self.reason = reason }
}
