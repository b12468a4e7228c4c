// ToolTalk.swift — requests with tools, and answers of chat upstreams whose calls are broken in one way
// or another. For the tests of tools in the exchange.

import ReactorCore

enum ToolTalk {
    static func tool(_ name: String) -> String {
        #"{"type":"function","function":{"name":"\#(name)","parameters":{"type":"object","#
            + #""properties":{"city":{"type":"string"}}}}}"#
    }

    /// A chat request that offers tools.
    static func ask(
        _ model: String, stream: Bool = false, tools: [String] = ["get_weather", "find_flight"],
        fields: String = "", more: String = ""
    ) -> String {
        let list = tools.map(tool).joined(separator: ",")
        return GatewayStage.post(
            #"{"model":"\#(model)","stream":\#(stream)\#(more),"tools":[\#(list)],"#
                + #""messages":[{"role":"user","content":"Weather?"}]}"#, fields: fields)
    }

    /// A call as an answer spells it; `arguments` is JSON.
    static func call(
        _ name: String?, _ arguments: String, id: String? = "call_1", index: Int? = nil
    ) -> String {
        var members: [String] = []
        if let index { members.append(#""index":\#(index)"#) }
        if let id { members.append(#""id":"\#(id)""#) }
        members.append(#""type":"function""#)
        let spelled = name.map { #""name":"\#($0)","# } ?? ""
        members.append(#""function":{\#(spelled)"arguments":\#(arguments)}"#)
        return "{" + members.joined(separator: ",") + "}"
    }

    /// A whole answer with these calls.
    static func answer(_ calls: String...) -> String {
        #"{"id":"chatcmpl-up","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"#
            + #""message":{"role":"assistant","content":null,"tool_calls":["#
            + calls.joined(separator: ",")
            + #"]},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":5,"#
            + #""completion_tokens":3,"total_tokens":8}}"#
    }

    static func chunk(_ delta: String, finish: String? = nil) -> String {
        #"{"id":"chatcmpl-up","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"#
            + #""index":0,"delta":\#(delta),"finish_reason":"#
            + (finish.map { "\"\($0)\"" } ?? "null") + "}]}"
    }

    static func calls(_ calls: String...) -> String {
        chunk(#"{"tool_calls":[\#(calls.joined(separator: ","))]}"#)
    }

    /// More arguments of a call; `piece` is a JSON string.
    static func more(_ piece: String, index: Int = 0) -> String {
        calls(#"{"index":\#(index),"function":{"arguments":\#(piece)}}"#)
    }

    static let role = chunk(#"{"role":"assistant","content":null}"#)
    static let end = chunk("{}", finish: "tool_calls")

    /// One call, put together of a stream's chunks.
    struct Call: Equatable, CustomStringConvertible {
        var id = ""
        var name = ""
        var arguments = ""

        var description: String { "\(name)(\(arguments)) id=\(id)" }
    }

    /// What a client's accumulator makes of a stream.
    struct Whole: Equatable {
        var calls: [Call] = []
        var text = ""
        var roles = 0
        var finish: String?
    }

    static func accumulate(_ answer: Answer) -> Whole {
        var whole = Whole()
        for event in answer.events where event != "[DONE]" {
            func value(_ path: String...) -> String? {
                Answer.value(of: event, ["choices", "0"] + path)
            }
            if value("delta", "role") != nil { whole.roles += 1 }
            whole.text += value("delta", "content") ?? ""
            whole.finish = value("finish_reason") ?? whole.finish
            for place in 0..<4 {
                let call = ["delta", "tool_calls", "\(place)"]
                func member(_ path: String...) -> String? {
                    Answer.value(of: event, ["choices", "0"] + call + path)
                }
                guard let index = member("index").flatMap({ Int($0) }) else { continue }
                while whole.calls.count <= index { whole.calls.append(Call()) }
                whole.calls[index].id += member("id") ?? ""
                whole.calls[index].name += member("function", "name") ?? ""
                whole.calls[index].arguments += member("function", "arguments") ?? ""
            }
        }
        return whole
    }
}
