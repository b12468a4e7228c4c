import GatewayCodec
import GatewayModel
import GatewayTools
import ReactorCore
import TestSupport
import Testing

@Suite struct TextToolParserTests {
    private static let sketch = #"""
        {"tools":[{"name":"get_weather"},{"name":"search"},{"name":"shell","custom":true}]
        """#

    /// The events of an answer whose text comes in these pieces.
    private func parse(
        _ pieces: [String], _ more: String = "", reason: FinishReason = .stop
    ) throws -> (log: EventLog, counts: RepairCounts) {
        let bytes = Array((Self.sketch + more + "}").utf8)
        return try bytes.withUnsafeBytes {
            let tree = try JSONArena().read(ByteSlice($0))
            let request = try RequestSketch.read(tree.root)
            var parser = TextToolParser(request, seed: 3)
            var log = EventLog()
            parser.pass(.started(AnswerStart())) { log.add($0) }
            parser.pass(.partOpened(choice: 0, .text)) { log.add($0) }
            for piece in pieces {
                piece.withByteSlice { parser.pass(.delta(choice: 0, $0)) { log.add($0) } }
            }
            parser.pass(.partClosed(choice: 0)) { log.add($0) }
            parser.pass(.finished(choice: 0, Finish(reason))) { log.add($0) }
            parser.pass(.ended) { log.add($0) }
            #expect(log.isOver && !log.text.contains("!"), "\(log.text)")
            return (log, parser.counts)
        }
    }

    /// Text in quotes, calls as `name(arguments)`, then the finish reason.
    private func said(_ log: EventLog) -> String {
        var said: [String] = []
        for line in log.joined.split(separator: "\n") {
            let fields = line.split(separator: "\"", omittingEmptySubsequences: false)
            if line.hasPrefix("0 open tool call") {
                said.append(String(fields[3]) + (line.hasSuffix("custom") ? "*" : "") + "(")
            } else if line.hasPrefix("0 delta ") {
                let text = line.dropFirst(8)
                if let last = said.last, last.hasSuffix("(") {
                    said[said.count - 1] += text.dropFirst().dropLast() + ")"
                } else {
                    said.append(String(text))
                }
            } else if line.hasPrefix("0 finished") {
                said.append(String(line.dropFirst(11)))
            }
        }
        return said.joined(separator: " ").split(separator: "\\\"").joined(separator: "'")
    }

    static let cases: [(String, String)] = [
        ("Hello <b>you</b> [1] {x} `y`\n", #""Hello <b>you</b> [1] {x} `y`\n" stop"#),
        (
            "Let me see.\n\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Oslo\"}}\n</tool_call>",
            #""Let me see." get_weather({'city':'Oslo'}) toolCalls"#
        ),
        (
            "<tool_call>{\"name\":\"search\",\"arguments\":{\"q\":\"a </tool_call> b\"}}</tool_call>\n<tool_call>{\"name\":\"get_weather\"}</tool_call>\n",
            "search({'q':'a </tool_call> b'}) get_weather({}) toolCalls"
        ),
        (
            "<tool_call>{'name': 'search', 'arguments': {'q': 'x',}}</tool_call>",
            "search({'q':'x'}) toolCalls"
        ),
        (
            "<tool_call>\n{\"name\": \"search\", \"arguments\": {\"q\": \"cut",
            "search({'q':'cut'}) toolCalls"
        ),
        (
            "<function=search>\n<parameter=q>\nx y\n</parameter>\n</function>\n</tool_call>",
            "search({'q':'x y'}) toolCalls"
        ),
        (
            "<tool_call>\n<function=search>{\"q\":1}</function></tool_call>",
            "search({'q':1}) toolCalls"
        ),
        (
            "<function_calls><invoke name=\"search\"><parameter name=\"q\">x</parameter></invoke></function_calls>",
            "search({'q':'x'}) toolCalls"
        ),
        (
            "<tool_call>search\n<arg_key>q</arg_key>\n<arg_value>x</arg_value>\n</tool_call>",
            "search({'q':'x'}) toolCalls"
        ),
        (
            "[TOOL_CALLS][{\"name\":\"search\",\"arguments\":{\"q\":1}},{\"name\":\"search\",\"arguments\":\"{}\"}]",
            "search({'q':1}) search({}) toolCalls"
        ),
        (
            "I will:\n```json\n{\"name\": \"search\", \"arguments\": {\"q\": 1}}\n```\n",
            #""I will:" search({'q':1}) toolCalls"#
        ),
        ("```json\n{\"a\": 1}\n```\nthat", #""```json\n{'a': 1}\n```\nthat" stop"#),
        ("```swift\nlet x = [1]\n```", #""```swift\nlet x = [1]\n```" stop"#),
        (
            "{\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\",\"function\":{\"name\":\"search\",\"arguments\":\"{\\\"q\\\":1}\"}}]}",
            "search({'q':1}) toolCalls"
        ),
        ("{\"name\": \"Ann\", \"age\": 3}", #""{'name': 'Ann', 'age': 3}" stop"#),
        (
            "<tool_call>{\"name\":\"rm\",\"arguments\":{}}</tool_call>",
            #""<tool_call>{'name':'rm','arguments':{}}" stop"#
        ),
        (
            "<tool_call>{\"name\":\"functions.Search\",\"arguments\":{}}</tool_call>",
            "search({}) toolCalls"
        ),
        (
            "<tool_call>{\"name\":\"shell\",\"arguments\":{\"input\":\"ls -l\"}}</tool_call>",
            "shell*(ls -l) toolCalls"
        ),
        (
            "<tool_call>{\"name\":\"search\"}</tool_call>\n<tool_response>\nmade up\n</tool_response>\nAnd so",
            "search({}) toolCalls"
        ),
        (
            "<tool_call>{\"name\":\"search\"}</tool_call> then text",
            #"search({}) "then text" toolCalls"#
        ),
        ("a < b and <tool", #""a < b and <tool" stop"#),
    ]

    @Test(arguments: cases)
    func findsTheCalls(_ text: String, _ expected: String) throws {
        #expect(said(try parse([text]).log) == expected)
    }

    @Test(arguments: cases)
    func findsThemHoweverTheTextIsCut(_ text: String, _ expected: String) throws {
        let characters = Array(text)
        for cut in 1..<characters.count {
            let pieces = [String(characters[..<cut]), String(characters[cut...])]
            #expect(said(try parse(pieces).log) == expected, "cut at \(cut)")
        }
        #expect(said(try parse(characters.map { String($0) }).log) == expected)
    }

    @Test func textIsPassedOnAtOnce() throws {
        let log = try parse(["Hello", " you", " <", "i>"]).log
        #expect(
            log.lines.dropFirst(2).prefix(3) == [
                #"0 delta "Hello""#, #"0 delta " you""#, #"0 delta " ""#,
            ] || log.lines.dropFirst(2).prefix(2) == [#"0 delta "Hello""#, #"0 delta " you""#])
    }

    @Test func theChoiceIsKept() throws {
        let text = "<tool_call>{\"name\":\"search\",\"arguments\":{}}</tool_call>"
        #expect(said(try parse([text], #","choice":"none""#).log).hasSuffix("stop"))
        #expect(
            said(try parse([text], #","choice":"auto","allowed":["get_weather"]"#).log)
                .hasSuffix("stop"))
        #expect(
            said(try parse([#"{"q": "x"}"#], #","choice":{"named":"search"}"#).log)
                .hasSuffix("stop"))
        #expect(
            said(try parse(["```json\n{\"q\": \"x\"}\n```"], #","choice":{"named":"search"}"#).log)
                == "search({'q':'x'}) toolCalls")
        #expect(said(try parse([text + text], #","parallel":false"#).log) == "search({}) toolCalls")
    }

    @Test func aReasonOtherThanStopIsKept() throws {
        let text = "<tool_call>{\"name\":\"search\",\"arguments\":{\"q\":\"cu"
        let (log, counts) = try parse([text], reason: .length)
        #expect(said(log) == "search({'q':'cu'}) length")
        #expect(counts[.syntax] == 1)
    }

    /// What is held is bounded also where nothing but white space comes.
    @Test func whiteSpaceIsNotAwaitedForEver() throws {
        let space = String(repeating: " ", count: 1 << 16)
        for opener in ["```json\n", "{", "<tool_call>"] {
            let log = try parse([opener, space, "x"]).log
            #expect(log.text.contains("0 finished stop"))
            #expect(log.lines.filter { $0.contains(" delta ") }.count >= 2, "\(opener)")
        }
    }

    @Test func whatCannotBeUnderstoodIsCounted() throws {
        #expect(try parse(["<tool_call>hm</tool_call>"]).counts[.text] == 1)
        let long = "<tool_call>{\"name\":\"" + String(repeating: "x", count: 1 << 20) + "x"
        let log = try parse([long]).log
        #expect(log.text.contains("0 finished stop"))
    }
}
