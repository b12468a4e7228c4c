// ConversationTests.swift — the bound on conversations that the gateway keeps, and on others if asked.

import GatewayExchange
import Testing

@Suite struct ConversationTests {
    private static let said =
        #"{"id":"c","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"#
        + #""message":{"role":"assistant","content":"Yes."},"finish_reason":"stop"}]}"#

    private static func roles(_ body: String) -> [String] {
        (0..<9).compactMap { Answer.value(of: body, ["messages", "\($0)", "role"]) }
    }

    @Test func whatTheGatewayKeepsIsBounded() throws {
        var settings = StageSettings()
        settings.storesResponses = true
        settings.history.messagesMax = 3
        let stage = try GatewayStage(settings)
        stage.upstream.answers = [.body(Self.said)]
        var previous = ""
        for _ in 0..<4 {
            let answer = try stage.ask(
                GatewayStage.post(
                    #"{"model":"quirky/m","input":"And?"\#(previous)}"#, to: "/v1/responses"))
            let id = try #require(answer.json("id"))
            previous = #","previous_response_id":"\#(id)""#
        }
        #expect(
            stage.upstream.bodies.map(Self.roles) == [
                ["user"], ["user", "assistant", "user"], ["user", "assistant", "user"],
                ["user", "assistant", "user"],
            ])
        stage.finish()
    }

    @Test(arguments: [false, true])
    func whatClientsSendIsBoundedWhereItIsSaid(bounds: Bool) throws {
        var settings = StageSettings()
        settings.history.messagesMax = 2
        settings.history.boundsClients = bounds
        let stage = try GatewayStage(settings)
        stage.upstream.answers = [.body(Self.said)]
        let turn = #"{"role":"user","content":"a"}"#
        _ = try stage.ask(
            GatewayStage.post(
                #"{"model":"quirky/m","messages":[{"role":"system","content":"s"},\#(turn),\#(turn),"#
                    + #"\#(turn)]}"#))
        #expect(
            Self.roles(stage.upstream.bodies[0])
                == (bounds ? ["system", "user"] : ["system", "user", "user", "user"]))
        stage.finish()
    }
}
