// SizeText.swift — numbers of bytes as people write them: 65536, 64KiB, 1MB.

/// Reads and writes sizes.
enum SizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000), ("kB", 1_000), ("B", 1),
    ]

    /// Digits, then a unit or nothing for bytes.
    static func parse(_ text: String) throws(Refusal) -> Int {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let name = text.dropFirst(digits.count)
        guard !digits.isEmpty, let scale = name.isEmpty ? 1 : bytes(of: name) else {
            throw Refusal("is not a size: write for example 65536, 64KiB or 32MiB")
        }
        let number = Int(digits)
        let (size, tooLarge) = (number ?? .max).multipliedReportingOverflow(by: scale)
        guard number != nil, !tooLarge else { throw Refusal("is too large a size") }
        return size
    }

    /// With the largest binary unit that divides it.
    static func text(_ size: Int) -> String {
        for unit in units.prefix(3) where size != 0 && size % unit.bytes == 0 {
            return "\(size / unit.bytes)\(unit.name)"
        }
        return "\(size)"
    }

    private static func bytes(of name: Substring) -> Int? {
        units.first { $0.name == name }?.bytes
    }
}
