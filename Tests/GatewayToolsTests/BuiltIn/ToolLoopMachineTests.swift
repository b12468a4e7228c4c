import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct ToolLoopMachineTests {
    private let context = BuiltInContext(nowSeconds: 1_700_000_000) { _ in nil }

    private func usage(_ input: Int, _ output: Int) -> ModelEvent {
        var usage = Usage()
        usage.inputTokens = input
        usage.outputTokens = output
        usage.totalTokens = input + output
        return .usage(usage)
    }

    private func call(_ id: StaticString, _ name: StaticString, _ arguments: StaticString)
        -> [ModelEvent]
    {
        [
            .partOpened(
                choice: 0, .toolCall(id: ByteSlice(id), name: ByteSlice(name), isCustom: false)),
            .delta(choice: 0, ByteSlice(arguments)), .partClosed(choice: 0),
        ]
    }

    private func text(_ text: StaticString) -> [ModelEvent] {
        [
            .partOpened(choice: 0, .text), .delta(choice: 0, ByteSlice(text)),
            .partClosed(choice: 0),
        ]
    }

    private func round(_ events: [ModelEvent], _ reason: FinishReason) -> [ModelEvent] {
        [.started(AnswerStart(id: ByteSlice("r")))] + events
            + [.finished(choice: 0, Finish(reason)), usage(10, 5), .ended]
    }

    private func machine(_ request: inout ModelRequest, roundsMax: Int = 8) -> ToolLoopMachine {
        let machine = ToolLoopMachine(
            names: [ByteSlice("calculate"), ByteSlice("get_time")], roundsMax: roundsMax)
        #expect(machine.begin(&request))
        return machine
    }

    @Test func runsCallsAndTellsOneAnswer() {
        var request = ModelRequest()
        request.append(.user, [ContentPart(.text(ByteSlice("15 + 27 * 3?")))])
        let machine = machine(&request)
        #expect(request.tools.count == 2)
        var log = EventLog()
        let first = round(
            text("Let me see.") + call("c1", "calculate", #"{"expression":"15 + 27 * 3"}"#),
            .toolCalls)
        for event in first { machine.pass(event) { log.add($0) } }
        #expect(machine.wantsRound)
        machine.extend(&request, context)
        #expect(request.messages.map(\.role) == [.user, .assistant, .tool])
        let result = request.parts(of: request.messages[2]).first?.content
        if case .text(let text)? = result {
            #expect(text.string == #"{"expression":"15 + 27 * 3","result":96}"#)
        } else {
            Issue.record("no result")
        }
        #expect(request.messages[2].result.map { $0.callID == "c1" && !$0.isError } == true)
        for event in round(text("It is 96."), .stop) { machine.pass(event) { log.add($0) } }
        #expect(!machine.wantsRound)
        #expect(
            log.text == """
                started id="r" model=""
                0 open text
                0 delta "Let me see."
                0 close
                0 open text
                0 delta "It is 96."
                0 close
                0 finished stop
                usage input=20 output=10 total=30 cached=0 cacheWrite=0 reasoning=0
                ended
                """)
        #expect(machine.rounds == 2 && machine.callCount == 1)
    }

    @Test func theCallersOwnCallsArePassedBack() {
        var request = ModelRequest()
        request.tools = [
            ToolDefinition(name: ByteSlice("search"), kind: .function(parameters: nil))
        ]
        let machine = machine(&request)
        var log = EventLog()
        let events = round(
            call("c1", "calculate", "{}") + call("c2", "search", "{}"), .toolCalls)
        for event in events { machine.pass(event) { log.add($0) } }
        #expect(!machine.wantsRound)
        #expect(!log.text.contains("calculate") && log.text.contains(#"name="search""#))
        #expect(log.text.contains("0 finished toolCalls") && log.isOver)
    }

    @Test func aToolOfTheCallersIsNeverReplaced() {
        var request = ModelRequest()
        request.tools = [
            ToolDefinition(name: ByteSlice("calculate"), kind: .function(parameters: nil))
        ]
        let machine = machine(&request)
        #expect(request.tools.count == 2)
        var log = EventLog()
        for event in round(call("c1", "calculate", "{}"), .toolCalls) {
            machine.pass(event) { log.add($0) }
        }
        #expect(!machine.wantsRound && log.text.contains(#"name="calculate""#))
    }

    @Test func roundsAreBounded() {
        var request = ModelRequest()
        request.toolChoice = ToolChoice(.required)
        let machine = machine(&request, roundsMax: 3)
        var log = EventLog()
        for number in 1...3 {
            for event in round(call("c", "calculate", #"{"expression":"1"}"#), .toolCalls) {
                machine.pass(event) { log.add($0) }
            }
            #expect(machine.wantsRound == (number < 3))
            guard machine.wantsRound else { break }
            machine.extend(&request, context)
            // The last round is without tools, so that it answers.
            #expect(request.tools.count == (number == 2 ? 0 : 2))
            if number == 1, case .auto? = request.toolChoice?.mode {
            } else {
                #expect(number == 2 && request.toolChoice == nil)
            }
        }
        #expect(machine.rounds == 3)
        #expect(log.lines.suffix(3).first == "0 finished stop" && log.isOver)
    }

    @Test func failuresAreToldToTheModel() {
        var request = ModelRequest()
        let machine = machine(&request)
        let events = round(
            call("a", "calculate", #"{"expression":"1/0"}"#) + call("b", "calculate", "[]")
                + call("c", "get_time", #"{"timezone":"Nowhere/City"}"#)
                + call("d", "get_time", #"{"timezone":"+02:00"}"#), .toolCalls)
        for event in events { machine.pass(event) { _ in } }
        machine.extend(&request, context)
        let results = request.messages.compactMap { message -> String? in
            guard let result = message.result,
                case .text(let text)? = request.parts(of: message).first?.content
            else { return nil }
            return "\(result.isError) \(text.string)"
        }
        #expect(
            results == [
                "true No result: a division by zero, at byte 3.",
                "true The arguments are no JSON object.",
                "true The time zone is not known. Use a name such as Europe/Oslo or an offset "
                    + "such as +02:00.",
                #"false {"time":"2023-11-15T00:13:20+02:00","weekday":"Wednesday","timezone":"#
                    + #""+02:00","utc_offset":"+02:00","daylight_saving":false,"unix":1700000000}"#,
            ])
    }

    @Test func aFailureEndsTheLoop() {
        var request = ModelRequest()
        let machine = machine(&request)
        var log = EventLog()
        for event in round(call("a", "calculate", "{}"), .toolCalls) {
            machine.pass(event) { log.add($0) }
        }
        machine.extend(&request, context)
        machine.pass(.started(AnswerStart())) { log.add($0) }
        machine.pass(.failed(Failure(.upstreamCut, "It stopped."))) { log.add($0) }
        #expect(log.isOver && !machine.wantsRound)
        #expect(log.text.contains("usage input=10"))
    }

    @Test func aCutRoundIsTheLast() {
        var request = ModelRequest()
        let machine = machine(&request)
        var log = EventLog()
        for event in round(call("a", "calculate", "{\"expr"), .length) {
            machine.pass(event) { log.add($0) }
        }
        #expect(!machine.wantsRound && log.text.contains("0 finished length"))
    }

    @Test func severalChoicesAndNoToolsAreNotLooped() {
        var request = ModelRequest()
        request.choiceCount = 2
        #expect(!ToolLoopMachine(names: [ByteSlice("calculate")]).begin(&request))
        request.choiceCount = 1
        #expect(!ToolLoopMachine(names: [ByteSlice("unknown")]).begin(&request))
        request.toolChoice = ToolChoice(.none)
        #expect(!ToolLoopMachine(names: [ByteSlice("calculate")]).begin(&request))
        #expect(request.tools.isEmpty)
    }
}
