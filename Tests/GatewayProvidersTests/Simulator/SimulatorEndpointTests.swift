import Testing

@testable import GatewayProviders

@Suite struct SimulatorEndpointTests {
    @Test func listsModels() throws {
        var settings = SimulatorSettings()
        settings.models = ["sim", "acme/demo"]
        for target in ["/v1/models", "/models", "/v1/models?limit=1"] {
            let played = play("", to: target, method: "GET", settings)
            let list = try #require(JSON(played.text))
            #expect(list["object"]?.string == "list")
            let names = (list["data"]?.array ?? []).compactMap { $0["id"]?.string }
            #expect(names.count == 2 * (1 + SimulatorBehavior.allCases.count))
            #expect(names.contains("sim-429"))
            #expect(list["data"]?[0]?["object"]?.string == "model")
            #expect(list["data"]?[0]?["created"]?.int == 1_767_225_600)
        }
        settings.listedModelsOnly = true
        let one = play("", to: "/v1/models/acme/demo", method: "GET", settings)
        #expect(JSON(one.text)?["id"]?.string == "acme/demo")
        #expect(play("", to: "/v1/models/other", method: "GET", settings).status == 404)
    }

    @Test(
        arguments: [
            ("POST", "/v1/chat/completions", 200), ("POST", "/chat/completions?x=1", 200),
            ("GET", "/v1/chat/completions", 405), ("POST", "/v1/models", 405),
            ("GET", "/health", 200), ("HEAD", "/health", 200), ("GET", "/", 404),
            ("POST", "/v2/chat/completions", 404), ("GET", "/v1/models/", 404),
        ])
    func routes(_ method: String, _ target: String, _ status: Int) {
        let played = play(chat(), to: target, method: method)
        #expect(played.status == status)
        #expect(JSON(played.text) != nil)
        #expect((played.fields["allow"] != nil) == (status == 405))
    }
}
