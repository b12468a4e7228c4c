// DurationText.swift — spans of time as people write them: 250ms, 15s, 1m30s, 2h.

import ReactorCore

/// Reads and writes durations.
package enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000),
    ]

    /// One or more numbers, each with its unit, the larger units first; or a bare 0.
    package static func parse(_ text: String) throws(Refusal) -> Duration {
        if text == "0" { return .zero }
        var total: Int64 = 0
        var rest = Substring(text)
        var unitsLeft = units[...]
        guard !rest.isEmpty else { throw refusal }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let name = rest.dropFirst(digits.count).prefix { $0.isASCII && $0.isLetter }
            guard !digits.isEmpty else { throw refusal }
            guard !name.isEmpty || digits.count < rest.count else {
                throw Refusal("has no unit at its end: write for example 15s, 250ms or 1m30s")
            }
            guard let index = unitsLeft.firstIndex(where: { $0.name == name }) else {
                throw refusal
            }
            guard let number = Int64(digits) else { throw Refusal("is too long a time") }
            let (part, tooLong) = number.multipliedReportingOverflow(by: units[index].nanoseconds)
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !tooLong, !overflow else { throw Refusal("is too long a time") }
            total = sum
            unitsLeft = units[(index + 1)...]
            rest = rest.dropFirst(digits.count + name.count)
        }
        return .nanoseconds(total)
    }

    /// The shortest text that `parse` reads as the same duration, to the microsecond.
    package static func text(_ duration: Duration) -> String {
        var rest = duration.nanoseconds
        var text = ""
        for unit in units where rest >= unit.nanoseconds {
            text += "\(rest / unit.nanoseconds)\(unit.name)"
            rest %= unit.nanoseconds
        }
        return text.isEmpty ? "0" : text
    }

    private static let refusal = Refusal(
        "is not a time: write numbers with h, m, s, ms or us, for example 15s, 250ms or 1m30s")
}
