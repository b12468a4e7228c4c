// JSONMagnitude.swift — whether a decimal number is beyond every finite double.
// Pure. The grammar of JSON has no largest number, but whoever reads 1e999 gets an infinity, or an
// error far from where it came in; so JSONCursor refuses it. Exact, without any arithmetic on
// floating point: digits are compared with those of the bound.

import ReactorCore

enum JSONMagnitude {
    /// A number of so many bytes without an exponent is below 1e308.
    static let digitsSafe = 300

    /// The power of ten of the bound's first digit.
    private static let boundExponent = 308

    /// 2^1024 - 2^970, halfway between the largest double and the next power of two: the least
    /// number that rounds to infinity.
    private static let bound: StaticString = """
        17976931348623158079372897140530341507993413271003782693617377898044496829276475094664901797\
        75872070963302864166928879109465555478519404026306574886715058206819089020007083836762738548\
        45817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711\
        559699508093042880177904174497792
        """

    /// Whether `number`, which is a well-formed JSON number, would be read as an infinity.
    static func isTooLarge(_ number: ByteSlice) -> Bool {
        var index = number[0] == UInt8(ascii: "-") ? 1 : 0
        var exponent = -1
        var first: Int?
        var isFraction = false
        // The exponent of the first significant digit, were there no explicit one.
        while index < number.count, number[index] | 0x20 != UInt8(ascii: "e") {
            let byte = number[index]
            if byte == UInt8(ascii: ".") {
                isFraction = true
            } else {
                if first == nil, byte != ASCII.zero { first = index }
                if !isFraction, first != nil { exponent += 1 }
                if isFraction, first == nil { exponent -= 1 }
            }
            index += 1
        }
        guard let first else { return false }
        exponent += explicitExponent(number.dropFirst(index))
        if exponent != boundExponent { return exponent > boundExponent }
        return !isBelowBound(number[first..<index])
    }

    /// The value of `e+12` or of nothing, held where no count of digits can bring it back.
    private static func explicitExponent(_ text: ByteSlice) -> Int {
        guard text.count > 1 else { return 0 }
        let isSigned = !ASCII.isDigit(text[1])
        var value = 0
        for index in (isSigned ? 2 : 1)..<text.count {
            value = min(value * 10 + Int(text[index] - ASCII.zero), 1 << 50)
        }
        return text[1] == UInt8(ascii: "-") ? -value : value
    }

    private static func isBelowBound(_ digits: ByteSlice) -> Bool {
        var place = 0
        for index in 0..<digits.count where digits[index] != UInt8(ascii: ".") {
            guard place < bound.utf8CodeUnitCount else { return false }
            let limit = bound.utf8Start[place]
            if digits[index] != limit { return digits[index] < limit }
            place += 1
        }
        return place < bound.utf8CodeUnitCount
    }
}
