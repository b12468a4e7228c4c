// HTTPDate.swift — IMF-fixdate without calendars, locales or Foundation.

/// `Date` values (RFC 9110 section 5.6.7).
public enum HTTPDate {
    /// Appends e.g. `Sun, 06 Nov 1994 08:49:37 GMT` for seconds since 1970, UTC.
    public static func append(secondsSince1970 seconds: Int, to buffer: inout ByteBuffer) {
        let days = Int((Double(seconds) / 86400).rounded(.down))
        let time = seconds - days * 86400
        let (year, month, day) = civil(daysSince1970: days)
        let weekday = ((days % 7) + 11) % 7
        buffer.append(ByteSlice("SunMonTueWedThuFriSat")[weekday * 3..<weekday * 3 + 3])
        buffer.append(", " as StaticString)
        append(twoDigits: day, to: &buffer)
        buffer.append(ASCII.space)
        let names = ByteSlice("JanFebMarAprMayJunJulAugSepOctNovDec")
        buffer.append(names[(month - 1) * 3..<month * 3])
        buffer.append(ASCII.space)
        buffer.append(decimal: year)
        buffer.append(ASCII.space)
        append(twoDigits: time / 3600, to: &buffer)
        buffer.append(ASCII.colon)
        append(twoDigits: time / 60 % 60, to: &buffer)
        buffer.append(ASCII.colon)
        append(twoDigits: time % 60, to: &buffer)
        buffer.append(" GMT" as StaticString)
    }

    /// Appends e.g. `1994-11-06T08:49:37.042Z` (RFC 3339 section 5.6).
    public static func appendTimestamp(
        secondsSince1970 seconds: Int, milliseconds: Int, to buffer: inout ByteBuffer
    ) {
        appendTimestamp(secondsSince1970: seconds, to: &buffer)
        appendFraction(milliseconds: milliseconds, to: &buffer)
    }

    /// Appends the first part of a timestamp, e.g. `1994-11-06T08:49:37`.
    public static func appendTimestamp(
        secondsSince1970 seconds: Int, to buffer: inout ByteBuffer
    ) {
        let days = Int((Double(seconds) / 86400).rounded(.down))
        let time = seconds - days * 86400
        let (year, month, day) = civil(daysSince1970: days)
        buffer.append(decimal: year)
        buffer.append(0x2D as UInt8)
        append(twoDigits: month, to: &buffer)
        buffer.append(0x2D as UInt8)
        append(twoDigits: day, to: &buffer)
        buffer.append(0x54 as UInt8)
        append(twoDigits: time / 3600, to: &buffer)
        buffer.append(ASCII.colon)
        append(twoDigits: time / 60 % 60, to: &buffer)
        buffer.append(ASCII.colon)
        append(twoDigits: time % 60, to: &buffer)
    }

    /// Appends the rest of a timestamp, e.g. `.042Z`.
    public static func appendFraction(milliseconds: Int, to buffer: inout ByteBuffer) {
        buffer.append(0x2E as UInt8)
        buffer.append(ASCII.zero + UInt8(milliseconds / 100 % 10))
        append(twoDigits: milliseconds % 100, to: &buffer)
        buffer.append(0x5A as UInt8)
    }

    private static func append(twoDigits value: Int, to buffer: inout ByteBuffer) {
        buffer.append(ASCII.zero + UInt8(value / 10))
        buffer.append(ASCII.zero + UInt8(value % 10))
    }

    /// The proleptic Gregorian date of a day number, by 400-year eras that begin on 1 March.
    static func civil(daysSince1970 days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
