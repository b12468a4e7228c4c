// ChatChunkMembers.swift — what a chat chunk tells that the model in the middle has no word for, and its way
// into the chunks that are written in its place.
// Pure. Only ChatStreamRepair uses it.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayWire
import ReactorCore

/// Members of the chunk that was read last, as they stood there.
///
/// What stood beside the choices goes into every new chunk. What stood in a choice beside its delta, as
/// `logprobs`, adds up at the client: it is told once, in the last of the choice's new chunks.
struct ChatChunkMembers: ~Copyable {
    /// A longer member beside the choices is left out, and what comes behind so many bytes of them.
    static let memberBytesMax = 1024
    static let membersBytesMax = 4096

    /// What one choice tells besides.
    private struct Choice {
        var number: Int
        /// Its `logprobs`, of `memory`.
        var logprobs: Range<Int>?
        /// The others, each with a comma in front; of `memory`.
        var others: Range<Int>
    }

    /// One line of the new chunks.
    private struct Line {
        var range: Range<Int>
        /// Of the choice that is told in it, while it has nothing of another's to tell.
        var number: Int?
        /// What stands for `logprobs`, in the line.
        var logprobs: Range<Int>?
        /// What it is to tell besides: a place in `choices`.
        var choice: Int?
    }

    /// Beside the choices, each with a comma behind it.
    private var members = ByteBuffer()
    private var memory = ByteBuffer()
    private var choices: [Choice] = []

    /// What stands in front of a chunk's first member.
    private static let head: StaticString = "data: {"
    /// What is written anew in a chunk, and in a choice.
    private static let told = JSONNames(
        ChatWire.id, ChatWire.object, ChatWire.created, ChatWire.model, ChatWire.choices,
        ChatWire.usage)
    private static let toldOfChoice = JSONNames(
        ChatWire.index, ChatWire.delta, ChatWire.finishReason)
    private static let choicesNames = JSONNames(ChatWire.choices)
    private static let lineNames = JSONNames(ChatWire.index, ChatWire.logprobs)

    /// Puts what `chunk` tells besides into the chunks in `output`, which `encoder` wrote in its place. What
    /// is no chunk, as the mark, tells nothing: there the members of the last one are told again.
    /// - Parameter withChoices: whether what stood in a choice goes with them.
    mutating func add(
        from chunk: ByteSlice, withChoices: Bool = true, to output: inout ByteBuffer,
        _ encoder: inout ChatStreamEncoder?
    ) {
        choices.removeAll(keepingCapacity: true)
        memory.removeAll()
        do throws(JSONFailure) { try read(chunk) } catch {
            members.removeAll()
            choices.removeAll()
        }
        if !withChoices { choices.removeAll(keepingCapacity: true) }
        guard !choices.isEmpty || !members.isEmpty && !output.isEmpty else { return }
        var lines = Self.lines(of: output.slice, from: 0)
        for (place, choice) in choices.enumerated() {
            var found = lines.lastIndex { $0.number == choice.number }
            if found == nil {
                // Nothing of the choice is told, or it is held back.
                let start = output.count
                encoder?.encodeNothing(of: choice.number, to: &output)
                lines += Self.lines(of: output.slice, from: start)
                found = lines.lastIndex { $0.number == choice.number }
            }
            guard let found else { continue }
            lines[found].number = nil
            lines[found].choice = place
        }
        write(lines, of: &output)
    }

    // MARK: Reading

    private mutating func read(_ chunk: ByteSlice) throws(JSONFailure) {
        var scanner = JSONScanner(chunk)
        guard scanner.comesObject else { return }
        members.removeAll()
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            let name = chunk[key.range]
            if name == ChatWire.choices, scanner.comesArray {
                try readChoices(&scanner)
                continue
            }
            let value = try scanner.value()
            let count = name.count + value.range.count
            guard !key.hasEscapes, !Self.told.contains(name), count <= Self.memberBytesMax,
                members.count + count <= Self.membersBytesMax
            else { continue }
            Self.append(name, chunk[value.range], to: &members)
            members.append(ASCII.comma)
        }
    }

    private mutating func readChoices(_ scanner: inout JSONScanner) throws(JSONFailure) {
        var position = 0
        try scanner.beginArray()
        while try scanner.nextElement() {
            let value = try scanner.value()
            // Where there is room for no more, the shadow does not follow either.
            if value.kind == .object, choices.count < EventOrder.choiceCountMax {
                try readChoice(scanner.bytes(value.range), position: position)
            }
            position += 1
        }
    }

    private mutating func readChoice(
        _ choice: ByteSlice, position: Int
    ) throws(JSONFailure) {
        var number = position
        var logprobs: JSONSpan?
        let start = memory.count
        var plain = ByteBuffer()
        var scanner = JSONScanner(choice)
        try scanner.beginObject()
        while let member = try scanner.nextMember() {
            let key = choice[member.key.range]
            var name = key
            if member.key.hasEscapes {
                plain.removeAll()
                plain.append(jsonUnescaping: key)
                name = plain.slice
            }
            if name == ChatWire.index {
                guard member.value.kind == .number else { continue }
                number = choice[member.value.range].decimalValue ?? position
            } else if name == ChatWire.logprobs {
                logprobs = member.value.kind == .null ? nil : member.value
            } else if !Self.toldOfChoice.contains(name) {
                memory.append(ASCII.comma)
                Self.append(key, choice[member.value.range], to: &memory)
            }
        }
        let others = start..<memory.count
        if let logprobs { Self.append(choice[logprobs.range], to: &memory) }
        guard memory.count > start else { return }
        choices.append(
            Choice(
                number: number,
                logprobs: logprobs == nil ? nil : others.upperBound..<memory.count,
                others: others))
    }

    private static func append(
        _ key: ByteSlice, _ value: ByteSlice, to buffer: inout ByteBuffer
    ) {
        buffer.append(ASCII.quote)
        buffer.append(key)
        buffer.append("\":" as StaticString)
        append(value, to: &buffer)
    }

    /// A chunk is one line: where an upstream breaks its own, between two tokens, there is a space.
    private static func append(_ value: ByteSlice, to buffer: inout ByteBuffer) {
        guard value.firstIndex(of: ASCII.lf) != nil || value.firstIndex(of: ASCII.cr) != nil else {
            return buffer.append(value)
        }
        for byte in value.raw {
            buffer.append(byte == ASCII.lf || byte == ASCII.cr ? ASCII.space : byte)
        }
    }

    // MARK: Writing

    /// The shadow's events are one line and an empty one each, with one choice or none in it.
    private static func lines(of output: ByteSlice, from first: Int) -> [Line] {
        var lines: [Line] = []
        var start = first
        while let count = output.dropFirst(start).firstIndex(of: ASCII.lf) {
            let range = start..<start + count + 1
            start = range.upperBound
            var line = Line(range: range)
            do throws(JSONFailure) { try look(at: output[range], &line) } catch {}
            lines.append(line)
        }
        return lines
    }

    private static func look(at text: ByteSlice, _ line: inout Line) throws(JSONFailure) {
        guard text.hasPrefix(head) else { return }
        let inset = head.utf8CodeUnitCount - 1
        let chunk = text.dropFirst(inset)
        var scanner = JSONScanner(chunk)
        try scanner.beginObject()
        while try scanner.nextName(in: choicesNames) != nil {
            try scanner.beginArray()
            while try scanner.nextElement() {
                try scanner.beginObject()
                while let name = try scanner.nextName(in: lineNames) {
                    let value = try scanner.value()
                    if name.index == 0 {
                        line.number = chunk[value.range].decimalValue
                    } else {
                        let start = value.range.lowerBound + inset
                        line.logprobs = start..<start + value.range.count
                    }
                }
            }
        }
    }

    private func write(_ lines: [Line], of output: inout ByteBuffer) {
        var written = ByteBuffer()
        for line in lines {
            var rest = output.slice[line.range]
            if rest.hasPrefix(Self.head) {
                var start = Self.head.utf8CodeUnitCount
                written.append(Self.head)
                written.append(members.slice)
                if let place = line.choice, let logprobs = line.logprobs {
                    let told = choices[place].logprobs ?? 0..<0
                    written.append(rest[start..<logprobs.lowerBound])
                    written.append(told.isEmpty ? rest[logprobs] : memory.slice[told])
                    written.append(memory.slice[choices[place].others])
                    start = logprobs.upperBound
                }
                rest = rest.dropFirst(start)
            }
            written.append(rest)
        }
        swap(&output, &written)
    }
}
