// Terminal.swift — whether somebody watches, and colour for those who do.

import Glibc

/// What is known of the terminal.
enum Terminal {
    /// Whether a descriptor is a terminal.
    static func isOne(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Whether colour is wanted there: `NO_COLOR` and dumb terminals say no (no-color.org).
    static func usesColor(_ descriptor: Int32) -> Bool {
        guard isOne(descriptor), getenv("NO_COLOR") == nil else { return false }
        return getenv("TERM").map { String(cString: $0) } != "dumb"
    }

    enum Style: String {
        case dim = "2"
        case bold = "1"
        case red = "31"
        case green = "32"
        case cyan = "36"
    }

    /// `text` in a style where `descriptor` shows it, else as it is.
    static func styled(_ text: String, _ style: Style, on descriptor: Int32) -> String {
        usesColor(descriptor) ? "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The next line of standard input without its end; nil at the end of it.
    static func readLine() -> String? { Swift.readLine() }
}
