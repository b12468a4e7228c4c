// ScannedDetailsTests.swift — the places that a trace is told of, at every door.

import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ScannedDetailsTests {
    private func places(_ door: AnswerDoor, _ body: String) throws -> [String] {
        try body.withByteSlice { bytes throws in
            let scan = try door.scan(bytes)
            let details = scan.details
            return [
                details.content, details.system, details.metadata, details.temperature,
                details.topP,
            ].map { $0.slice(of: bytes).string } + [scan.user.map { bytes[$0].string } ?? ""]
        }
    }

    @Test func everyDoorNotesThem() throws {
        #expect(
            try places(
                .chat,
                #"{"model":"m","messages":[1],"metadata":{"a":"b"},"temperature":0.5,"top_p":1,"user":"u"}"#
            ) == ["[1]", "", #"{"a":"b"}"#, "0.5", "1", #""u""#])
        #expect(
            try places(
                .messages,
                #"{"system":"s","model":"m","messages":[2],"top_p":2,"metadata":{"user_id":"u"},"temperature":1e0}"#
            ) == ["[2]", #""s""#, #"{"user_id":"u"}"#, "1e0", "2", #""u""#])
        #expect(
            try places(
                .responses,
                #"{"model":"m","input":"i","instructions":"s","metadata":{},"temperature":0,"top_p":0.1,"user":"u"}"#
            ) == [#""i""#, #""s""#, "{}", "0", "0.1", #""u""#])
        #expect(
            try places(
                .completions,
                #"{"model":"m","prompt":"p","metadata":{},"temperature":0,"top_p":0.1,"user":"u"}"#
            ) == [#""p""#, "", "{}", "0", "0.1", #""u""#])
    }

    /// What the gateway does not act upon it does not judge.
    @Test func nothingOfThemIsChecked() throws {
        #expect(
            try places(
                .chat,
                #"{"model":"m","metadata":7,"temperature":"hot","top_p":{},"temperature":2,"messages":[1],"metadata":[]}"#
            ) == ["[1]", "", "", "2", "", ""])
        #expect(
            try places(
                .messages,
                #"{"model":"m","system":1,"system":[2],"temperature":null,"messages":[1],"metadata":8}"#
            ) == ["[1]", "[2]", "", "", "", ""])
    }
}
