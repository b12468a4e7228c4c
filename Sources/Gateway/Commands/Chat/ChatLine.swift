// ChatLine.swift — what a line typed into `gateway chat` means. Pure.

/// A line of the user's.
package enum ChatLine: Equatable, Sendable {
    case nothing
    case say(String)
    case help
    case forget
    case model(String)
    /// Nil: none any more.
    case system(String?)
    case tools(Bool)
    case quit
    /// Why the line means nothing.
    case wrong(String)

    package static let helpText = """
        /model NAME    ask another model
        /system TEXT   say what the model should be; without TEXT, nothing
        /tools on|off  offer the built-in functions
        /reset         forget what was said
        /quit          leave (or press Ctrl-D)
        """

    package static func parse(_ line: String) -> ChatLine {
        let text = trimmed(line[...])
        guard !text.isEmpty else { return .nothing }
        guard text.hasPrefix("/") else { return .say(text) }
        let parts = text.split(separator: " ", maxSplits: 1)
        let rest = parts.count > 1 ? trimmed(parts[1]) : ""
        switch parts[0] {
        case "/help", "/?": return .help
        case "/reset", "/clear": return .forget
        case "/quit", "/exit", "/q": return .quit
        case "/model": return rest.isEmpty ? .wrong("/model needs a name") : .model(rest)
        case "/system": return .system(rest.isEmpty ? nil : rest)
        case "/tools":
            switch rest {
            case "on": return .tools(true)
            case "off": return .tools(false)
            default: return .wrong("/tools is followed by on or off")
            }
        default: return .wrong("there is no \(parts[0]); /help lists what there is")
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

/// How long an answer took and how fast it was.
package struct AnswerTiming: Equatable, Sendable {
    package var totalNanoseconds: UInt64
    /// To the first piece; nil if there was none.
    package var firstNanoseconds: UInt64?
    package var tokens: Int
    /// Whether the server counted them; else they are pieces.
    package var isCounted: Bool

    package init(
        totalNanoseconds: UInt64, firstNanoseconds: UInt64?, tokens: Int, isCounted: Bool
    ) {
        self.totalNanoseconds = totalNanoseconds
        self.firstNanoseconds = firstNanoseconds
        self.tokens = tokens
        self.isCounted = isCounted
    }

    /// `64 tokens in 1.020 s, first after 0.110 s, 69.23 tokens/s`.
    package var text: String {
        let unit = isCounted ? "token" : "piece"
        var text =
            "\(tokens) \(unit)\(tokens == 1 ? "" : "s") in \(Self.seconds(totalNanoseconds)) s"
        if let firstNanoseconds { text += ", first after \(Self.seconds(firstNanoseconds)) s" }
        if let speed { text += ", \(DecimalText.text(speed)) \(unit)s/s" }
        return text
    }

    /// Tokens a second while the answer was being written; over the whole time where it came in one
    /// piece.
    package var speed: Double? {
        guard tokens > 1 else { return nil }
        if let firstNanoseconds, totalNanoseconds > firstNanoseconds {
            return Double(tokens - 1) * 1e9 / Double(totalNanoseconds - firstNanoseconds)
        }
        return totalNanoseconds > 0 ? Double(tokens) * 1e9 / Double(totalNanoseconds) : nil
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        DecimalText.text(Double(nanoseconds) / 1e9)
    }
}
