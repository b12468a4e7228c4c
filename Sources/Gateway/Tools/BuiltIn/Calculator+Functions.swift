// Calculator+Functions.swift — the functions that an expression may call.

import Glibc
import ReactorCore

extension Calculator {
    /// The value of a function of finite arguments.
    func function(_ name: String, _ arguments: [Double]) throws(CalculatorFailure) -> Double {
        let value: Double?
        switch arguments.count {
        case 1: value = try unary(name, arguments[0]) ?? several(name, arguments)
        case 2: value = try binary(name, arguments[0], arguments[1]) ?? several(name, arguments)
        default: value = several(name, arguments)
        }
        guard let value else {
            throw fault(Self.names.contains(name) ? .wrongArgumentCount : .unknownName)
        }
        if value.isNaN { throw fault(.undefined) }
        guard value.isFinite else {
            throw fault(name == "pow" || name == "exp" ? .tooLarge : .undefined)
        }
        return value
    }

    private static let names: Set = [
        "abs", "sqrt", "cbrt", "exp", "ln", "log", "log2", "log10", "sin", "cos", "tan", "asin",
        "acos", "atan", "sinh", "cosh", "tanh", "floor", "ceil", "round", "trunc", "sign",
        "degrees", "radians", "factorial", "pow", "mod", "atan2", "hypot", "gcd", "lcm", "min",
        "max", "sum", "avg", "mean",
    ]

    private func unary(_ name: String, _ x: Double) throws(CalculatorFailure) -> Double? {
        switch name {
        case "abs": abs(x)
        case "sqrt": x.squareRoot()
        case "cbrt": cbrt(x)
        case "exp": exp(x)
        case "ln": Glibc.log(x)
        // As in most languages; with a base as the second argument.
        case "log": Glibc.log(x)
        case "log2": Glibc.log2(x)
        case "log10": Glibc.log10(x)
        case "sin": sin(x)
        case "cos": cos(x)
        case "tan": tan(x)
        case "asin": asin(x)
        case "acos": acos(x)
        case "atan": atan(x)
        case "sinh": sinh(x)
        case "cosh": cosh(x)
        case "tanh": tanh(x)
        case "floor": x.rounded(.down)
        case "ceil": x.rounded(.up)
        case "round": x.rounded()
        case "trunc": x.rounded(.towardZero)
        case "sign": x == 0 ? 0 : x < 0 ? -1 : 1
        case "degrees": x * 180 / Double.pi
        case "radians": x * Double.pi / 180
        case "factorial": try factorial(x)
        default: nil
        }
    }

    private func binary(
        _ name: String, _ x: Double, _ y: Double
    ) throws(CalculatorFailure) -> Double? {
        switch name {
        case "pow":
            if x == 0, y < 0 { throw fault(.divisionByZero) }
            return pow(x, y)
        case "log": return Glibc.log(x) / Glibc.log(y)
        case "mod":
            if y == 0 { throw fault(.divisionByZero) }
            let rest = fmod(x, y)
            return rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest
        case "round":
            guard y == y.rounded(), abs(y) <= 15 else { throw fault(.undefined) }
            let scale = pow(10, y)
            return (x * scale).rounded() / scale
        case "atan2": return atan2(x, y)
        case "hypot": return hypot(x, y)
        case "gcd": return try divisor(x, y)
        case "lcm":
            let common = try divisor(x, y)
            return common == 0 ? 0 : abs(x / common * y)
        default: return nil
        }
    }

    private func several(_ name: String, _ arguments: [Double]) -> Double? {
        guard !arguments.isEmpty else { return nil }
        switch name {
        case "min": return arguments.min()
        case "max": return arguments.max()
        case "sum": return arguments.reduce(0, +)
        case "avg", "mean": return arguments.reduce(0, +) / Double(arguments.count)
        default: return nil
        }
    }

    func factorial(_ x: Double) throws(CalculatorFailure) -> Double {
        guard x >= 0, x == x.rounded() else { throw fault(.undefined) }
        // 170! is the largest that a double holds.
        guard x <= 170 else { throw fault(.tooLarge) }
        var value = 1.0
        for factor in stride(from: 2, through: x, by: 1) { value *= factor }
        return value
    }

    /// The greatest common divisor of whole numbers up to 2^53.
    private func divisor(_ x: Double, _ y: Double) throws(CalculatorFailure) -> Double {
        let exact = 9_007_199_254_740_992.0
        guard x == x.rounded(), y == y.rounded(), abs(x) <= exact, abs(y) <= exact else {
            throw fault(.undefined)
        }
        var (a, b) = (Int64(abs(x)), Int64(abs(y)))
        while b != 0 { (a, b) = (b, a % b) }
        return Double(a)
    }
}
