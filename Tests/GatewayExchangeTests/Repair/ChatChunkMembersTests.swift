// ChatChunkMembersTests.swift — what a chunk tells besides what the model in the middle has words for, when
// the chunk is rewritten: kept, in order, and in a choice once.

import GatewayCodec
import GatewayExchange
import GatewayModel
import GatewayProviders
import GatewayTools
import ReactorCore
import Testing

@Suite struct ChatChunkMembersTests {
    // MARK: A stage of one stream

    private static func repair(_ mode: ToolCallRepair.Mode) -> ToolCallRepair {
        var request = ModelRequest()
        for name in ["get_weather", "find_flight"] as [StaticString] {
            request.tools.append(
                ToolDefinition(name: ByteSlice(name), kind: .function(parameters: nil)))
        }
        return ToolCallRepair(request, mode: mode, seed: 1)
    }

    /// What the client gets for a stream whose bytes come in these pieces.
    private static func relay(
        _ pieces: [ArraySlice<UInt8>], mode: ToolCallRepair.Mode = .stream
    ) throws -> String {
        let context = ProviderContext(
            model: ByteSlice("m"), arena: JSONArena(), ids: IDSource(seed: 3))
        let repair = ChatStreamRepair(
            repair(mode), requestID: ByteSlice("r"), wantsUsage: false, isContinuation: true)
        var parser = EventStreamParser()
        var told = ""
        func take(_ event: EventStreamEvent) {
            switch repair.take(event, context) {
            case .asItCame: break
            case .precededBy(let count): told += repair.output.slice.prefix(count).string
            case .rewritten: return told += repair.output.slice.string
            }
            told += "data: \(event.data.string)\n\n"
        }
        for piece in pieces {
            try Array(piece).withUnsafeBytes { raw in
                var input = ByteSlice(raw)
                while let event = try parser.next(&input) { take(event) }
            }
        }
        return told
    }

    private static func relay(
        _ chunks: [String], mode: ToolCallRepair.Mode = .stream
    ) throws -> [String] {
        let bytes = Array(chunks.map { "data: \($0)\n\n" }.joined().utf8)
        let whole = try relay([bytes[...]], mode: mode)
        return whole.split(separator: "\n\n").map { String($0.dropFirst("data: ".count)) }
    }

    /// A chunk of one choice with more members.
    private static func chunk(
        _ delta: String, _ more: String, index: Int = 0, finish: String = "null"
    ) -> String {
        #"{"id":"chatcmpl-up","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"#
            + #""index":\#(index),"delta":\#(delta),\#(more),"finish_reason":\#(finish)}]}"#
    }

    private static func call(_ name: String, _ arguments: String, index: Int = 0) -> String {
        #"{"tool_calls":[\#(ToolTalk.call(name, arguments, index: index))]}"#
    }

    private static func more(_ arguments: String, index: Int = 0) -> String {
        #"{"tool_calls":[{"index":\#(index),"function":{"arguments":\#(arguments)}}]}"#
    }

    /// Told with numbers and spaces of their own.
    private static func logprobs(_ token: String) -> String {
        #"{"content": [{"token":"\#(token)","logprob":-0.10000,"bytes":null,"top_logprobs":[]}]}"#
    }

    private static func count(_ text: String, in events: [String]) -> Int {
        events.reduce(0) {
            $0 + $1.split(separator: text, omittingEmptySubsequences: false).count - 1
        }
    }

    // MARK: Tests

    private static let stream = [
        chunk(#"{"role":"assistant","content":null}"#, #""logprobs":\#(logprobs("a"))"#),
        chunk(
            call("functions.get_weather", #""{\"city\": ""#),
            #""logprobs":\#(logprobs("b")),"x_more":{"a":[1.50]}"#),
        chunk(more(#""\"Os""#), #""logprobs":\#(logprobs("c"))"#),
        chunk("{}", #""logprobs":\#(logprobs("d")),"stop_reason":7"#, finish: "\"tool_calls\""),
    ]

    @Test func whatStandsInAChoiceIsToldOnceAndInOrder() throws {
        let events = try Self.relay(Self.stream)
        // The name's chunk is two now, and the end has a piece in front of it.
        #expect(events.count == 6)
        #expect(events[0] == Self.stream[0])
        #expect(Answer.value(of: events[1], ["choices", "0", "logprobs", "content"]) == nil)
        #expect(events[1].contains(#""name":"get_weather""#))
        #expect(
            events[2].contains(
                #","logprobs":\#(Self.logprobs("b")),"x_more":{"a":[1.50]},"finish_"#))
        #expect(events[3] == Self.stream[2])
        #expect(events[4].contains(#""logprobs":null"#))
        #expect(events[5] == Self.stream[3])
        for token in ["a", "b", "c", "d"] {
            #expect(Self.count(Self.logprobs(token), in: events) == 1)
        }
        #expect(Self.count("x_more", in: events) == 1)
    }

    @Test func aStreamCutAnywhereIsTheSame() throws {
        let bytes = Array(Self.stream.map { "data: \($0)\n\n" }.joined().utf8)
        let whole = try Self.relay([bytes[...]])
        for cut in bytes.indices {
            #expect(try Self.relay([bytes[..<cut], bytes[cut...]]) == whole, "cut at \(cut)")
        }
    }

    /// A call without a name is told at its end only: what stands beside it comes when it came.
    @Test func whatStandsBesideACallThatWaitsDoesNotWait() throws {
        let events = try Self.relay([
            Self.chunk(
                #"{"role":"assistant","content":null}"#, #""logprobs":\#(Self.logprobs("a"))"#),
            Self.chunk(
                Self.call(nil: #""{\"ci""#), #""logprobs":\#(Self.logprobs("b"))"#),
            Self.chunk(Self.more(#""ty\":1}""#), #""logprobs":\#(Self.logprobs("c"))"#),
            Self.chunk("{}", #""logprobs":null"#, finish: "\"tool_calls\""),
        ])
        let told = events.joined()
        let places = try ["a", "b", "c"].map {
            try #require(told.firstRange(of: Self.logprobs($0))?.lowerBound)
        }
        #expect(places == places.sorted())
        #expect(Self.count("\"logprob\"", in: events) == 3)
        for event in events { #expect(Answer.value(of: event, ["id"]) == "chatcmpl-up") }
        #expect(Answer.value(of: events[1], ["choices", "0", "delta", "tool_calls"]) == nil)
        #expect(events[1].contains(Self.logprobs("b")))
    }

    private static func call(nil arguments: String) -> String {
        #"{"tool_calls":[\#(ToolTalk.call(nil, arguments, index: 0))]}"#
    }

    /// Each choice keeps its own, whichever are rewritten.
    @Test func choicesKeepTheirOwn() throws {
        let choices = [
            #"{"index":1,"delta":{"content":"x"},"logprobs":\#(Self.logprobs("one")),"finish_reason":null}"#,
            #"{"index":0,"delta":\#(Self.call("functions.get_weather", #""{}""#)),"#
                + #""content_filter_results":{"hate":{"filtered":false}},"finish_reason":null}"#,
            // It says nothing but this.
            #"{"index":2,"delta":{},"logprobs":\#(Self.logprobs("two")),"finish_reason":null}"#,
        ]
        let events = try Self.relay([
            #"{"id":"chatcmpl-up","object":"chat.completion.chunk","created":7,"model":"m","choices":["#
                + choices.joined(separator: ",") + "]}"
        ])
        func count(of index: String, with text: String) -> Int {
            events.filter {
                Answer.value(of: $0, ["choices", "0", "index"]) == index && $0.contains(text)
            }.count
        }
        #expect(count(of: "1", with: Self.logprobs("one")) == 1)
        #expect(
            count(of: "0", with: #""content_filter_results":{"hate":{"filtered":false}}"#) == 1)
        #expect(count(of: "2", with: Self.logprobs("two")) == 1)
        #expect(Self.count("\"logprob\"", in: events) == 2)
        #expect(Self.count("content_filter_results", in: events) == 1)
    }

    @Test func namesWithEscapesAreNotTakenForOthers() throws {
        let events = try Self.relay([
            Self.chunk(
                Self.call("functions.get_weather", #""{}""#),
                #""log\u0070robs":\#(Self.logprobs("a")),"finish_re\u0061son":null,"x\n":1"#)
        ])
        let told = try #require(events.last)
        #expect(told.contains(#","logprobs":\#(Self.logprobs("a")),"x\n":1,"finish_reason":null"#))
    }

    /// A chunk is one line when it leaves.
    @Test func linesOfAnUpstreamAreJoined() throws {
        let chunk = Self.chunk(
            Self.call("functions.get_weather", #""{}""#),
            "\"logprobs\":{\"content\":\n[1,\r\n2]}")
        let text = "{\"x_top\":[\n1],\(chunk.dropFirst())"
        let lines = text.replacing("\r\n", with: "\n").split(separator: "\n")
        let bytes = Array((lines.map { "data: \($0)\n" }.joined() + "\n").utf8)
        let whole = try Self.relay([bytes[...]])
        #expect(whole.contains(#"{"x_top":[ 1],"id""#))
        #expect(whole.contains(#""logprobs":{"content": [1, 2]}"#))
        #expect(whole.split(separator: "\n").allSatisfy { $0.hasPrefix("data: {") })
    }

    @Test func heldCallsLoseNothing() throws {
        let events = try Self.relay(Self.stream, mode: .hold)
        for token in ["a", "b", "c", "d"] {
            #expect(Self.count(Self.logprobs(token), in: events) == 1)
        }
        #expect(Self.count("x_more", in: events) == 1)
    }
}
