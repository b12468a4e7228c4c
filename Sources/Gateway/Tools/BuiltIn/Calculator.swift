// Calculator.swift — the value of an arithmetic expression. Nothing is executed: a parser that
// computes as it goes, over doubles. Pure. Used by the built-in tool `calculate`.
//
//     sum     := product (("+" | "-") product)*
//     product := signed (("*" | "/" | "//" | "%") signed)*
//     signed  := ("+" | "-") signed | power
//     power   := postfix (("^" | "**") signed)?
//     postfix := atom ("!" | "%")*
//     atom    := number | constant | function "(" sum ("," sum)* ")" | "(" sum ")"

import Glibc
import ReactorCore

/// Why an expression has no value.
package struct CalculatorFailure: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Kind: Equatable, Sendable {
        case empty
        case tooLong
        case tooDeep
        case unexpected
        case unknownName
        case wrongArgumentCount
        case divisionByZero
        /// Such as the root of a negative number.
        case undefined
        case tooLarge
    }

    package let kind: Kind
    /// Bytes before the fault.
    package let offset: Int

    package init(kind: Kind, offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String {
        let what =
            switch kind {
            case .empty: "there is no expression"
            case .tooLong: "the expression has more than \(Calculator.bytesMax) bytes"
            case .tooDeep: "the expression is nested too deeply"
            case .unexpected: "a character is not expected"
            case .unknownName: "a name is not known"
            case .wrongArgumentCount: "a function has the wrong number of arguments"
            case .divisionByZero: "a division by zero"
            case .undefined: "a function is not defined for its argument"
            case .tooLarge: "a number is too large"
            }
        return "\(what), at byte \(offset)"
    }
}

/// One expression being computed.
package struct Calculator {
    package static let bytesMax = 1024
    package static let depthMax = 64
    package static let argumentCountMax = 64

    private let text: ByteSlice
    private var at = 0
    private var depth = 0

    private init(_ text: ByteSlice) { self.text = text }

    /// The value of `expression`, which is finite.
    package static func value(of expression: ByteSlice) throws(CalculatorFailure) -> Double {
        guard expression.count <= bytesMax else {
            throw CalculatorFailure(kind: .tooLong, offset: bytesMax)
        }
        var calculator = Calculator(expression)
        calculator.skipSpace()
        guard calculator.at < expression.count else {
            throw CalculatorFailure(kind: .empty, offset: 0)
        }
        let value = try calculator.sum()
        guard calculator.at == expression.count else { throw calculator.fault(.unexpected) }
        return value
    }

    /// The value as text: 15 significant digits, as many as a double is sure of.
    package static func text(of value: Double) -> String {
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        var text = [CChar](repeating: 0, count: 32)
        _ = withVaList([value]) { vsnprintf(&text, text.count, "%.15g", $0) }
        return String(
            decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func fault(_ kind: CalculatorFailure.Kind) -> CalculatorFailure {
        CalculatorFailure(kind: kind, offset: at)
    }

    // MARK: Words

    private mutating func skipSpace() {
        while at < text.count,
            text[at] == ASCII.space || text[at] == ASCII.tab || text[at] == ASCII.lf
        {
            at += 1
        }
    }

    /// Takes the word if it stands here, and the space behind it.
    private mutating func takes(_ word: StaticString) -> Bool {
        guard text.dropFirst(at).hasPrefix(word) else { return false }
        at += word.utf8CodeUnitCount
        skipSpace()
        return true
    }

    private func finite(_ value: Double) throws(CalculatorFailure) -> Double {
        if value.isNaN { throw fault(.undefined) }
        guard value.isFinite else { throw fault(.tooLarge) }
        return value
    }

    // MARK: Grammar

    private mutating func sum() throws(CalculatorFailure) -> Double {
        depth += 1
        guard depth <= Self.depthMax else { throw fault(.tooDeep) }
        defer { depth -= 1 }
        var value = try product()
        while true {
            if takes("+") {
                value = try finite(value + product())
            } else if takes("-") || takes("−") {
                value = try finite(value - product())
            } else {
                return value
            }
        }
    }

    private mutating func product() throws(CalculatorFailure) -> Double {
        var value = try signed()
        while true {
            if text.dropFirst(at).hasPrefix("**") { return value }
            if takes("*") || takes("×") || takes("·") {
                value = try finite(value * signed())
            } else if takes("//") {
                value = try finite((value / divisor()).rounded(.down))
            } else if takes("/") || takes("÷") {
                value = try finite(value / divisor())
            } else if takes("%") || takes("mod ") {
                let divisor = try divisor()
                let rest = fmod(value, divisor)
                value = rest != 0 && (rest < 0) != (divisor < 0) ? rest + divisor : rest
            } else {
                return value
            }
        }
    }

    private mutating func divisor() throws(CalculatorFailure) -> Double {
        let value = try signed()
        guard value != 0 else { throw fault(.divisionByZero) }
        return value
    }

    private mutating func signed() throws(CalculatorFailure) -> Double {
        depth += 1
        guard depth <= Self.depthMax else { throw fault(.tooDeep) }
        defer { depth -= 1 }
        if takes("-") || takes("−") { return try -signed() }
        if takes("+") { return try signed() }
        let base = try postfix()
        guard takes("**") || takes("^") else { return base }
        let exponent = try signed()
        if base == 0, exponent < 0 { throw fault(.divisionByZero) }
        return try finite(pow(base, exponent))
    }

    private mutating func postfix() throws(CalculatorFailure) -> Double {
        var value = try atom()
        while true {
            if takes("!") {
                value = try factorial(value)
            } else if at < text.count, text[at] == UInt8(ascii: "%"), isPercent() {
                _ = takes("%")
                value /= 100
            } else {
                return value
            }
        }
    }

    /// Whether `%` is a hundredth here: no operand follows.
    private func isPercent() -> Bool {
        var next = at + 1
        while next < text.count, text[next] == ASCII.space { next += 1 }
        guard next < text.count else { return true }
        let byte = text[next]
        return
            !(ASCII.isDigit(byte) || ASCII.isLetter(byte) || byte == UInt8(ascii: "(")
            || byte == UInt8(ascii: ".") || byte >= 0x80)
    }

    private mutating func atom() throws(CalculatorFailure) -> Double {
        guard at < text.count else { throw fault(.unexpected) }
        if takes("(") {
            let value = try sum()
            guard takes(")") else { throw fault(.unexpected) }
            return value
        }
        if takes("π") { return Double.pi }
        if takes("√") { return try function("sqrt", [atom()]) }
        let byte = text[at]
        if ASCII.isDigit(byte) || byte == UInt8(ascii: ".") { return try number() }
        guard ASCII.isLetter(byte) else { throw fault(.unexpected) }
        return try name()
    }

    private mutating func number() throws(CalculatorFailure) -> Double {
        let start = at
        var digits = ByteBuffer()
        func isDigit(_ index: Int) -> Bool { index < text.count && ASCII.isDigit(text[index]) }
        while isDigit(at) || at < text.count && at > start && text[at] == 0x5F && isDigit(at + 1) {
            if text[at] != 0x5F { digits.append(text[at]) }
            at += 1
        }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            digits.append(UInt8(ascii: "."))
            at += 1
            guard isDigit(at) || at - start > 1 else { throw fault(.unexpected) }
            while isDigit(at) {
                digits.append(text[at])
                at += 1
            }
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            let sign = at + 1 < text.count && (text[at + 1] == 0x2B || text[at + 1] == 0x2D)
            if isDigit(sign ? at + 2 : at + 1) {
                digits.append(text[at..<at + (sign ? 2 : 1)])
                at += sign ? 2 : 1
                while isDigit(at) {
                    digits.append(text[at])
                    at += 1
                }
            }
        }
        skipSpace()
        // `5.` and `.5` are numbers here.
        var spelled = digits.string
        if spelled.hasPrefix(".") { spelled = "0" + spelled }
        if spelled.hasSuffix(".") { spelled += "0" }
        spelled = spelled.split(separator: ".e").joined(separator: ".0e")
        guard let value = Double(spelled) else { throw fault(.unexpected) }
        return try finite(value)
    }

    private mutating func name() throws(CalculatorFailure) -> Double {
        let start = at
        while at < text.count,
            ASCII.isLetter(text[at]) || ASCII.isDigit(text[at]) || text[at] == 0x5F
        {
            at += 1
        }
        var name = text[start..<at].string.lowercased()
        // `math.sqrt` and the like.
        if name == "math" || name == "np" || name == "numpy", at < text.count,
            text[at] == UInt8(ascii: ".")
        {
            at += 1
            let second = at
            while at < text.count, ASCII.isLetter(text[at]) || ASCII.isDigit(text[at]) { at += 1 }
            name = text[second..<at].string.lowercased()
        }
        skipSpace()
        guard takes("(") else {
            guard let constant = Self.constants[name] else {
                at = start
                throw fault(.unknownName)
            }
            return constant
        }
        var arguments: [Double] = []
        if !takes(")") {
            repeat {
                guard arguments.count < Self.argumentCountMax else {
                    throw fault(.wrongArgumentCount)
                }
                arguments.append(try sum())
            } while takes(",")
            guard takes(")") else { throw fault(.unexpected) }
        }
        return try function(name, arguments)
    }

    private static let constants = [
        "pi": Double.pi, "e": 2.718281828459045, "tau": 2 * Double.pi, "phi": 1.618033988749895,
    ]
}
