// ResponsesOrder.swift — checks that a responses stream is legal in its dialect.
// Knows nothing of the encoder: names are spelled here again. For fuzzers and tests.

import GatewayCodec
import ReactorCore

/// One stream's checker.
package struct ResponsesOrder {
    private enum Place: Equatable { case start, created, running, over }

    /// What an item is made of, where more than one piece can be.
    private struct Item {
        var type: String
        var id: String
        var index: Int
        /// The pieces so far of the open part, arguments or summary.
        var text = ""
        /// The type of the open part.
        var openPart: String?
        /// The closed parts' texts, or the arguments.
        var closed: [String] = []
        /// Whether the whole of the text has been told.
        var isSettled = false
    }

    private var place = Place.start
    private var sequence = 0
    private var responseID: String?
    private var item: Item?
    private var itemIDs: [String] = []
    /// The items that are done, as JSON.
    private var done: [String] = []
    private let arena = JSONArena()

    package init() {}

    /// What is wrong with a whole stream; nil if it is legal.
    package static func complaint(_ stream: ByteSlice) -> String? {
        var order = ResponsesOrder()
        var parser = EventStreamParser()
        var input = stream
        while let event = try? parser.next(&input) {
            if let complaint = order.check(event) { return "\(event.name.string): \(complaint)" }
        }
        if !parser.isBetweenEvents { return "ends within an event" }
        return order.place == .over ? nil : "ends in \(order.place)"
    }

    /// Takes the next event. - Returns: what is wrong with it.
    package mutating func check(_ event: EventStreamEvent) -> String? {
        guard place != .over else { return "behind the end" }
        guard event.canonical != nil else { return "not canonical" }
        guard let tree = try? arena.read(event.data) else { return "no JSON" }
        let root = tree.root
        let name = event.name.string
        guard root["type"]?.string?.string == name else { return "another type" }
        guard root["sequence_number"]?.int == sequence else { return "not number \(sequence)" }
        sequence += 1
        if let response = root["response"] { return check(response, name) }
        guard place == .running else { return "too early" }
        switch name {
        case "response.output_item.added": return add(root)
        case "response.output_item.done": return end(root)
        default: break
        }
        guard let item else { return "no open item" }
        guard root["output_index"]?.int == item.index, root["item_id"]?.string?.string == item.id
        else { return "of another item" }
        return checkPiece(root, name)
    }

    // MARK: Responses

    private mutating func check(_ response: JSONValue, _ name: String) -> String? {
        let id = response["id"]?.string?.string
        guard let id, id.hasPrefix("resp_"), responseID ?? id == id else { return "another id" }
        responseID = id
        for member in ["object", "created_at", "model", "tools", "tool_choice", "output"] {
            if member.withByteSlice({ response.member($0) == nil }) { return "no \(member)" }
        }
        let status = response["status"]?.string?.string ?? ""
        let output = (response["output"]?.elements).map { $0.map(Self.text) } ?? []
        guard output == done else { return "output is not what was done" }
        let hasError = response["error"]?.isNull == false
        let isCut = response["incomplete_details"]?["reason"]?.string != nil
        guard hasError == (name == "response.failed") else { return "an error, or none" }
        guard isCut == (name == "response.incomplete") else { return "incomplete, or not" }
        guard name == "response.created" ? status == "in_progress" : name == "response.\(status)"
        else { return "status \(status)" }
        switch (name, place) {
        case ("response.created", .start): place = .created
        case ("response.in_progress", .created): place = .running
        case ("response.completed", .running), ("response.incomplete", .running):
            if item != nil { return "an item is open" }
            place = .over
        case ("response.failed", .running): place = .over
        default: return "in \(place)"
        }
        return nil
    }

    private static func text(_ value: JSONValue) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSON { $0.value(value) }
        return buffer.string
    }

    // MARK: Items

    private mutating func add(_ root: JSONValue) -> String? {
        guard item == nil else { return "within an item" }
        guard root["output_index"]?.int == done.count else { return "index" }
        guard let value = root["item"], let type = value["type"]?.string?.string,
            let id = value["id"]?.string?.string, !id.isEmpty, !itemIDs.contains(id)
        else { return "without type or id" }
        if type != "reasoning", value["status"]?.string?.string != "in_progress" {
            return "not in progress"
        }
        if type.hasSuffix("tool_call") || type == "function_call",
            value["call_id"]?.string?.isEmpty ?? true
        {
            return "no call id"
        }
        itemIDs.append(id)
        item = Item(type: type, id: id, index: done.count)
        return nil
    }

    private mutating func end(_ root: JSONValue) -> String? {
        guard let item, let value = root["item"] else { return "no open item" }
        guard root["output_index"]?.int == item.index, value["id"]?.string?.string == item.id,
            value["type"]?.string?.string == item.type
        else { return "of another item" }
        guard item.openPart == nil else { return "a part is open" }
        if item.type != "reasoning" {
            let status = value["status"]?.string?.string ?? ""
            guard status == "completed" || status == "incomplete" else { return "status" }
        }
        switch item.type {
        case "message":
            let parts = (value["content"]?.elements).map { $0.map { Self.partText($0) } } ?? []
            guard parts == item.closed, !parts.isEmpty else { return "other content" }
        case "reasoning":
            let parts = (value["summary"]?.elements).map { $0.map { Self.partText($0) } } ?? []
            guard parts == item.closed else { return "another summary" }
        case "function_call":
            let arguments = value["arguments"]?.string?.string ?? ""
            guard [arguments] == item.closed, !arguments.isEmpty else { return "arguments" }
        case "custom_tool_call":
            guard [value["input"]?.string?.string ?? "-"] == item.closed else { return "input" }
        default: break
        }
        done.append(Self.text(value))
        self.item = nil
        return nil
    }

    private static func partText(_ part: JSONValue) -> String {
        (part["text"]?.string ?? part["refusal"]?.string ?? .empty).string
    }

    // MARK: Pieces

    private mutating func checkPiece(_ root: JSONValue, _ name: String) -> String? {
        let type = item?.type ?? ""
        switch (name, type) {
        case ("response.content_part.added", "message"):
            return open(root, "content_index", of: root["part"]?["type"]?.string?.string)
        case ("response.reasoning_summary_part.added", "reasoning"):
            return open(root, "summary_index", of: "summary_text")
        case ("response.output_text.delta", "message"):
            guard root["logprobs"]?.kind == .array else { return "no logprobs" }
            return grow(root, within: "output_text")
        case ("response.refusal.delta", "message"): return grow(root, within: "refusal")
        case ("response.reasoning_summary_text.delta", "reasoning"):
            return grow(root, within: "summary_text")
        case ("response.output_text.done", "message"):
            return settle(root["text"], within: "output_text")
        case ("response.refusal.done", "message"):
            return settle(root["refusal"], within: "refusal")
        case ("response.reasoning_summary_text.done", "reasoning"):
            return settle(root["text"], within: "summary_text")
        case ("response.content_part.done", "message"),
            ("response.reasoning_summary_part.done", "reasoning"):
            return close(root)
        case ("response.function_call_arguments.delta", "function_call"),
            ("response.custom_tool_call_input.delta", "custom_tool_call"):
            return grow(root, within: nil)
        case ("response.function_call_arguments.done", "function_call"):
            return settle(root["arguments"], within: nil)
        case ("response.custom_tool_call_input.done", "custom_tool_call"):
            return settle(root["input"], within: nil)
        case ("response.image_generation_call.in_progress", "image_generation_call"),
            ("response.image_generation_call.completed", "image_generation_call"):
            return nil
        default: return "in \(type)"
        }
    }

    private mutating func open(
        _ root: JSONValue, _ index: StaticString, of type: String?
    ) -> String? {
        guard let item, item.openPart == nil else { return "within a part" }
        guard let type, root[index]?.int == item.closed.count else { return "index or type" }
        guard let part = root["part"], Self.partText(part).isEmpty else { return "not empty" }
        self.item?.openPart = type
        self.item?.text = ""
        self.item?.isSettled = false
        return nil
    }

    private mutating func grow(_ root: JSONValue, within type: String?) -> String? {
        guard let item, item.openPart == type, !item.isSettled else { return "no open part" }
        guard let delta = root["delta"]?.string, !delta.isEmpty else { return "says nothing" }
        self.item?.text += delta.string
        return nil
    }

    /// The whole text of what was told in pieces; once.
    private mutating func settle(_ whole: JSONValue?, within type: String?) -> String? {
        guard let item, item.openPart == type, !item.isSettled else { return "no open part" }
        guard whole?.string?.string == item.text else { return "not the pieces" }
        self.item?.isSettled = true
        if type == nil { self.item?.closed.append(item.text) }
        return nil
    }

    private mutating func close(_ root: JSONValue) -> String? {
        guard let item, let type = item.openPart, item.isSettled else { return "no open part" }
        guard let part = root["part"], part["type"]?.string?.string == type,
            Self.partText(part) == item.text
        else { return "another part" }
        self.item?.closed.append(item.text)
        self.item?.openPart = nil
        return nil
    }
}
