import Testing

@testable import GatewayConfig

@Suite struct EnvironmentVariablesTests {
    private func variables(
        _ process: [String: String], _ dotEnv: [String: String] = [:]
    ) -> EnvironmentVariables {
        EnvironmentVariables(process: process, dotEnv: dotEnv) { (path) throws(Refusal) in
            guard path == "/run/key" else { throw Refusal("is missing") }
            return "from-file\n\r\n"
        }
    }

    @Test func theProcessComesBeforeTheFile() throws {
        let variables = variables(["A": "1", "B": ""], ["A": "2", "B": "2", "C": "2"])
        #expect(try variables["A"] == "1")
        #expect(try variables["B"] == "")
        #expect(try variables["C"] == "2")
        #expect(try variables["D"] == nil)
    }

    @Test func secretsMayComeFromFiles() throws {
        let variables = variables(
            [
                "X_API_KEY_FILE": "/run/key", "X_API_KEY": "", "Y_FILE": "/run/key",
                "Z_TOKEN_FILE": "",
            ],
            ["W_PASSWORD_FILE": "/run/key", "X_API_KEY": "lower"])
        #expect(try variables["X_API_KEY"] == "from-file")
        #expect(try variables["W_PASSWORD"] == "from-file")
        #expect(try variables["Y"] == nil)
        #expect(try variables["Z_TOKEN"] == nil)
    }

    @Test func saysWhyASecretIsMissing() {
        let variables = variables([
            "A_SECRET": "x", "A_SECRET_FILE": "/run/key", "B_SECRET_FILE": "/nowhere",
        ])
        #expect(throws: Refusal("is given by both A_SECRET and A_SECRET_FILE; keep one of them")) {
            try variables["A_SECRET"]
        }
        #expect(throws: Refusal("is in the file that B_SECRET_FILE names, which is missing")) {
            try variables["B_SECRET"]
        }
    }
}
