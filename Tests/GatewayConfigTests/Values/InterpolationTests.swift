import Testing

@testable import GatewayConfig

@Suite struct InterpolationTests {
    private func expand(_ text: String) throws(Refusal) -> Interpolation.Expanded {
        try Interpolation.expand(text) { (name) throws(Refusal) in
            if name == "BROKEN" { throw Refusal("is broken") }
            return ["A": "1", "EMPTY": "", "B_2": "${A}"][name]
        }
    }

    @Test func putsVariablesIn() throws {
        let cases = [
            ("${A}", "1"), ("x${A}y${A}", "x1y1"), ("${A:-z}", "1"), ("${NONE:-z}", "z"),
            ("${EMPTY:-z}", "z"), ("${EMPTY}", ""), ("${NONE:-}", ""), ("${NONE:-a:-b}", "a:-b"),
            ("${B_2}", "${A}"), ("${NONE:-$x}", "$x"),
        ]
        for (text, expanded) in cases {
            #expect(try expand(text) == .init(text: expanded, isLiteral: false), "\(text)")
        }
    }

    @Test func leavesOtherTextAlone() throws {
        let cases = [
            ("", ""), ("plain", "plain"), ("$A", "$A"), ("100$", "100$"), ("$${A}", "${A}"),
            ("$$", "$$"), ("$$$${x}", "$$${x}"), ("a{b}", "a{b}"),
        ]
        for (text, expanded) in cases {
            #expect(try expand(text) == .init(text: expanded, isLiteral: true), "\(text)")
        }
    }

    @Test(arguments: [
        "${NONE}", "${A", "${}", "${1A}", "${A-x}", "${A:x}", "${A B}", "${BROKEN}", "${ A}",
        "${:-x}",
        "ok ${A} ${",
    ])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try expand(text) }
    }

    @Test func namesTheVariableThatIsNotSet() {
        do throws(Refusal) {
            _ = try expand("${NONE}")
            Issue.record("accepted")
        } catch {
            #expect(error.reason.contains("NONE"))
        }
    }
}
