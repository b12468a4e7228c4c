import FuzzChecks
import GatewayCodec
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct GeminiSchemaTests {
    private func convert(_ schema: String) throws -> (text: String, isWhole: Bool) {
        try schema.withByteSlice { bytes in
            let tree = try JSONArena().read(bytes)
            var buffer = ByteBuffer()
            var isWhole = false
            buffer.writeJSON { isWhole = GeminiSchema.write(tree.root, &$0) }
            return (buffer.string, isWhole)
        }
    }

    /// A schema and what becomes of it, line by line.
    private static let cases = ##"""
        {"type":"string"}
        {"type":"STRING"}
        {"$schema":"x","$id":"y","type":"object","additionalProperties":false,"strict":true}
        {"type":"OBJECT"}
        {"const":"a"}
        {"type":"STRING","enum":["a"]}
        {"enum":[1,2.5,"x","",null]}
        {"type":"STRING","nullable":true,"enum":["1","2.5","x"]}
        {"enum":[true]}
        {"type":"BOOLEAN"}
        {"type":["string","null"]}
        {"type":"STRING","nullable":true}
        {"type":["string","integer"]}
        {"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}
        {"type":"null"}
        {"type":"NULL"}
        {"oneOf":[{"type":"string"},{"type":"number"}],"description":"d"}
        {"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]}
        {"anyOf":[{"type":"string","minLength":1},{"type":"null"}],"description":"d"}
        {"type":"STRING","nullable":true,"description":"d","minLength":1}
        {"allOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b"\##
        :{}},"required":["b","a","c"]}]}
        {"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"STRING"}},"require\##
        d":["a","b"]}
        {"type":"integer","exclusiveMinimum":1,"maximum":5,"format":"int32","multipleOf":2}
        {"type":"INTEGER","format":"int32","minimum":1,"maximum":5}
        {"type":"string","format":"uuid","pattern":"^a","default":"b","minLength":-1}
        {"type":"STRING","pattern":"^a","default":"b"}
        {"type":"string","format":"date-time"}
        {"type":"STRING","format":"date-time"}
        {"type":"array"}
        {"type":"ARRAY","items":{"type":"STRING"}}
        {"type":"array","items":[{"type":"string"},{"type":"number"}],"minItems":1}
        {"type":"ARRAY","items":{"anyOf":[{"type":"STRING"},{"type":"NUMBER"}]},"minItems":1\##
        }
        {"prefixItems":[{"type":"number"}]}
        {"type":"ARRAY","items":{"type":"NUMBER"}}
        {"properties":{"a":{"$ref":"#/$defs/A~1b"}},"$defs":{"A/b":{"type":"number","title":\##
        "t"}}}
        {"type":"OBJECT","properties":{"a":{"type":"NUMBER","title":"t"}}}
        {"$ref":"#/definitions/N","definitions":{"N":{"type":"object","properties":{"next":{\##
        "$ref":"#/definitions/N"}}}}}
        {"type":"OBJECT","properties":{"next":{"type":"OBJECT"}}}
        {"$ref":"#/nowhere"}
        {"type":"STRING"}
        {"$ref":"#"}
        {"type":"OBJECT"}
        {"not":{"type":"string"},"if":{},"patternProperties":{}}
        {"type":"STRING"}
        true
        {"type":"STRING"}
        {"type":"object","properties":{"a":true,"b":{"minimum":1}},"anyOf":[{"required":["a"\##
        ]},{"required":["b"]}],"propertyOrdering":["b","x","a"]}
        {"type":"OBJECT","properties":{"a":{"type":"STRING"},"b":{"type":"NUMBER","minimum":\##
        1}},"propertyOrdering":["b","a"]}
        """##

    @Test func rewrites() throws {
        let lines = Self.cases.split(separator: "\n")
        try #require(lines.count == 48)
        for index in stride(from: 0, to: lines.count, by: 2) {
            let found = try convert(String(lines[index]))
            #expect(found.isWhole)
            let isSame = GoldenJSON.areEqual(found.text, String(lines[index + 1]))
            #expect(isSame, "\(lines[index]): \(found.text)")
        }
    }

    @Test func boundsWhatReferencesMultiply() throws {
        // Each level refers twice to the next one: two to the thirtieth schemas.
        var schema = ##"{"$ref":"#/$defs/n0","$defs":{"##
        for level in 0..<30 {
            let next = "{\"$ref\":\"#/$defs/n\(level + 1)\"}"
            schema += "\"n\(level)\":{\"properties\":{\"a\":\(next),\"b\":\(next)}},"
        }
        schema += ##""n30":{}}}"##
        let found = try convert(schema)
        #expect(!found.isWhole)
        #expect(found.text.utf8.count < 1 << 20)
        let long = String(repeating: "x", count: 200_000)
        let twice = ##"{"properties":{"a":{"$ref":"#/d"},"b":{"$ref":"#/d"}},"##
        #expect(try !convert(twice + "\"d\":{\"description\":\"\(long)\"}}").isWhole)
        let once = ##"{"properties":{"a":{"$ref":"#/d"}},"##
        #expect(try convert(once + "\"d\":{\"description\":\"\(long)\"}}").isWhole)
    }

    @Test func boundsDepth() throws {
        var schema = ##"{"type":"string"}"##
        for _ in 0..<40 { schema = ##"{"items":\##(schema)}"## }
        #expect(try !convert(schema).isWhole)
    }

    @Test(arguments: FuzzCorpus.inputs(of: "gemini-schema"))
    func writesOnlyTheSubset(_ name: String, _ bytes: [UInt8]) {
        #expect(GeminiSchemaCheck.run(bytes) == nil, "\(name)")
    }

    /// JSON made of the words of schemas, in places where they belong and where they do not.
    private func made(_ depth: Int, _ random: inout SeededRandom) -> String {
        let words = [
            "type", "enum", "const", "items", "prefixItems", "properties", "required", "anyOf",
            "oneOf", "allOf", "$ref", "$defs", "minimum", "exclusiveMinimum", "nullable", "format",
            "default", "description", "minItems", "propertyOrdering", "not", "a", "b",
        ]
        let scalars = [
            "1", "-2.5", "true", "null", "\"\"", "\"string\"", "\"null\"", "\"array\"",
            "\"object\"", "\"integer\"", "\"boolean\"", "\"a\"", "\"#\"", "\"#/$defs/a\"",
            "\"#/anyOf/0\"", "[\"string\",\"null\"]", "[\"a\",\"b\"]", "[1,\"\"]",
        ]
        let shape = depth == 0 ? 0 : Int.random(in: 0..<6, using: &random)
        let count = Int.random(in: 0...4, using: &random)
        switch shape {
        case 0: return scalars.randomElement(using: &random) ?? "1"
        case 1:
            return "[" + (0..<count).map { _ in made(depth - 1, &random) }.joined(separator: ",")
                + "]"
        default:
            let members = (0..<count).map { _ in
                let name = words.randomElement(using: &random) ?? "a"
                return "\"\(name)\":" + made(depth - 1, &random)
            }
            return "{" + members.joined(separator: ",") + "}"
        }
    }

    @Test func writesOnlyTheSubsetOfWhateverComes() {
        var random = SeededRandom(seed: 21)
        for _ in 0..<4000 {
            let schema = made(6, &random)
            #expect(GeminiSchemaCheck.run(Array(schema.utf8)) == nil, "\(schema)")
        }
    }

    @Test func theCheckCanFail() throws {
        for text in [
            "{}", ##"{"type":"string"}"##, ##"{"type":"STRING","const":"a"}"##,
            ##"{"type":"ARRAY"}"##, ##"{"anyOf":[]}"##, ##"{"type":"STRING","enum":[]}"##,
            ##"{"type":"OBJECT","properties":{"a":{"$ref":"x"}}}"##,
            ##"{"type":"OBJECT","properties":{"a":{"type":"NULL"}},"required":["b"]}"##,
        ] {
            try text.withByteSlice { bytes in
                let tree = try JSONArena().read(bytes)
                #expect(GeminiSchemaCheck.complaint(of: tree.root) != nil, "\(text)")
            }
        }
    }
}
