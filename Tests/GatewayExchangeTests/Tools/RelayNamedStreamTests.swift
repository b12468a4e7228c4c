// RelayNamedStreamTests.swift — tool calls in streams of Anthropic's Messages and OpenAI's responses that
// are relayed: event for event where nothing is wrong, and set right where something is.

import GatewayExchange
import Testing

@Suite struct RelayNamedStreamTests {
    /// What one stream made of the events of another.
    private struct Relayed {
        var events: [String]
        var repairs: String?
    }

    private func relay(_ events: [String], at door: String, tools: [String]) throws -> Relayed {
        let stage = try GatewayStage()
        stage.upstream.answers = [.events(events)]
        let isMessages = door == "messages"
        let list = tools.map {
            isMessages
                ? #"{"name":"\#($0)","input_schema":{"type":"object"}}"#
                : #"{"type":"function","name":"\#($0)","parameters":{}}"#
        }.joined(separator: ",")
        let body =
            isMessages
            ? #"{"model":"claude/m","max_tokens":9,"stream":true,"tools":[\#(list)],"messages":[{"role":"user","content":"x"}]}"#
            : #"{"model":"newer/m","stream":true,"tools":[\#(list)],"input":"x"}"#
        let answer = try stage.ask(GatewayStage.post(body, to: "/v1/\(door)"))
        #expect(answer.status == 200)
        #expect(answer.fields["x-gateway-repairs"] == nil)
        let repairs = stage.logged("repairs")
        stage.finish()
        let told = answer.body.split(separator: "\n\n").map { event in
            let lines = event.split(separator: "\n")
            let data = String(lines[1].dropFirst(6))
            #expect(lines[0] == "event: \(Answer.value(of: data, ["type"]) ?? "")")
            return data
        }
        return Relayed(events: told, repairs: repairs)
    }

    // MARK: Messages

    private static let messageStart =
        #"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"#
        + #""model":"m","stop_reason":null,"usage":{"input_tokens":5,"output_tokens":1}}}"#
    private static let messageStop = #"{"type":"message_stop"}"#

    private static func start(_ index: Int, _ id: String, _ name: String) -> String {
        #"{"type":"content_block_start","index":\#(index),"content_block":{"type":"tool_use","id":"\#(id)","name":"\#(name)","input":{}}}"#
    }

    private static func piece(_ index: Int, _ json: String) -> String {
        #"{"type":"content_block_delta","index":\#(index),"delta":{"type":"input_json_delta","partial_json":"\#(json)"}}"#
    }

    private static func stop(_ index: Int) -> String {
        #"{"type":"content_block_stop","index":\#(index)}"#
    }

    private static func messageEnd(_ reason: String) -> String {
        #"{"type":"message_delta","delta":{"stop_reason":"\#(reason)","stop_sequence":null},"usage":{"output_tokens":9}}"#
    }

    private static func message(_ blocks: [String], _ reason: String = "tool_use") -> [String] {
        [messageStart] + blocks + [messageEnd(reason), messageStop]
    }

    /// Two calls, the first in pieces, the second without arguments.
    private static let good = message([
        #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"a"}}"#,
        stop(0), start(1, "toolu_1", "get_weather"), piece(1, ""), piece(1, #"{\"city\""#),
        piece(1, #": \"Oslo\"}"#), stop(1), start(2, "toolu_2", "find_flight"), stop(2),
    ])

    @Test func aGoodMessageLeavesEventForEvent() throws {
        let told = try relay(Self.good, at: "messages", tools: ["get_weather", "find_flight"])
        #expect(told.events == Self.good)
        #expect(told.repairs == nil)
    }

    @Test func whatIsMendedInAMessageIsNothingElse() throws {
        let first = [
            Self.start(0, "toolu_1", "functions.get_weather"), Self.piece(0, #"{\"city\": \"Os"#),
            Self.stop(0),
        ]
        let second = [Self.start(1, "toolu_1", "find_flight"), Self.piece(1, "{}"), Self.stop(1)]
        let told = try relay(
            Self.message(first + second), at: "messages", tools: ["get_weather", "find_flight"])
        let events = told.events
        #expect(told.repairs == "name=1, id=1, closed=1")
        #expect(events.count == 10)
        #expect(events[1] == Self.start(0, "toolu_1", "get_weather"))
        #expect(events[2] == first[1])
        #expect(events[3] == Self.piece(0, #"\"}"#))
        #expect(events[4] == Self.stop(0))
        let id = Answer.value(of: events[5], ["content_block", "id"])
        #expect(id?.hasPrefix("call_") == true)
        #expect(events[5] == Self.start(1, id ?? "", "find_flight"))
        #expect(
            Array(events[6...]) == [
                second[1], second[2], Self.messageEnd("tool_use"), Self.messageStop,
            ])
    }

    @Test func aCallThatNobodyCanNameIsTextInAMessage() throws {
        let told = try relay(
            Self.message([Self.start(0, "toolu_1", ""), Self.piece(0, #"{\"a\":1}"#), Self.stop(0)]
            ),
            at: "messages", tools: ["get_weather", "find_flight"])
        #expect(told.repairs == "text=1")
        #expect(
            told.events == [
                Self.messageStart,
                #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
                #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"a\":1}"}}"#,
                Self.stop(0), Self.messageEnd("end_turn"), Self.messageStop,
            ])
    }

    @Test func anIDThatIsMissingIsMade() throws {
        let block =
            #"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"get_weather","input":{}}}"#
        let told = try relay(
            Self.message([block, Self.piece(0, "{}"), Self.stop(0)]), at: "messages",
            tools: ["get_weather"])
        #expect(told.repairs == "id=1")
        #expect(
            Answer.value(of: told.events[1], ["content_block", "id"])?.hasPrefix("call_") == true)
    }

    // MARK: Responses

    private static func item(
        _ name: String, _ arguments: String, _ status: String, id: String = "call_1"
    ) -> String {
        #"{"id":"fc_1","type":"function_call","status":"\#(status)","arguments":"\#(arguments)","call_id":"\#(id)","name":"\#(name)"}"#
    }

    /// A stream with one call: its name and its arguments as they are told at the beginning, in pieces,
    /// and as a whole.
    private static func response(
        _ name: String, pieces: [String], whole: String, extra: (Int, String)? = nil,
        told: String? = nil
    ) -> [String] {
        var events = [
            #"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress","output":[]}}"#,
            #"{"type":"response.output_item.added","output_index":0,"item":\#(item(name, "", "in_progress")),"sequence_number":1}"#,
        ]
        var number = 1
        func add(_ event: (Int) -> String) {
            number += 1
            events.append(event(number))
        }
        for piece in pieces {
            add {
                #"{"type":"response.function_call_arguments.delta","sequence_number":\#($0),"item_id":"fc_1","output_index":0,"delta":"\#(piece)"}"#
            }
        }
        let arguments = told ?? whole
        add {
            #"{"type":"response.function_call_arguments.done","sequence_number":\#($0),"item_id":"fc_1","output_index":0,"arguments":"\#(arguments)"}"#
        }
        add {
            #"{"type":"response.output_item.done","output_index":0,"item":\#(item(name, arguments, "completed")),"sequence_number":\#($0)}"#
        }
        add {
            #"{"type":"response.completed","sequence_number":\#($0),"response":{"id":"resp_1","status":"completed","service_tier":"default","output":[\#(item(name, arguments, "completed"))],"usage":{"input_tokens":5,"output_tokens":3,"total_tokens":8}}}"#
        }
        return events
    }

    @Test func aGoodResponseLeavesEventForEvent() throws {
        let events = Self.response(
            "get_weather", pieces: [#"{\"city\""#, ": 1.0}"], whole: #"{\"city\": 1.0}"#)
        let told = try relay(events, at: "responses", tools: ["get_weather"])
        #expect(told.events == events)
        #expect(told.repairs == nil)
    }

    @Test func aNameIsSetRightWhereverItStands() throws {
        let told = try relay(
            Self.response("GetWeather", pieces: ["{}"], whole: "{}"), at: "responses",
            tools: ["get_weather", "book"])
        #expect(told.events == Self.response("get_weather", pieces: ["{}"], whole: "{}"))
        #expect(told.repairs == "name=1")
    }

    @Test func openArgumentsAreClosedByOneMorePiece() throws {
        let open = #"{\"city\": [1"#
        let told = try relay(
            Self.response("get_weather", pieces: [#"{\"city\""#, ": [1"], whole: open),
            at: "responses", tools: ["get_weather"])
        let wanted = Self.response(
            "get_weather", pieces: [#"{\"city\""#, ": [1", "]}"], whole: open + "]}")
        #expect(told.events.count == wanted.count)
        for (index, event) in told.events.enumerated() where index != 4 {
            #expect(event == wanted[index])
        }
        let added = told.events[4]
        #expect(Answer.value(of: added, ["type"]) == "response.function_call_arguments.delta")
        #expect(Answer.value(of: added, ["sequence_number"]) == "4")
        #expect(Answer.value(of: added, ["item_id"]) == "fc_1")
        #expect(Answer.value(of: added, ["output_index"]) == "0")
        #expect(Answer.value(of: added, ["delta"]) == "]}")
        #expect(told.repairs == "closed=1")
    }

    /// What was sent in pieces cannot be taken back; the whole that agents act upon is right.
    @Test func whatIsToldAsAWholeIsRepairedAsAWhole() throws {
        let told = try relay(
            Self.response("get_weather", pieces: ["{'city':", " 1}"], whole: "{'city': 1}"),
            at: "responses", tools: ["get_weather"])
        let wanted = Self.response(
            "get_weather", pieces: ["{'city':", " 1}"], whole: "", told: #"{\"city\":1}"#)
        #expect(told.events == wanted)
        #expect(told.repairs == "syntax=1")
    }

    @Test func noArgumentsAreAnEmptyObject() throws {
        let told = try relay(
            Self.response("get_weather", pieces: [], whole: ""), at: "responses",
            tools: ["get_weather"])
        let wanted = Self.response("get_weather", pieces: ["{}"], whole: "{}")
        #expect(told.events.count == wanted.count)
        #expect(Array(told.events[3...]) == Array(wanted[3...]))
        #expect(told.repairs == nil)
    }

    /// Some servers tell calls in their last event only.
    @Test func aCallThatOnlyTheEndTellsIsRepairedThere() throws {
        let events = Self.response("getWeather", pieces: [], whole: "{'a': 1}")
        let few = [events[0], events[4]]
        let told = try relay(few, at: "responses", tools: ["get_weather"])
        let wanted = Self.response("get_weather", pieces: [], whole: #"{\"a\":1}"#)
        #expect(told.events == [wanted[0], wanted[4]])
        #expect(told.repairs == "name=1, syntax=1")
    }

    /// The dialect tells text by a message, with a part in it.
    @Test func aCallThatNobodyCanNameIsAMessageInAResponse() throws {
        let events = Self.response("", pieces: ["{'a'", ": 1"], whole: "{'a': 1")
        let told = try relay(events, at: "responses", tools: ["get_weather", "book"])
        #expect(
            told.events.map { Answer.value(of: $0, ["type"]) } == [
                "response.created", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.delta",
                "response.output_text.done", "response.content_part.done",
                "response.output_item.done", "response.completed",
            ])
        #expect(
            told.events.map { Answer.value(of: $0, ["sequence_number"]) }
                == (0..<9).map { "\($0)" })
        for event in told.events[2...6] {
            #expect(Answer.value(of: event, ["item_id"]) == "fc_1")
            #expect(Answer.value(of: event, ["output_index"]) == "0")
            #expect(Answer.value(of: event, ["content_index"]) == "0")
        }
        let part = #"{"type":"output_text","text":"{'a': 1","annotations":[]}"#
        let item =
            #"{"id":"fc_1","type":"message","status":"completed","role":"assistant","content":[\#(part)]}"#
        #expect(
            told.events[1].contains(
                #"{"id":"fc_1","type":"message","status":"in_progress","role":"assistant","content":[]}"#
            ))
        #expect(told.events[2].contains(#""text":"""#))
        #expect(Answer.value(of: told.events[3], ["delta"]) == "{'a'")
        #expect(Answer.value(of: told.events[5], ["text"]) == "{'a': 1")
        #expect(told.events[6].contains(part))
        #expect(told.events[7].contains(item))
        let last = events[events.count - 1]
            .replacing(Self.item("", "{'a': 1", "completed"), with: item)
            .replacing(#""sequence_number":6"#, with: #""sequence_number":8"#)
        #expect(told.events[8] == last)
        #expect(told.repairs == "text=1")
    }

    /// Its pieces are told behind its end, and a call that is known goes on as one.
    @Test func aMessageInPlaceOfACallIsWholeWhateverIsLeftOut() throws {
        let events = Self.response("", pieces: [], whole: "{'a'")
        let few = [events[0], events[3], events[4]]
        let told = try relay(few, at: "responses", tools: ["get_weather", "book"])
        #expect(
            told.events.map { Answer.value(of: $0, ["type"]) } == [
                "response.created", "response.output_item.added", "response.content_part.added",
                "response.output_text.delta", "response.output_text.done",
                "response.content_part.done", "response.output_item.done", "response.completed",
            ])
        // The first two of those six stand for events that never came.
        #expect(
            told.events[1...].map { Answer.value(of: $0, ["sequence_number"]) }
                == (3...9).map { "\($0)" })
        #expect(Answer.value(of: told.events[3], ["delta"]) == "{'a'")
        #expect(told.repairs == "text=1")
    }

    @Test func freeTextThatNobodyCanNameIsAMessage() throws {
        let item =
            #"{"id":"ctc_1","type":"custom_tool_call","call_id":"c","name":"","input":"STATE"}"#
        let events = [
            #"{"type":"response.output_item.added","output_index":1,"item":\#(item.replacing("STATE", with: ""))}"#,
            #"{"type":"response.custom_tool_call_input.delta","item_id":"ctc_1","output_index":1,"delta":"ls"}"#,
            #"{"type":"response.custom_tool_call_input.done","item_id":"ctc_1","output_index":1,"input":"ls"}"#,
            #"{"type":"response.output_item.done","output_index":1,"item":\#(item.replacing("STATE", with: "ls"))}"#,
            #"{"type":"response.completed","response":{"id":"r","output":[{"type":"reasoning"},\#(item.replacing("STATE", with: "ls"))]}}"#,
        ]
        let told = try relay(events, at: "responses", tools: ["get_weather", "book"])
        #expect(Answer.value(of: told.events[2], ["delta"]) == "ls")
        #expect(Answer.value(of: told.events[3], ["text"]) == "ls")
        #expect(Answer.value(of: told.events[5], ["item", "content", "0", "text"]) == "ls")
        #expect(
            Answer.value(of: told.events[6], ["response", "output", "1", "type"]) == "message")
        #expect(told.repairs == "text=1")
    }
}
