import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct ToolCallRepairTests {
    /// `name|arguments piece|...` calls as a provider's events, all of choice 0.
    struct Call {
        var id = "call_1"
        var name = "get_weather"
        var pieces: [String] = []
        var isCustom = false
    }

    private func request(_ json: String, _ body: (ModelRequest) throws -> Void) throws {
        let bytes = Array(json.utf8)
        try bytes.withUnsafeBytes {
            let tree = try JSONArena().read(ByteSlice($0))
            try body(RequestSketch.read(tree.root))
        }
    }

    static let two = """
        {"tools":[{"name":"get_weather","parameters":{"type":"object","properties":{"city":{}},\
        "required":["city"]}},{"name":"search","parameters":{"type":"object",\
        "properties":{"query":{}},"required":["query"]}}]}
        """

    private func run(
        _ calls: [Call], _ mode: ToolCallRepair.Mode = .stream, tools: String = two,
        reason: FinishReason = .toolCalls
    ) throws -> (log: String, counts: RepairCounts) {
        var log = EventLog()
        var counts = RepairCounts()
        try request(tools) { request in
            var repair = ToolCallRepair(request, mode: mode, seed: 1)
            let hear: (ModelEvent) -> Void = { log.add($0) }
            repair.pass(.started(AnswerStart()), hear)
            for call in calls {
                call.id.withByteSlice { id in
                    call.name.withByteSlice { name in
                        repair.pass(
                            .partOpened(
                                choice: 0, .toolCall(id: id, name: name, isCustom: call.isCustom)),
                            hear)
                    }
                }
                for piece in call.pieces {
                    piece.withByteSlice { repair.pass(.delta(choice: 0, $0), hear) }
                }
                repair.pass(.partClosed(choice: 0), hear)
            }
            repair.pass(.finished(choice: 0, Finish(reason)), hear)
            repair.pass(.ended, hear)
            counts = repair.counts
        }
        #expect(log.isOver && !log.text.contains("!"))
        return (
            log.lines.dropFirst().dropLast(2).joined(separator: "\n"), counts
        )
    }

    @Test func goodCallsPassAsTheyAre() throws {
        let calls = [
            Call(pieces: [#"{"ci"#, #"ty":"Oslo"}"#]),
            Call(id: "call_2", name: "search", pieces: ["{}"]),
            Call(id: "call_3", name: "unknown_tool", pieces: ["{}"]),
        ]
        for mode in [ToolCallRepair.Mode.stream, .hold] {
            let (log, counts) = try run(calls, mode)
            let deltas =
                mode == .stream
                ? "0 delta \"{\\\"ci\"\n0 delta \"ty\\\":\\\"Oslo\\\"}\""
                : "0 delta \"{\\\"city\\\":\\\"Oslo\\\"}\""
            #expect(
                log == """
                    0 open tool call id="call_1" name="get_weather"
                    \(deltas)
                    0 close
                    0 open tool call id="call_2" name="search"
                    0 delta "{}"
                    0 close
                    0 open tool call id="call_3" name="unknown_tool"
                    0 delta "{}"
                    0 close
                    """)
            #expect(counts.isEmpty)
        }
    }

    @Test func closesWhatIsOpenWithOneDelta() throws {
        let (log, counts) = try run([Call(pieces: [#"{"city":"Os"#])])
        #expect(log.hasSuffix("0 delta \"{\\\"city\\\":\\\"Os\"\n0 delta \"\\\"}\"\n0 close"))
        #expect(counts[.closed] == 1 && counts.mendedJSON)
    }

    @Test func noArgumentsAreAnEmptyObjectAndNoFault() throws {
        for mode in [ToolCallRepair.Mode.stream, .hold] {
            let (log, counts) = try run([Call()], mode)
            #expect(log.hasSuffix("0 delta \"{}\"\n0 close"))
            #expect(counts.isEmpty)
        }
    }

    @Test func namesAreResolvedInTheEventThatOpensTheCall() throws {
        let (log, counts) = try run([Call(name: "functions.GetWeather", pieces: ["{}"])])
        #expect(log.hasPrefix("0 open tool call id=\"call_1\" name=\"get_weather\"\n"))
        #expect(counts[.name] == 1)
    }

    @Test func idsAreMadeAndUnique() throws {
        let (log, counts) = try run([
            Call(id: "", pieces: ["{}"]), Call(id: "same", pieces: ["{}"]),
            Call(id: "same", pieces: ["{}"]),
        ])
        let ids = log.split(separator: "\n").filter { $0.contains("open") }
            .compactMap { $0.split(separator: "\"").dropFirst().first }
        #expect(Set(ids).count == 3)
        #expect(ids[0].hasPrefix("call_") && ids[0].count == 29 && ids[1] == "same")
        #expect(counts[.id] == 2)
    }

    @Test func aStreamedCallWithoutANameGoesOnAsText() throws {
        let (log, counts) = try run([Call(name: "", pieces: [#"{"city":"Oslo"}"#])])
        #expect(log == "0 open text\n0 delta \"{\\\"city\\\":\\\"Oslo\\\"}\"\n0 close")
        #expect(counts[.text] == 1)
        var whole = EventLog()
        try request(Self.two) { request in
            var repair = ToolCallRepair(request, mode: .stream, seed: 1)
            for event: ModelEvent in [
                .started(AnswerStart()),
                .partOpened(
                    choice: 0, .toolCall(id: .empty, name: .empty, isCustom: false)),
                .partClosed(choice: 0), .finished(choice: 0, Finish(.toolCalls)), .ended,
            ] { repair.pass(event) { whole.add($0) } }
        }
        #expect(whole.text.contains("0 finished stop"))
    }

    @Test func aHeldCallWithoutANameIsToldByItsArguments() throws {
        let (log, counts) = try run([Call(name: "", pieces: [#"{"query":"x"}"#])], .hold)
        #expect(log.hasPrefix("0 open tool call id=\"call_1\" name=\"search\"\n"))
        #expect(counts[.name] == 1 && counts[.text] == 0)
    }

    @Test func aHeldCallIsMendedWhole() throws {
        let (log, counts) = try run(
            [Call(pieces: ["```json\n{'city': 'Os", "lo',}\n```"])], .hold)
        #expect(log.hasSuffix("0 delta \"{\\\"city\\\":\\\"Oslo\\\"}\"\n0 close"))
        #expect(counts[.extracted] + counts[.syntax] == 1)
    }

    @Test func aHeldCallBeyondRepairGoesOnAsText() throws {
        let (log, counts) = try run([Call(pieces: ["no idea"])], .hold)
        #expect(log == "0 open text\n0 delta \"get_weather no idea\"\n0 close")
        #expect(counts[.text] == 1)
    }

    @Test func aCallTooLongToBeHeldGoesOn() throws {
        let piece = String(repeating: "x", count: 1 << 19)
        let (log, counts) = try run([Call(pieces: [#"{"city":""#, piece, piece, piece])], .hold)
        #expect(log.hasSuffix("0 delta \"\\\"}\"\n0 close"))
        #expect(counts[.closed] == 1)
    }

    @Test func aCustomToolsInputIsNoJSON() throws {
        let (log, counts) = try run([Call(pieces: ["{ not json"], isCustom: true)], .hold)
        #expect(log.contains("0 delta \"{ not json\"\n0 close"))
        #expect(counts.isEmpty)
    }

    @Test func choicesDoNotDisturbEachOther() throws {
        var log = EventLog()
        try request(Self.two) { request in
            var repair = ToolCallRepair(request, mode: .stream, seed: 1)
            for event: ModelEvent in [
                .started(AnswerStart()),
                .partOpened(
                    choice: 0,
                    .toolCall(id: ByteSlice("a"), name: ByteSlice("search"), isCustom: false)),
                .partOpened(
                    choice: 1,
                    .toolCall(id: ByteSlice("b"), name: ByteSlice("search"), isCustom: false)),
                .delta(choice: 1, ByteSlice("[")), .delta(choice: 0, ByteSlice("{\"q\":")),
                .partClosed(choice: 1), .partClosed(choice: 0),
            ] { repair.pass(event) { log.add($0) } }
        }
        #expect(
            log.lines.suffix(5) == [
                #"0 delta "{\"q\":""#, #"1 delta "]""#, "1 close", #"0 delta "null}""#, "0 close",
            ])
    }

    @Test func saysItsCounts() {
        var counts = RepairCounts()
        counts.count(.name)
        counts.count(.closed)
        counts.count(.closed)
        var buffer = ByteBuffer()
        counts.append(to: &buffer)
        #expect(buffer.string == "name=1, closed=2")
    }
}
