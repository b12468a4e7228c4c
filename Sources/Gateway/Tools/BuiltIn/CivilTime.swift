// CivilTime.swift — a moment as a calendar and a clock show it (proleptic Gregorian).
// Pure. Used by the built-in tool `get_time` and by TimeZoneRules.

import ReactorCore

package struct CivilTime: Equatable, Sendable {
    package var year: Int
    package var month: Int
    package var day: Int
    package var hour: Int
    package var minute: Int
    package var second: Int
    /// 0: Sunday.
    package var weekday: Int

    /// - Parameters:
    ///   - epochSeconds: seconds since 1970 in UTC, within some 30 million years.
    ///   - offsetSeconds: east of Greenwich.
    package init(epochSeconds: Int, offsetSeconds: Int) {
        let local = epochSeconds + offsetSeconds
        let days = Self.quotient(local, 86_400)
        let rest = local - days * 86_400
        (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60)
        weekday = Self.remainder(days + 4, 7)
        // Years that begin in March, in eras of 400 of them.
        let shifted = days + 719_468
        let era = Self.quotient(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days from 1970-01-01 to a date.
    package static func days(year: Int, month: Int, day: Int) -> Int {
        let shifted = month <= 2 ? year - 1 : year
        let era = quotient(shifted, 400)
        let yearOfEra = shifted - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }

    static func quotient(_ value: Int, _ divisor: Int) -> Int {
        value / divisor - (value % divisor < 0 ? 1 : 0)
    }

    static func remainder(_ value: Int, _ divisor: Int) -> Int {
        value - quotient(value, divisor) * divisor
    }

    package static let weekdayNames: [StaticString] = [
        "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
    ]

    /// Appends `2026-11-25T21:36:16`.
    package func append(to buffer: inout ByteBuffer) {
        func pair(_ value: Int) {
            if value < 10 { buffer.append(ASCII.zero) }
            buffer.append(decimal: value)
        }
        if year < 1000, year >= 0 { buffer.append(year < 100 ? "00" : "0" as StaticString) }
        buffer.append(decimal: year)
        buffer.append(UInt8(ascii: "-"))
        pair(month)
        buffer.append(UInt8(ascii: "-"))
        pair(day)
        buffer.append(UInt8(ascii: "T"))
        pair(hour)
        buffer.append(ASCII.colon)
        pair(minute)
        buffer.append(ASCII.colon)
        pair(second)
    }
}
