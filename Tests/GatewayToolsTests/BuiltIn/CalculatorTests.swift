import GatewayTools
import ReactorCore
import Testing

@Suite struct CalculatorTests {
    private func value(_ text: String) throws -> String {
        Calculator.text(
            of: try text.withByteSlice { text throws in
                try Calculator.value(of: text)
            })
    }

    @Test(arguments: [
        ("15 + 27 * 3", "96"), ("(1 + 2) * 3", "9"), ("2 ^ 3 ^ 2", "512"), ("2 ** -1", "0.5"),
        ("-2 ^ 2", "-4"), ("--3", "3"), ("+4 - -4", "8"), ("7 // 2", "3"), ("-7 // 2", "-4"),
        ("7 % 3", "1"), ("-7 % 3", "2"), ("50%", "0.5"), ("200 * 15%", "30"), ("5!", "120"),
        ("0.1 + 0.2", "0.3"), ("1e3 + 1_000", "2000"), (".5 * 4.", "2"), ("2 × 3 ÷ 4 − 1", "0.5"),
        ("sqrt(16) + cbrt(27)", "7"), ("max(1, 5, 3) - min(4, 2)", "3"), ("√9", "3"),
        ("round(2.567, 2)", "2.57"), ("log(8, 2)", "3"), ("log10(1000)", "3"), ("ln(e)", "1"),
        ("sin(0) + cos(0)", "1"), ("math.sqrt(4)", "2"), ("gcd(12, 18) + lcm(4, 6)", "18"),
        ("pi", "3.14159265358979"), ("degrees(π)", "180"), ("mean(1,2,3)", "2"),
        ("10 mod 4", "2"), ("1/3", "0.333333333333333"), ("2^53", "9.00719925474099e+15"),
        ("factorial(5)", "120"), ("atan2(0, 1)", "0"), ("hypot(3,4)", "5"),
    ])
    func computes(_ text: String, _ expected: String) throws {
        if text == "2^53" {
            #expect(try value(text) == "9.00719925474099e+15")
        } else {
            #expect(try value(text) == expected)
        }
    }

    @Test(arguments: [
        ("", CalculatorFailure.Kind.empty, 0), ("  ", .empty, 0), ("1 +", .unexpected, 3),
        ("1 + )", .unexpected, 4), ("(1", .unexpected, 2), ("1 2", .unexpected, 2),
        ("1 / 0", .divisionByZero, 5), ("0 ^ -1", .divisionByZero, 6),
        ("5 % 0", .divisionByZero, 5),
        ("sqrt(-1)", .undefined, 8), ("ln(0)", .undefined, 5), ("9 ^ 9 ^ 9", .tooLarge, 9),
        ("171!", .tooLarge, 4), ("(-1)!", .undefined, 5), ("foo(1)", .unknownName, 6),
        ("x", .unknownName, 0), ("sqrt(1, 2, 3)", .wrongArgumentCount, 13),
        ("import os", .unknownName, 0), ("exp(1000)", .tooLarge, 9), ("1e999", .tooLarge, 5),
        ("__import__('os')", .unexpected, 0), ("2.5!", .undefined, 4),
    ])
    func failsInTypes(_ text: String, _ kind: CalculatorFailure.Kind, _ offset: Int) {
        let failure = #expect(throws: CalculatorFailure.self, "\(text)") { try value(text) }
        #expect(failure == CalculatorFailure(kind: kind, offset: offset), "\(text)")
    }

    @Test func isBounded() {
        let deep = String(repeating: "(", count: 500) + "1"
        #expect(throws: CalculatorFailure.self) { try value(deep) }
        #expect(throws: CalculatorFailure.self) { try value(String(repeating: "-", count: 900)) }
        #expect(throws: CalculatorFailure.self) {
            try value(String(repeating: "1+", count: 600) + "1")
        }
        #expect(throws: CalculatorFailure.self) {
            try value(String(repeating: "2^", count: 200) + "2")
        }
    }
}
