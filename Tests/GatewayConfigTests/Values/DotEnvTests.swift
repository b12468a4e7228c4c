import Testing

@testable import GatewayConfig

@Suite struct DotEnvTests {
    @Test func readsLines() {
        let text = """
            # comment
            A=1
              export B = two words  # comment
            C='single $X \\n # kept'
            D="double \\"q\\" \\n \\x" # comment
            E=
            F=a#b
            A=last
            G=\r
            H=1\r\n
            """
        let (variables, problems) = DotEnv.parse(text, source: ".env")
        #expect(problems == [])
        #expect(
            variables == [
                "A": "last", "B": "two words", "C": "single $X \\n # kept",
                "D": "double \"q\" \n \\x", "E": "", "F": "a#b", "G": "", "H": "1",
            ])
    }

    @Test func namesTheLineOfAMistake() {
        let text = "A=1\nnonsense\n1A=2\nB='open\nC=\"x\" y\n=z"
        let (variables, problems) = DotEnv.parse(text, source: ".env")
        #expect(variables == ["A": "1"])
        #expect(problems.map(\.mark.line) == [2, 3, 4, 5, 6])
        #expect(problems[0].description.hasPrefix(".env:2:1: "))
    }

    @Test func isEmptyWithoutText() {
        #expect(DotEnv.parse("", source: ".env").variables.isEmpty)
    }
}
