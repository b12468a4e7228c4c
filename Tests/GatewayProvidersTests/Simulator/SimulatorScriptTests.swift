import ReactorCore
import Testing

@testable import GatewayProviders

private let millisecond: UInt64 = 1_000_000

@Suite struct SimulatorScriptTests {
    // MARK: Unary

    @Test func answersAChat() throws {
        let played = play(chat())
        #expect(played.status == 200)
        #expect(played.contentType == "application/json")
        #expect(played.bodyBytes == played.text.utf8.count)
        #expect(played.ending == "end")
        let body = try #require(JSON(played.text))
        #expect(body["id"]?.string?.hasPrefix("chatcmpl-") == true)
        #expect(body["object"]?.string == "chat.completion")
        #expect(body["created"]?.int == 1_767_225_600)
        #expect(body["model"]?.string == "sim")
        let choice = try #require(body["choices"]?[0])
        #expect(choice["index"]?.int == 0)
        #expect(choice["finish_reason"]?.string == "stop")
        #expect(choice["logprobs"] == .null)
        let message = try #require(choice["message"])
        #expect(message["role"]?.string == "assistant")
        #expect(message["refusal"] == .null)
        let words = message["content"]?.string?.split(separator: " ").count
        #expect(words == 64)
        let usage = try #require(body["usage"])
        // "Hello" is two times four bytes at most, and the message counts four.
        #expect(usage["prompt_tokens"]?.int == 6)
        #expect(usage["completion_tokens"]?.int == 64)
        #expect(usage["total_tokens"]?.int == 70)
    }

    @Test func keepsToTheTokenLimit() throws {
        for name in ["max_tokens", "max_completion_tokens"] {
            let body = try #require(JSON(play(chat("sim", #","\#(name)":7"#)).text))
            #expect(body["choices"]?[0]?["finish_reason"]?.string == "length")
            #expect(body["usage"]?["completion_tokens"]?.int == 7)
        }
        let roomy = try #require(JSON(play(chat("sim", #","max_tokens":64"#)).text))
        #expect(roomy["choices"]?[0]?["finish_reason"]?.string == "stop")
    }

    @Test func givesSeveralChoices() throws {
        let body = try #require(JSON(play(chat("sim", #","n":3"#)).text))
        let choices = body["choices"]?.array ?? []
        #expect(choices.map { $0["index"]?.int } == [0, 1, 2])
        #expect(Set(choices.compactMap { $0["message"]?["content"]?.string }).count == 3)
        #expect(body["usage"]?["completion_tokens"]?.int == 192)
    }

    @Test(arguments: ["one", "two  words", " lead and trail \\n", "é 😀 \\\"quoted\\\"", "", "   "])
    func echoes(_ text: String) throws {
        var settings = SimulatorSettings()
        settings.mode = .echo
        let expected = try #require(JSON("\"\(text)\"")?.string)
        let unary = try #require(JSON(play(chat(text: text), settings).text))
        #expect(unary["choices"]?[0]?["message"]?["content"]?.string == expected)
        let streamed = play(chat(text: text, #","stream":true"#), settings)
        #expect(try content(of: streamed) == expected)
        let bySuffix = try #require(JSON(play(chat("sim-echo", text: text)).text))
        #expect(bySuffix["choices"]?[0]?["message"]?["content"]?.string == expected)
    }

    @Test func echoesLongWordsBetweenCharacters() throws {
        let text = String(repeating: "é😀", count: 500)
        let streamed = play(chat("sim-echo", text: text, #","stream":true"#))
        #expect(try content(of: streamed) == text)
        #expect(streamed.bodies.count > 90)
    }

    @Test func echoesTheTextPartsOfTheLastUserMessage() throws {
        let body = #"""
            {"model":"sim-echo","messages":[{"role":"user","content":"first"},
             {"role":"assistant","content":"answer"},{"role":"user","content":[
              {"type":"text","text":"one"},
              {"type":"image_url","image_url":{"url":"https://example.invalid/a.png"}},
              {"type":"text","text":"two"}]},{"role":"assistant","content":"more"}]}
            """#
        let answer = try #require(JSON(play(body).text))
        #expect(answer["choices"]?[0]?["message"]?["content"]?.string == "one\ntwo")
    }

    // MARK: Streams

    @Test func streamsLikeTheService() throws {
        let played = play(chat("sim", #","stream":true,"max_tokens":5"#))
        #expect(played.contentType == "text/event-stream; charset=utf-8")
        #expect(played.bodyBytes == nil)
        let events = played.events
        #expect(events.last == "[DONE]")
        let chunks = try events.dropLast().map { try #require(JSON($0)) }
        #expect(chunks.count == 7)
        #expect(Set(chunks.map { $0["id"]?.string }).count == 1)
        for chunk in chunks {
            #expect(chunk["object"]?.string == "chat.completion.chunk")
            #expect(chunk["created"]?.int == 1_767_225_600)
            #expect(chunk["model"]?.string == "sim")
            #expect(chunk["usage"] == nil)
            #expect(chunk["choices"]?.array.count == 1)
        }
        #expect(chunks[0]["choices"]?[0]?["delta"]?["role"]?.string == "assistant")
        #expect(chunks[0]["choices"]?[0]?["delta"]?["content"]?.string == "")
        for chunk in chunks.dropLast() { #expect(chunk["choices"]?[0]?["finish_reason"] == .null) }
        #expect(chunks[6]["choices"]?[0]?["finish_reason"]?.string == "length")
        #expect(chunks[6]["choices"]?[0]?["delta"] == .object([:]))
        #expect(try content(of: played) == "Lorem ipsum dolor sit amet")
    }

    @Test func reportsUsageWhenAsked() throws {
        let played = play(chat("sim", #","stream":true,"stream_options":{"include_usage":true}"#))
        let chunks = try played.events.dropLast().map { try #require(JSON($0)) }
        for chunk in chunks.dropLast() { #expect(chunk["usage"] == .null) }
        let last = try #require(chunks.last)
        #expect(last["choices"] == .array([]))
        #expect(last["usage"]?["completion_tokens"]?.int == 64)
        #expect(last["usage"]?["total_tokens"]?.int == 70)
    }

    @Test func streamsWhatItAnswersUnary() throws {
        let unary = try #require(JSON(play(chat()).text))
        let streamed = try content(of: play(chat("sim", #","stream":true"#)))
        #expect(unary["choices"]?[0]?["message"]?["content"]?.string == streamed)
    }

    @Test func interleavesChoices() throws {
        let played = play(chat("sim", #","stream":true,"n":2,"max_tokens":8"#))
        let chunks = try played.events.dropLast().map { try #require(JSON($0)) }
        let indices = chunks.compactMap { $0["choices"]?[0]?["index"]?.int }
        #expect(indices == Array(repeating: [0, 1], count: 10).flatMap { $0 })
        #expect(try content(of: played, choice: 0) != content(of: played, choice: 1))
    }

    // MARK: Timing

    @Test func pacesTokens() {
        let played = play(chat("sim", #","stream":true,"max_tokens":5"#))
        #expect(played.headNanoseconds == 50 * millisecond)
        // Role and first token come with the head; then one token every 1/80 s.
        let expected = [50, 50, 62.5, 75, 87.5, 100, 100, 100].map { UInt64($0 * 1e6) }
        #expect(played.bodies.map(\.nanoseconds) == expected)
        let unary = play(chat("sim", #","max_tokens":5"#))
        #expect(unary.headNanoseconds == 100 * millisecond)
        #expect(unary.endNanoseconds == played.endNanoseconds)
    }

    @Test func sendsAllAtOnceWithoutAPace() {
        var settings = SimulatorSettings()
        settings.tokensPerSecond = 0
        settings.timeToFirstToken = .zero
        #expect(play(chat("sim", #","stream":true"#), settings).endNanoseconds == 0)
        #expect(play(chat(), settings).endNanoseconds == 0)
    }

    @Test func jittersWithinItsFraction() {
        var settings = SimulatorSettings()
        settings.jitter = 0.5
        let body = chat("sim", #","stream":true"#)
        let played = play(body, settings, ordinal: 3)
        let times = played.bodies.map(\.nanoseconds)
        #expect((25 * millisecond...75 * millisecond).contains(times[0]))
        let gaps = zip(times.dropFirst(2), times.dropFirst(1)).map { $0 - $1 }.prefix(63)
        #expect(gaps.count == 63)
        #expect(gaps.allSatisfy { (6_250_000...18_750_000).contains($0) })
        #expect(Set(gaps).count > 50)
        #expect(play(body, settings, ordinal: 4).bodies.map(\.nanoseconds) != times)
    }

    @Test func jittersUnaryAsMuchAsStreams() throws {
        var settings = SimulatorSettings()
        settings.jitter = 1
        // The jitter's draws depend on the ordinal alone, so both forms wait equally long.
        let unary = play(chat(), settings, ordinal: 9)
        let streamed = play(chat("sim", #","stream":true"#), settings, ordinal: 9)
        #expect(unary.endNanoseconds == streamed.endNanoseconds)
    }

    // MARK: Determinism

    @Test func repeatsItself() {
        for body in [chat(), chat("sim", #","stream":true"#), chat("sim-tool", weather)] {
            #expect(play(body, ordinal: 7) == play(body, ordinal: 7))
            #expect(play(body, ordinal: 7) != play(body, ordinal: 8))
            var other = SimulatorSettings()
            other.seed = 1
            #expect(play(body, ordinal: 7) != play(body, other, ordinal: 7))
        }
    }

    @Test func saysTheSameAtEveryOrdinal() throws {
        let body = chat("sim", #","stream":true"#)
        #expect(
            try content(of: play(body, ordinal: 1)) == content(of: play(body, ordinal: 2)))
        #expect(
            try content(of: play(body))
                != content(of: play(chat(text: "Another", #","stream":true"#))))
    }

    // MARK: Failures

    @Test(
        arguments: [
            (.status400, 400), (.status401, 401), (.status403, 403), (.status404, 404),
            (.status429, 429), (.status500, 500), (.status502, 502), (.status503, 503),
            (.status529, 529),
        ] as [(SimulatorBehavior, Int)])
    func failsWithAStatus(_ behavior: SimulatorBehavior, _ status: Int) throws {
        for stream in [false, true] {
            let played = play(chat("sim-\(behavior.rawValue)", #","stream":\#(stream)"#))
            #expect(played.status == status)
            #expect(played.contentType == "application/json")
            #expect(played.bodyBytes == played.text.utf8.count)
            #expect(played.endNanoseconds == 0)
            let error = try #require(JSON(played.text)?["error"])
            #expect(error.keys == ["message", "type", "param", "code"])
            let waits = status == 429 || status == 503
            #expect(played.fields == (waits ? ["retry-after": "1"] : [:]))
        }
    }

    @Test func hangs() {
        let played = play(chat("sim-hang"))
        #expect(played.headNanoseconds == nil)
        #expect(played.steps == 1)
        #expect(played.ending == "hang")
    }

    @Test(arguments: [("hang-mid", "hang"), ("cut", "cut"), ("reset", "reset")])
    func breaksOff(_ suffix: String, _ ending: String) throws {
        let whole = play(chat("sim"))
        let unary = play(chat("sim-\(suffix)"))
        #expect(unary.status == 200)
        #expect(unary.ending == ending)
        let promised = try #require(unary.bodyBytes)
        #expect(unary.text.utf8.count == promised / 2)
        #expect(unary.endNanoseconds == whole.endNanoseconds)
        let stream = play(chat("sim-\(suffix)", #","stream":true"#))
        #expect(stream.ending == ending)
        #expect(stream.events.count == 33)
        #expect(stream.events.allSatisfy { JSON($0)?["choices"]?[0]?["finish_reason"] == .null })
        // The break comes when the next token was due.
        #expect(stream.endNanoseconds == 50 * millisecond + 32 * 12_500_000)
    }

    @Test func endsWithoutDone() throws {
        let stream = play(chat("sim-nodone", #","stream":true"#))
        #expect(stream.ending == "end")
        #expect(stream.events.count == 65)
        #expect(!stream.text.contains("[DONE]"))
        #expect(!stream.text.contains(#""finish_reason":""#))
        let unary = try #require(JSON(play(chat("sim-nodone")).text))
        #expect(unary["choices"]?[0]?["finish_reason"] == .null)
    }

    @Test func sendsBrokenJSON() throws {
        let stream = play(chat("sim-badjson", #","stream":true"#))
        let broken = stream.events.filter { $0 != "[DONE]" && JSON($0) == nil }
        #expect(broken.count == 1)
        #expect(stream.events.count == 68)
        #expect(stream.events.last == "[DONE]")
        let unary = play(chat("sim-badjson"))
        #expect(JSON(unary.text) == nil)
        #expect(unary.bodyBytes == unary.text.utf8.count)
        #expect(unary.ending == "end")
    }

    @Test func sendsErrorsWithStatus200() throws {
        let stream = play(chat("sim-error-mid", #","stream":true"#))
        #expect(stream.events.count == 34)
        let last = try #require(stream.events.last)
        #expect(JSON(last)?["error"]?["type"]?.string == "server_error")
        #expect(stream.ending == "end")
        let unary = play(chat("sim-error-mid"))
        #expect(unary.status == 200)
        #expect(JSON(unary.text)?["error"] != nil)
    }

    @Test func sendsNoJSONAtAll() {
        for more in ["", #","stream":true"#] {
            let html = play(chat("sim-html", more))
            #expect(html.status == 200)
            #expect(html.contentType == "text/html; charset=utf-8")
            #expect(html.text.hasPrefix("<!doctype html>"))
            let empty = play(chat("sim-empty", more))
            #expect(empty.status == 200)
            #expect(empty.bodyBytes == 0)
            #expect(empty.bodies.isEmpty)
            #expect(empty.ending == "end")
            let redirect = play(chat("sim-redirect", more))
            #expect(redirect.status == 307)
            #expect(redirect.fields["location"] == "/v1/redirected")
        }
    }

    @Test func isSlow() {
        let played = play(chat("sim-slow", #","stream":true"#))
        #expect(played.headNanoseconds == 30_000 * millisecond)
        #expect(played.ending == "end")
    }

    @Test func answersAtLength() throws {
        let unary = try #require(JSON(play(chat("sim-big")).text))
        #expect(unary["choices"]?[0]?["message"]?["content"]?.string?.utf8.count == 1 << 20)
        #expect(unary["usage"]?["completion_tokens"]?.int == 1 << 18)
        let stream = play(chat("sim-big", #","stream":true"#))
        #expect(try content(of: stream).utf8.count == 1 << 20)
        #expect(stream.events.count == 67)
    }

    /// Every row of the table answers as its own kind, in every form and length, and ends.
    @Test(arguments: SimulatorBehavior.allCases)
    func alwaysEnds(_ behavior: SimulatorBehavior) {
        for more in ["", #","stream":true"#, #","stream":true,"n":3,"max_tokens":1"#, weather] {
            let played = play(chat("sim-\(behavior.rawValue)", more))
            #expect(["end", "cut", "reset", "hang"].contains(played.ending))
        }
        let empty = play(chat("sim-echo", text: "", #","stream":true"#))
        #expect(empty.events.count == 3)
    }

    @Test func failsAtTheGivenRates() throws {
        var settings = SimulatorSettings()
        settings.failureRates = try SimulatorSettings.failureRates(
            from: "429:0.25,500:0.125,hang:0.125")
        let counts = (0..<2_000).reduce(into: [:] as [Int: Int]) {
            $0[
                play(chat("sim", #","max_tokens":1"#), settings, ordinal: UInt64($1)).status,
                default: 0] += 1
        }
        #expect((420...580).contains(counts[429] ?? 0))
        #expect((190...310).contains(counts[500] ?? 0))
        #expect((190...310).contains(counts[0] ?? 0))
        #expect((880...1120).contains(counts[200] ?? 0))
        // A name that asks for something is not overruled.
        let asked = (0..<50).map { play(chat("sim-401"), settings, ordinal: $0).status }
        #expect(asked.allSatisfy { $0 == 401 })
    }

    // MARK: Other answers

    @Test func writesRequestIDs() {
        var script = SimulatorScript(SimulatorRefusal("No."))
        var out = ByteBuffer()
        script.writeRequestID(into: &out)
        #expect(out.string.hasPrefix("req_"))
        #expect(out.count == 28)
        _ = script.next()
    }

    @Test func completesPrompts() throws {
        let target = "/v1/completions"
        let body = #"{"model":"sim","prompt":["a","b c"],"n":2}"#
        let unary = try #require(JSON(play(body, to: target).text))
        #expect(unary["object"]?.string == "text_completion")
        #expect(unary["id"]?.string?.hasPrefix("cmpl-") == true)
        let choices = unary["choices"]?.array ?? []
        #expect(choices.map { $0["index"]?.int } == [0, 1, 2, 3])
        // The default of the old interface is 16 tokens.
        #expect(choices[0]["text"]?.string?.split(separator: " ").count == 16)
        #expect(choices[0]["finish_reason"]?.string == "length")
        #expect(unary["usage"]?["total_tokens"]?.int == 66)
        let stream = play(
            #"{"model":"sim-echo","prompt":"say it","stream":true}"#, to: target)
        let chunks = try stream.events.dropLast().map { try #require(JSON($0)) }
        #expect(
            chunks.map { $0["object"]?.string } == Array(repeating: "text_completion", count: 3))
        #expect(chunks.compactMap { $0["choices"]?[0]?["text"]?.string }.joined() == "say it")
        #expect(chunks[2]["choices"]?[0]?["finish_reason"]?.string == "stop")
        let tokens = try #require(
            JSON(play(#"{"model":"sim","prompt":[[1,2,3],[4]]}"#, to: target).text))
        #expect(tokens["usage"]?["prompt_tokens"]?.int == 4)
        #expect(tokens["choices"]?.array.count == 2)
    }

    private let weather = #","tools":[\#(functionTool("weather", "{}"))]"#
}

/// The text of one choice of a stream.
func content(of played: Play, choice: Int = 0) throws -> String {
    try played.events.dropLast().map { event in
        let chosen = try #require(JSON(event)?["choices"]?[0])
        return chosen["index"]?.int == choice ? chosen["delta"]?["content"]?.string ?? "" : ""
    }.joined()
}

/// A function tool as JSON.
func functionTool(_ name: String, _ parameters: String) -> String {
    #"{"type":"function","function":{"name":"\#(name)","parameters":\#(parameters)}}"#
}
