// TimeZoneRules.swift — how far a zone's clocks are from Greenwich at a moment: fixed offsets, and
// files of the system's tz database (TZif, RFC 9636), whose bytes are handed in.
// Pure; a file that is not in order is none. Used by the built-in tool `get_time`.

import ReactorCore

/// One zone.
package struct TimeZoneRules: Sendable {
    package struct Offset: Equatable, Sendable {
        /// East of Greenwich.
        package var seconds: Int
        package var isDaylight: Bool
    }

    package static let fileBytesMax = 64 << 10
    package static let nameBytesMax = 64

    private var transitions: [(at: Int, type: Int)] = []
    private var types: [Offset] = []
    private var rule: TimeZoneRule?
    private var fixed: Int?

    /// UTC, `Z`, `GMT`, and offsets: `+05:30`, `-0800`, `UTC+2`, `GMT-3:30`.
    package init?(offset name: ByteSlice) {
        var rest = name
        for word in ["UTC", "GMT", "utc", "gmt"] as [StaticString] where rest.hasPrefix(word) {
            rest = rest.dropFirst(3)
            break
        }
        if rest.isEmpty || rest == "Z" || rest == "z" {
            guard !name.isEmpty else { return nil }
            fixed = 0
            return
        }
        guard rest[0] == UInt8(ascii: "+") || rest[0] == UInt8(ascii: "-") else { return nil }
        var digits = ByteBuffer()
        var hours: Int?
        for index in 1..<rest.count {
            if rest[index] == ASCII.colon, hours == nil, !digits.isEmpty {
                hours = digits.slice.decimalValue
                digits.removeAll()
            } else {
                digits.append(rest[index])
            }
        }
        guard digits.count <= 4, let value = digits.slice.decimalValue else { return nil }
        let isShort = digits.count <= 2
        let whole = hours ?? (isShort ? value : value / 100)
        let minutes = hours != nil ? value : isShort ? 0 : value % 100
        guard whole <= 18, minutes < 60 else { return nil }
        fixed = (whole * 3600 + minutes * 60) * (rest[0] == UInt8(ascii: "-") ? -1 : 1)
    }

    /// Whether a name could be a zone's in the database, and nothing else on a disk.
    package static func isSane(_ name: ByteSlice) -> Bool {
        guard !name.isEmpty, name.count <= nameBytesMax, ASCII.isLetter(name[0]) else {
            return false
        }
        for index in 0..<name.count {
            let byte = name[index]
            let isWord =
                ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "+")
            let isSlash =
                byte == UInt8(ascii: "/") && index + 1 < name.count
                && name[index + 1] != UInt8(ascii: "/")
            guard isWord || isSlash else { return false }
        }
        return true
    }

    /// The rules in a file.
    package init?(file bytes: [UInt8]) {
        guard bytes.count <= Self.fileBytesMax, let first = TZifHeader(bytes, at: 0) else {
            return nil
        }
        guard first.version >= UInt8(ascii: "2") else {
            guard read(bytes, first, at: 44, width: 4) != nil else { return nil }
            return
        }
        // The second block has 64-bit times; behind it stands the rule for what comes later.
        let start = 44 + first.length(width: 4)
        guard let second = TZifHeader(bytes, at: start),
            let end = read(bytes, second, at: start + 44, width: 8)
        else { return nil }
        guard end < bytes.count, bytes[end] == ASCII.lf else { return }
        let footer = bytes[(end + 1)...].prefix { $0 != ASCII.lf }
        if !footer.isEmpty {
            footer.withUnsafeBytes { rule = TimeZoneRule(ByteSlice($0)) }
        }
    }

    /// - Returns: where the block ends; nil if it is not in order.
    private mutating func read(
        _ bytes: [UInt8], _ header: TZifHeader, at start: Int, width: Int
    ) -> Int? {
        let end = start + header.length(width: width)
        guard end <= bytes.count, header.typeCount > 0 else { return nil }
        let typesAt = start + header.timeCount * (width + 1)
        for index in 0..<header.typeCount {
            let at = typesAt + index * 6
            let seconds = TZifHeader.signed(bytes, at: at, width: 4)
            guard abs(seconds) <= 26 * 3600 else { return nil }
            types.append(Offset(seconds: seconds, isDaylight: bytes[at + 4] != 0))
        }
        for index in 0..<header.timeCount {
            let type = Int(bytes[start + header.timeCount * width + index])
            guard type < header.typeCount else { return nil }
            let time = TZifHeader.signed(bytes, at: start + index * width, width: width)
            if let last = transitions.last, last.at > time { return nil }
            transitions.append((time, type))
        }
        return end
    }

    /// The offset at a moment.
    package func offset(at epochSeconds: Int) -> Offset {
        if let fixed { return Offset(seconds: fixed, isDaylight: false) }
        if let rule, transitions.last.map({ epochSeconds >= $0.at }) ?? true {
            return rule.offset(at: epochSeconds)
        }
        // The last transition that is not later.
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle].at <= epochSeconds { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else {
            return types.first { !$0.isDaylight } ?? types.first
                ?? Offset(seconds: 0, isDaylight: false)
        }
        return types[transitions[low - 1].type]
    }
}

/// The counts at the head of a block.
private struct TZifHeader {
    let version: UInt8
    let timeCount: Int
    let typeCount: Int
    private let otherBytes: (isUT: Int, isStandard: Int, leaps: Int, characters: Int)

    init?(_ bytes: [UInt8], at start: Int) {
        guard bytes.count >= start + 44, bytes[start..<start + 4].elementsEqual("TZif".utf8) else {
            return nil
        }
        version = bytes[start + 4]
        let counts = (0..<6).map { Self.signed(bytes, at: start + 20 + $0 * 4, width: 4) }
        guard counts.allSatisfy({ $0 >= 0 && $0 <= 65_536 }) else { return nil }
        otherBytes = (counts[0], counts[1], counts[2], counts[5])
        timeCount = counts[3]
        typeCount = counts[4]
    }

    func length(width: Int) -> Int {
        timeCount * (width + 1) + typeCount * 6 + otherBytes.characters
            + otherBytes.leaps * (width + 4) + otherBytes.isStandard + otherBytes.isUT
    }

    /// A big-endian number.
    static func signed(_ bytes: [UInt8], at start: Int, width: Int) -> Int {
        var value: UInt64 = 0
        for index in start..<start + width { value = value << 8 | UInt64(bytes[index]) }
        return width == 4 ? Int(Int32(truncatingIfNeeded: value)) : Int(Int64(bitPattern: value))
    }
}
