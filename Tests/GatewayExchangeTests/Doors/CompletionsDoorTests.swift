// CompletionsDoorTests.swift — older text completions: relayed, translated, simulated.

import GatewayExchange
import GatewayModel
import Testing

@Suite struct CompletionsDoorTests {
    private static func ask(
        _ model: String, _ members: String = #""prompt":"Once""#, fields: String = ""
    ) -> String {
        GatewayStage.post(
            #"{"model":"\#(model)",\#(members)}"#, to: "/v1/completions", fields: fields)
    }

    private static let whole =
        #"{"id":"cmpl-1","object":"text_completion","created":7,"model":"m","choices":[{"text":"#
        + #"" upon","index":0,"logprobs":null,"finish_reason":"length"}],"#
        + #""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3},"later":1}"#

    @Test func aWholeAnswerIsRelayedAsItIs() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [.body(Self.whole)]
        // Where a server departs from the chat dialect it has this one all the same.
        for (line, provider) in ["raw", "quirky"].enumerated() {
            let members = #""prompt":["a",[1]],"suffix":"z","best_of":3,"logprobs":2"#
            let answer = try stage.ask(Self.ask("\(provider)/m", members))
            #expect(answer.status == 200)
            #expect(answer.body == Self.whole)
            #expect(stage.upstream.bodies[line] == #"{"model":"m",\#(members)}"#)
            #expect(stage.upstream.heads[line].hasPrefix("/v1/completions\n"))
            #expect(stage.logged("output_tokens", line: line) == "2")
            #expect(stage.logged("finish_reason", line: line) == "length")
        }
        stage.finish()
    }

    @Test func aStreamIsRelayedAsItIs() throws {
        let stage = try GatewayStage()
        func chunk(_ text: String, _ reason: String) -> String {
            #"{"id":"c","object":"text_completion","created":7,"model":"m","choices":[{"text":"#
                + #""\#(text)","index":0,"logprobs":null,"finish_reason":\#(reason)}]}"#
        }
        let chunks = [chunk(" up", "null"), chunk("on", "null"), chunk("", #""stop""#)]
        stage.upstream.answers = [.stream(chunks)]
        let answer = try stage.ask(Self.ask("raw/m", #""prompt":"Once","stream":true"#))
        #expect(answer.events == chunks + ["[DONE]"])
        #expect(stage.logged("finish_reason") == "stop")
        stage.finish()
    }

    private static func generation(_ text: String) -> ScriptedUpstream.Answer {
        .body(
            #"{"id":"g","generationDetails":{"generations":[{"id":"g-0","role":"assistant","#
                + #""content":"\#(text)","parameters":{"finish_reason":"stop"}}],"parameters":{"#
                + #""model":"m","usage":{"prompt_tokens":5,"completion_tokens":3,"total_tokens":8}}}}"#
        )
    }

    @Test func aPromptBecomesAMessage() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation("upon a")]
        let answer = try stage.ask(
            Self.ask("text/m", #""prompt":"On\"ce","max_tokens":4,"echo":true"#))
        #expect(answer.status == 200)
        #expect(answer.json("object") == "text_completion")
        #expect(answer.json("choices", "0", "text") == "On\"ceupon a")
        #expect(answer.json("choices", "0", "finish_reason") == "stop")
        #expect(answer.json("usage", "total_tokens") == "8")
        #expect(answer.json("id")?.hasPrefix("cmpl-") == true)
        let sent = stage.upstream.bodies[0]
        #expect(Answer.value(of: sent, ["messages", "0", "content"]) == "On\"ce")
        #expect(Answer.value(of: sent, ["messages", "0", "role"]) == "user")
        // The echo of one request is not another's.
        let plain = try stage.ask(Self.ask("text/m"))
        #expect(plain.json("choices", "0", "text") == "upon a")
        stage.finish()
    }

    @Test func aTranslatedStreamBeginsWithTheEcho() throws {
        let stage = try GatewayStage()
        stage.upstream.answers = [Self.generation("upon a")]
        let answer = try stage.ask(
            Self.ask(
                "text/m",
                #""prompt":"Once","stream":true,"echo":true,"stream_options":{"include_usage":true}"#
            ))
        let texts = answer.events.compactMap { Answer.value(of: $0, ["choices", "0", "text"]) }
        #expect(texts.joined() == "Onceupon a")
        #expect(answer.events.last == "[DONE]")
        #expect(
            Answer.value(of: answer.events[answer.events.count - 2], ["usage", "total_tokens"])
                == "8")
        stage.finish()
    }

    @Test func whatCannotBeToldIsNamed() throws {
        let stage = try GatewayStage()
        for (members, parameter) in [
            (#""prompt":"a","suffix":"z""#, "suffix"), (#""prompt":[1,2]"#, "prompt"),
            (#""prompt":["a","b"]"#, "prompt"), (#""prompt":"a","best_of":2"#, "best_of"),
            (#""prompt":"a","n":2"#, "n"),
        ] {
            let answer = try stage.ask(Self.ask("text/m", members))
            #expect(answer.status == 400, "\(members)")
            #expect(answer.json("error", "param") == parameter)
        }
        #expect(stage.upstream.bodies.isEmpty)
        stage.finish()
    }

    @Test func theSimulatorCompletes() throws {
        let stage = try GatewayStage()
        for provider in ["sim", "up"] {
            let whole = try stage.ask(
                Self.ask("\(provider)/sim-echo", #""prompt":"Once","max_tokens":8"#))
            #expect(whole.json("choices", "0", "text") == "Once")
            let stream = try stage.ask(Self.ask("\(provider)/sim", #""prompt":"a","stream":true"#))
            #expect(stream.events.last == "[DONE]")
            #expect(Answer.value(of: stream.events[0], ["object"]) == "text_completion")
        }
        stage.finish()
    }

    @Test func aSilenceIsFilledInTheDialect() throws {
        var settings = StageSettings()
        settings.heartbeatInterval = .milliseconds(20)
        settings.heartbeatMode = .chunk
        let stage = try GatewayStage(settings)
        let client = stage.connect()
        client.send(Self.ask("sim/sim-hang", #""prompt":"a","stream":true"#))
        stage.wait("a heartbeat") { client.text.contains("cmpl-ka") }
        #expect(client.text.contains(#""object":"text_completion""#))
        #expect(client.text.contains(#""choices":[{"text":"","index":0,"logprobs":null"#))
        client.close()
        stage.wait("the end") { stage.worker.counters.inFlight == 0 }
        stage.finish()
    }
}
