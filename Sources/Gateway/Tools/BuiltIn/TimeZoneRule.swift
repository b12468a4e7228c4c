// TimeZoneRule.swift — the rule at the end of a zone's file: POSIX's TZ string, such as
// `CET-1CEST,M3.5.0,M10.5.0/3`. Pure. Used by TimeZoneRules.

import ReactorCore

/// Standard time, and perhaps daylight saving time between two days of every year.
struct TimeZoneRule: Sendable {
    private enum Day: Sendable {
        /// Month, week (5: the last), weekday.
        case weekday(Int, Int, Int)
        /// 1 to 365: February 29 is not counted.
        case julian(Int)
        /// 0 to 365.
        case zeroBased(Int)
    }

    private struct Change: Sendable {
        var day: Day
        /// Seconds from midnight; may be of another day.
        var time: Int
    }

    private let standard: Int
    private var daylight: (offset: Int, begins: Change, ends: Change)?

    init?(_ text: ByteSlice) {
        var words = Words(text)
        guard words.name(), let offset = words.time() else { return nil }
        standard = -offset
        guard !words.rest.isEmpty else { return }
        guard words.name() else { return nil }
        var saving = standard + 3600
        if !words.rest.isEmpty, words.rest[0] != ASCII.comma {
            guard let offset = words.time() else { return nil }
            saving = -offset
        }
        guard words.takes(ASCII.comma), let begins = Self.change(&words),
            words.takes(ASCII.comma), let ends = Self.change(&words), words.rest.isEmpty
        else { return nil }
        daylight = (saving, begins, ends)
    }

    func offset(at epochSeconds: Int) -> TimeZoneRules.Offset {
        guard let daylight else { return .init(seconds: standard, isDaylight: false) }
        let year = CivilTime(epochSeconds: epochSeconds, offsetSeconds: standard).year
        // In the standard time before it begins, and in daylight saving time before it ends.
        let begins = Self.moment(of: daylight.begins, year) - standard
        let ends = Self.moment(of: daylight.ends, year) - daylight.offset
        let isDaylight =
            begins < ends
            ? epochSeconds >= begins && epochSeconds < ends
            : epochSeconds >= begins || epochSeconds < ends
        return .init(seconds: isDaylight ? daylight.offset : standard, isDaylight: isDaylight)
    }

    /// Seconds of local time since 1970.
    private static func moment(of change: Change, _ year: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let newYear = CivilTime.days(year: year, month: 1, day: 1)
        let day: Int
        switch change.day {
        case .zeroBased(let number): day = newYear + number
        case .julian(let number): day = newYear + number - 1 + (isLeap && number >= 60 ? 1 : 0)
        case .weekday(let month, let week, let weekday):
            let first = CivilTime.days(year: year, month: month, day: 1)
            let next = CivilTime.days(
                year: month == 12 ? year + 1 : year, month: month % 12 + 1, day: 1)
            var found = first + CivilTime.remainder(weekday - (first + 4), 7) + (week - 1) * 7
            while found >= next { found -= 7 }
            day = found
        }
        return day * 86_400 + change.time
    }

    private static func change(_ words: inout Words) -> Change? {
        let day: Day
        if words.takes(UInt8(ascii: "M")) {
            guard let month = words.number(), words.takes(UInt8(ascii: ".")),
                let week = words.number(), words.takes(UInt8(ascii: ".")),
                let weekday = words.number(), (1...12).contains(month), (1...5).contains(week),
                weekday <= 6
            else { return nil }
            day = .weekday(month, week, weekday)
        } else if words.takes(UInt8(ascii: "J")) {
            guard let number = words.number(), (1...365).contains(number) else { return nil }
            day = .julian(number)
        } else {
            guard let number = words.number(), number <= 365 else { return nil }
            day = .zeroBased(number)
        }
        guard words.takes(UInt8(ascii: "/")) else { return Change(day: day, time: 7200) }
        guard let time = words.time() else { return nil }
        return Change(day: day, time: time)
    }

    /// The string's words.
    private struct Words {
        private(set) var rest: ByteSlice

        init(_ text: ByteSlice) { rest = text }

        mutating func takes(_ byte: UInt8) -> Bool {
            guard !rest.isEmpty, rest[0] == byte else { return false }
            rest = rest.dropFirst(1)
            return true
        }

        /// A zone's short name, letters or anything between `<` and `>`.
        mutating func name() -> Bool {
            if takes(UInt8(ascii: "<")) {
                guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
                rest = rest.dropFirst(end + 1)
                return true
            }
            var length = 0
            while length < rest.count, ASCII.isLetter(rest[length]) { length += 1 }
            rest = rest.dropFirst(length)
            return length >= 3
        }

        mutating func number() -> Int? {
            var length = 0
            while length < rest.count, length < 4, ASCII.isDigit(rest[length]) { length += 1 }
            let value = rest.prefix(length).decimalValue
            rest = rest.dropFirst(length)
            return value
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time() -> Int? {
            let isNegative = takes(UInt8(ascii: "-"))
            if !isNegative { _ = takes(UInt8(ascii: "+")) }
            guard let hours = number(), hours <= 167 else { return nil }
            var seconds = hours * 3600
            for unit in [60, 1] {
                guard takes(ASCII.colon) else { break }
                guard let value = number(), value < 60 else { return nil }
                seconds += value * unit
            }
            return isNegative ? -seconds : seconds
        }
    }
}
