// HTTPDate+Parsing.swift — reads the dates that servers write into fields. Pure.

extension HTTPDate {
    /// Seconds since 1970, UTC, of `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 section 5.6.7), or the
    /// same with dashes between day, month and year, as cookies have it (RFC 6265 section 5.1.1).
    /// Nil for anything else, the obsolete forms included.
    public static func parse(_ text: ByteSlice) -> Int? {
        guard text.count == 29, text[3] == ASCII.comma, text[4] == ASCII.space,
            text[7] == text[11], text[7] == ASCII.space || text[7] == 0x2D,
            text[16] == ASCII.space, text[19] == ASCII.colon, text[22] == ASCII.colon,
            text.dropFirst(25) == ByteSlice(" GMT" as StaticString),
            let day = text[5..<7].decimalValue, let month = month(text[8..<11]),
            let year = text[12..<16].decimalValue, let hour = text[17..<19].decimalValue,
            let minute = text[20..<22].decimalValue, let second = text[23..<25].decimalValue,
            (1...31).contains(day), year >= 1970, hour < 24, minute < 60, second < 61
        else { return nil }
        return days(year: year, month: month, day: day) * 86400 + hour * 3600 + minute * 60 + second
    }

    private static func month(_ name: ByteSlice) -> Int? {
        let names = ByteSlice("JanFebMarAprMayJunJulAugSepOctNovDec")
        return (0..<12).first { names[$0 * 3..<$0 * 3 + 3] == name }.map { $0 + 1 }
    }

    /// The day number of a Gregorian date: `civil(daysSince1970:)` the other way round.
    private static func days(year: Int, month: Int, day: Int) -> Int {
        let marchYear = month > 2 ? year : year - 1
        let era = marchYear / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
            - 719_468
    }
}
