// ExchangeRefusalTests.swift — what is refused or fails, in which words, and one log line for each.

import GatewayExchange
import GatewayPolicy
import Reactor
import ReactorCore
import Testing

@Suite struct ExchangeRefusalTests {
    /// A request that is refused: what is sent, and the status, type and parameter of the answer.
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var request: String
        var status: Int
        var code: String?
        var field: (String, String)?
        var testDescription: String { name }
    }

    private static let chatLine = "/v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"

    static let cases = [
        Case(name: "no JSON", request: GatewayStage.post("{\"model\""), status: 400),
        Case(name: "no object", request: GatewayStage.post("[]"), status: 400),
        Case(name: "no body", request: GatewayStage.post(""), status: 400),
        Case(
            name: "no model", request: GatewayStage.post("{\"messages\":[{\"role\":\"user\"}]}"),
            status: 400,
            code: "missing_required_parameter"),
        Case(
            name: "unknown model", request: GatewayStage.chat("nobody/x"), status: 404,
            code: "model_not_found"),
        Case(
            name: "unknown provider",
            request: GatewayStage.chat("sim", fields: "X-Provider: nobody\r\n"), status: 404,
            code: "model_not_found"),
        Case(
            name: "unknown path", request: "GET /v1/nothing HTTP/1.1\r\nHost: localhost\r\n\r\n",
            status: 404),
        Case(
            name: "wrong method", request: "GET \(chatLine)\r\n", status: 405,
            field: ("allow", "POST, OPTIONS")),
        Case(
            name: "wrong method of a list",
            request: "DELETE /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", status: 405,
            field: ("allow", "GET, HEAD, OPTIONS")),
        Case(
            name: "form",
            request: GatewayStage.chat("sim/sim", fields: "Content-Type: text/html\r\n"),
            status: 415),
        Case(
            name: "encoded",
            request: GatewayStage.chat("sim/sim", fields: "Content-Encoding: gzip\r\n"), status: 415
        ),
        Case(name: "upstream 400", request: GatewayStage.chat("up/sim-400"), status: 400),
        Case(name: "upstream 401", request: GatewayStage.chat("up/sim-401"), status: 502),
        Case(
            name: "upstream 429", request: GatewayStage.chat("up/sim-429"), status: 429,
            field: ("retry-after", "1")),
        Case(name: "upstream 500", request: GatewayStage.chat("up/sim-500"), status: 502),
        Case(name: "upstream 503", request: GatewayStage.chat("up/sim-503"), status: 503),
        Case(name: "upstream cut", request: GatewayStage.chat("up/sim-cut"), status: 502),
        Case(name: "upstream reset", request: GatewayStage.chat("up/sim-reset"), status: 502),
        Case(name: "upstream page", request: GatewayStage.chat("up/sim-html"), status: 502),
        Case(name: "upstream empty", request: GatewayStage.chat("up/sim-empty"), status: 502),
        Case(name: "simulated 500", request: GatewayStage.chat("sim/sim-500"), status: 502),
        Case(name: "simulated cut", request: GatewayStage.chat("sim/sim-cut"), status: 502),
        Case(
            name: "page in place of a stream",
            request: GatewayStage.chat("up/sim-html", stream: true), status: 502),
    ]

    @Test(arguments: cases)
    func refused(test: Case) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(test.request)
        #expect(answer.status == test.status)
        #expect(answer.fields["content-type"] == "application/json; charset=utf-8")
        #expect(answer.json("error", "message")?.isEmpty == false)
        #expect(answer.json("error", "type")?.isEmpty == false)
        if let code = test.code { #expect(answer.json("error", "code") == code) }
        if let (name, value) = test.field { #expect(answer.fields[name] == value) }
        #expect(stage.lines.count == 1)
        #expect(stage.logged("status") == "\(test.status)")
        #expect(stage.logged("outcome") == "error")
        #expect(stage.logged("error") == answer.json("error", "message"))
        #expect(stage.logged("request_id") == answer.fields["x-request-id"])
        let counters = stage.worker.counters
        #expect(counters.byClass.client + counters.byClass.server == 1)
        #expect((counters.byClass.client == 1) == (test.status < 500))
        #expect(counters.inFlight == 0)
        stage.finish()
    }

    @Test(arguments: ["sim-cut", "sim-error-mid", "sim-badjson", "sim-nodone"])
    func aStreamThatBreaksEndsWithAnErrorAndNoMarker(model: String) throws {
        let stage = try GatewayStage()
        let answer = try stage.ask(GatewayStage.chat("up/\(model)", stream: true))
        #expect(answer.status == 200)
        #expect(Answer.value(of: answer.events.last ?? "", ["error", "message"]) != nil)
        #expect(!answer.body.contains("[DONE]"))
        #expect(stage.lines.count == 1)
        #expect(stage.logged("outcome") == "error")
        #expect(stage.worker.counters.streamErrors == 1)
        stage.finish()
    }

    // MARK: Access

    private func keys() -> StageSettings {
        var settings = StageSettings()
        settings.keys = APIKeyTable(
            mode: .keys,
            entries: [("a", "key-a", ["sim/*"]), ("b", "key-b", [])].map { name, key, models in
                APIKeyTable.Entry(
                    principal: Principal(name: name, models: models),
                    hash: key.withByteSlice { SHA256Digest(of: $0) })
            })
        return settings
    }

    @Test func keysAreAskedFor() throws {
        let stage = try GatewayStage(keys())
        let client = stage.connect()
        let cases: [(String, Int, String?)] = [
            ("", 401, nil), ("Authorization: Bearer wrong\r\n", 401, "invalid_api_key"),
            ("Authorization: Basic key-a\r\n", 401, nil), ("Authorization: Bearer \r\n", 401, nil),
            ("Authorization: Bearer key-a\r\n", 200, nil), ("", 401, nil),
            ("authorization: bearer  key-b\r\n", 200, nil), ("X-Api-Key: key-a\r\n", 200, nil),
            ("Api-Key: key-b\r\n", 200, nil), ("X-Api-Key: key-c\r\n", 401, "invalid_api_key"),
        ]
        for (fields, status, code) in cases {
            client.send(GatewayStage.chat("sim/sim", fields: fields))
            let answer = try stage.answer(to: client)
            #expect(answer.status == status, "\(fields)")
            #expect(answer.json("error", "code") == code, "\(fields)")
            #expect((answer.fields["www-authenticate"] == "Bearer") == (status == 401))
        }
        #expect(stage.lines.count == cases.count)
        let names = cases.indices.map { stage.logged("key", line: $0) }
        #expect(names == [nil, nil, nil, nil, "a", nil, "b", "a", "b", nil])
        #expect(!stage.lines.contains { $0.contains("key-") })
        stage.finish()
    }

    @Test func aKeyOpensItsModelsAlone() throws {
        let stage = try GatewayStage(keys())
        let fields = "Authorization: Bearer key-a\r\n"
        #expect(try stage.ask(GatewayStage.chat("sim/sim", fields: fields)).status == 200)
        let answer = try stage.ask(GatewayStage.chat("up/sim", fields: fields))
        #expect(answer.status == 403)
        #expect(answer.json("error", "param") == "model")
        stage.finish()
    }

    @Test func whoIsNotLetInLearnsNoPaths() throws {
        let stage = try GatewayStage(keys())
        let answer = try stage.ask("GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(answer.status == 401)
        stage.finish()
    }

    @Test func foreignHostsAreRefused() throws {
        var settings = StageSettings()
        settings.cors.hosts = ["gateway.test"]
        let stage = try GatewayStage(settings)
        for (host, status) in [
            ("127.0.0.1:8000", 200), ("gateway.test", 200), ("evil.com", 403),
            ("127.0.0.1.evil.com", 403),
        ] {
            let request = GatewayStage.chat("sim/sim").split(separator: "localhost")
            let answer = try stage.ask(request.joined(separator: host))
            #expect(answer.status == status, "\(host)")
        }
        stage.finish()
    }

    @Test func originsAreJudged() throws {
        let stage = try GatewayStage()
        func ask(_ origin: String) throws -> Answer {
            try stage.ask(
                "OPTIONS /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n"
                    + "Origin: \(origin)\r\nAccess-Control-Request-Method: POST\r\n\r\n")
        }
        let local = try ask("http://localhost:3000")
        #expect(local.status == 204)
        #expect(local.fields["access-control-allow-origin"] == "http://localhost:3000")
        #expect(local.fields["vary"] == "origin")
        #expect(local.fields["access-control-allow-headers"]?.contains("authorization") == true)
        let foreign = try ask("http://127.0.0.1.evil.com")
        #expect(foreign.fields["access-control-allow-origin"] == nil)
        #expect(stage.lines.count == 2)
        stage.finish()
    }

    // MARK: What the server refuses by itself

    @Test func whatIsNotHTTPIsLoggedOnce() throws {
        let stage = try GatewayStage()
        let answer = try stage.ask("NOT HTTP AT ALL\r\n\r\n")
        #expect(answer.status == 400)
        #expect(stage.lines.count == 1)
        #expect(stage.logged("request_id") == answer.fields["x-request-id"])
        stage.finish()
    }

    @Test func aBodyThatSaysItIsTooLargeIsLoggedOnce() throws {
        var settings = StageSettings()
        settings.limits.bodyBytesMax = 100
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send("POST \(Self.chatLine)Content-Length: 101\r\n\r\n")
        #expect(try stage.answer(to: client).status == 413)
        #expect(stage.lines.count == 1)
        #expect(stage.logged("path") == "/v1/chat/completions")
        // In the words of the door that it came to.
        let other = stage.connect()
        other.send("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n")
        let answer = try stage.answer(to: other)
        #expect(answer.status == 413)
        #expect(answer.json("error", "type") == "request_too_large")
        #expect(answer.fields["request-id"] == stage.logged("request_id", line: 1))
        #expect(stage.lines.count == 2)
        stage.finish()
    }

    @Test func aMissingKeyGoesBeforeABodyThatIsTooLarge() throws {
        var settings = StageSettings()
        settings.limits.bodyBytesMax = 100
        settings.keys = APIKeyTable(mode: .keys, entries: [])
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        // A small body of a refused request would be awaited first.
        client.send("POST \(Self.chatLine)Content-Length: 100000\r\n\r\n")
        #expect(try stage.answer(to: client).status == 401)
        #expect(stage.lines.count == 1)
        stage.finish()
    }

    @Test func aBodyThatGrowsTooLargeIsLoggedOnce() throws {
        var settings = StageSettings()
        settings.limits.bodyBytesMax = 100
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        let chunk = "32\r\n" + String(repeating: "a", count: 50) + "\r\n"
        client.send(
            "POST \(Self.chatLine)X-Request-Id: mine\r\nTransfer-Encoding: chunked\r\n\r\n"
                + chunk + chunk + chunk)
        let answer = try stage.answer(to: client)
        #expect(answer.status == 413)
        #expect(stage.lines.count == 1, "\(stage.lines)")
        #expect(answer.fields["x-request-id"] == stage.logged("request_id"))
        #expect(stage.worker.counters.byClass.client == 1)
        stage.finish()
    }
}
