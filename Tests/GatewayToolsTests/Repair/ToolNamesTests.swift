import GatewayModel
import GatewayTools
import ReactorCore
import Testing

@Suite struct ToolNamesTests {
    private func names(_ names: [StaticString], choice: ToolChoice? = nil) -> ToolNames {
        ToolNames(
            names.map { ToolDefinition(name: ByteSlice($0), kind: .function(parameters: nil)) },
            choice: choice)
    }

    private func match(_ name: String, _ names: ToolNames) -> String {
        switch name.withByteSlice({ names.match($0) }) {
        case .exact: "exact"
        case .tool(let index): String(decoding: names[index], as: UTF8.self)
        case .none: "none"
        }
    }

    @Test(arguments: [
        ("get_weather", "exact"), ("functions.get_weather", "get_weather"),
        ("functions.get_weather:0", "get_weather"), ("\"get_weather\"", "get_weather"),
        (" get_weather ", "get_weather"), ("get_weather()", "get_weather"),
        ("get_weather<|channel|>commentary", "get_weather"),
        ("default_api:get_weather", "get_weather"),
        ("GetWeather", "get_weather"), ("get-weather", "get_weather"),
        ("get weather", "get_weather"),
        ("GET_WEATHER", "get_weather"), ("functions.getWeather", "get_weather"),
        ("weather__search", "search"), ("mcp__web__search", "search"), ("page", "web__fetch_page"),
        ("fetch_page", "web__fetch_page"), ("get_weather{\"city\":1}", "get_weather"),
        ("delete_file", "none"), ("", "none"), ("null", "none"), ("sear", "none"), ("wea", "none"),
    ])
    func findsTheToolThatIsMeant(_ name: String, _ expected: String) {
        let known = names(["get_weather", "search", "web__fetch_page"])
        #expect(match(name, known) == expected)
    }

    @Test func twoThatFitAreNone() {
        let known = names(["a_search", "b_search", "Read", "read"])
        #expect(match("search", known) == "none")
        #expect(match("READ", known) == "none")
        #expect(match("read", known) == "exact")
        #expect(match("a_search b_search", known) == "none")
    }

    @Test func oneToolAloneIsMeantByNoName() {
        let known = names(["get_weather"])
        for name in ["", "null", "tool_call", "function", "??"] {
            #expect(match(name, known) == "get_weather")
        }
        // The name of another tool is not bent.
        #expect(match("delete_file", known) == "none")
    }

    @Test func theToolAskedForByNameIsMeantByNoName() {
        let choice = ToolChoice(.named(ByteSlice("search")))
        #expect(match("", names(["get_weather", "search"], choice: choice)) == "search")
    }

    @Test func toolsThatAreNotAllowedAreNotMeant() {
        let choice = ToolChoice(.auto, allowed: [ByteSlice("search")])
        let known = names(["get_weather", "search"], choice: choice)
        #expect(match("get_weather", known) == "none")
        #expect(match("", known) == "search")
    }
}
