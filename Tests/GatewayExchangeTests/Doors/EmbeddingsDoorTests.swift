// EmbeddingsDoorTests.swift — texts become vectors: relayed, translated, simulated.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore
import Testing

@Suite struct EmbeddingsDoorTests {
    private static func ask(_ model: String, _ members: String = #""input":"one""#) -> String {
        GatewayStage.post(#"{"model":"\#(model)",\#(members)}"#, to: "/v1/embeddings")
    }

    @Test func aRequestIsRelayedAsItIs() throws {
        let stage = try GatewayStage()
        let body =
            #"{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AACAPw=="}],"#
            + #""model":"m","usage":{"prompt_tokens":3,"total_tokens":3},"later":1}"#
        stage.upstream.answers = [.body(body)]
        let members = #""input":["a",  "b"],"encoding_format":"base64","new":[1]"#
        let answer = try stage.ask(Self.ask("raw/m", members))
        #expect(answer.status == 200)
        #expect(answer.body == body)
        #expect(stage.upstream.bodies == [#"{"model":"m",\#(members)}"#])
        #expect(stage.upstream.heads[0].hasPrefix("/v1/embeddings\n"))
        #expect(stage.upstream.heads[0].contains("accept: application/json\n"))
        #expect(answer.fields["x-gateway-provider"] == "raw")
        #expect(stage.logged("input_tokens") == "3")
        #expect(stage.worker.counters.inputTokens == 3)
        stage.finish()
    }

    @Test func whatComesBackMustBeVectors() throws {
        let stage = try GatewayStage()
        for (body, type) in [
            ("{}", "application/json"), ("[]", "application/json"), ("<html>", "text/html"),
            ("data: {}\n\n", "text/event-stream"),
        ] {
            for provider in ["raw", "quirky"] {
                stage.upstream.answers = [.init(contentType: type, body: body)]
                let answer = try stage.ask(Self.ask("\(provider)/m"))
                #expect(answer.status == 502, "\(provider) \(body)")
                #expect(answer.json("error", "code") == "upstream_invalid_response", "\(body)")
            }
        }
        stage.upstream.answers = [
            .init(status: 429, body: #"{"error":{"message":"slow down","type":"requests"}}"#)
        ]
        for provider in ["raw", "quirky", "text"] {
            let answer = try stage.ask(Self.ask("\(provider)/m"))
            #expect(answer.status == 429)
        }
        stage.finish()
    }

    @Test func vectorsAreTranslated() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .body(
                #"{"embeddings":[{"embedding":[1,0.5],"index":0}],"#
                    + #""parameters":{"usage":{"prompt_tokens":4,"total_tokens":4},"model":"ada"}}"#
            )
        ]
        let numbers = try stage.ask(Self.ask("text/sfdc_ai__Default"))
        #expect(numbers.status == 200)
        #expect(numbers.body.contains("0.5]"))
        #expect(numbers.json("usage", "prompt_tokens") == "4")
        #expect(numbers.json("model") == "ada")
        #expect(numbers.fields["x-gateway-token-count"] == nil)
        #expect(stage.upstream.bodies[0] == #"{"input":["one"]}"#)
        let coded = try stage.ask(
            Self.ask("text/m", #""input":["one"],"encoding_format":"base64","user":"u""#))
        #expect(coded.json("data", "0", "embedding") == "AACAPwAAAD8=")
        #expect(coded.fields["x-gateway-dropped-params"] == "user")
        #expect(stage.logged("input_tokens", line: 1) == "4")
        stage.finish()
    }

    @Test func tokensThatNobodyCountedAreEstimated() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [
            .body(#"{"object":"list","data":[{"index":0,"embedding":[1]}],"model":"m"}"#)
        ]
        let answer = try stage.ask(Self.ask("quirky/m", #""input":"one two three four five""#))
        #expect(answer.fields["x-gateway-token-count"] == "estimate")
        #expect((answer.json("usage", "prompt_tokens").flatMap { Int($0) } ?? 0) > 4)
        stage.finish()
    }

    @Test func whatAProviderCannotDoIsNamed() throws {
        let stage = try GatewayStage()
        for (members, parameter) in [
            (#""input":[1,2]"#, "input"), (#""input":[[1],[2]]"#, "input[0]"),
            (#""input":"a","dimensions":3"#, "dimensions"),
        ] {
            let answer = try stage.ask(Self.ask("text/m", members))
            #expect(answer.status == 400)
            #expect(answer.json("error", "param") == parameter)
            #expect(answer.json("error", "code") == "unsupported_parameter")
        }
        #expect(stage.upstream.bodies.isEmpty)
        for members in [#""input":"""#, #""input":[]"#, #""x":1"#, #""input":{}"#] {
            #expect(try stage.ask(Self.ask("text/m", members)).status == 400)
        }
        stage.finish()
    }

    @Test func theSimulatorMakesVectors() throws {
        let stage = try GatewayStage()
        for provider in ["sim", "up"] {
            let answer = try stage.ask(
                Self.ask(
                    "\(provider)/sim",
                    #""input":["a","b"],"dimensions":2,"encoding_format":"base64""#))
            #expect(answer.status == 200)
            // Two times four bytes.
            #expect(answer.json("data", "1", "embedding")?.count == 12)
        }
        stage.finish()
    }

    @Test func aKeysLimitsHold() throws {
        var settings = StageSettings()
        let limits = KeyLimits(name: "k", requests: 1, tokens: nil, concurrent: nil)
        settings.keys = APIKeyTable(
            mode: .keys,
            entries: [
                APIKeyTable.Entry(
                    principal: Principal(
                        name: "k", models: ["sim*"], isAdmin: false, limits: limits),
                    hash: "secret".withByteSlice { SHA256Digest(of: $0) })
            ])
        let stage = try GatewayStage(settings)
        func ask(_ model: String) throws -> ReplyStatus {
            let answer = try stage.ask(
                GatewayStage.post(
                    #"{"model":"\#(model)","input":"a"}"#, to: "/v1/embeddings",
                    fields: "Authorization: Bearer secret\r\n"))
            return ReplyStatus(answer.status, answer.fields["x-ratelimit-limit-requests"])
        }
        #expect(try ask("up/sim") == ReplyStatus(403, nil))
        #expect(try ask("sim") == ReplyStatus(404, nil))
        #expect(try ask("sim/sim") == ReplyStatus(200, "1"))
        #expect(try ask("sim/sim") == ReplyStatus(429, "1"))
        stage.finish()
    }
}

private struct ReplyStatus: Equatable {
    let status: Int
    let limit: String?

    init(_ status: Int, _ limit: String?) {
        self.status = status
        self.limit = limit
    }
}
