import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONEditsTests {
    private func edited(_ document: String, _ edit: (inout JSONEdits) -> Void) -> String {
        var edits = JSONEdits()
        edit(&edits)
        var out = ByteBuffer()
        document.withByteSlice { edits.append($0, to: &out) }
        return out.string
    }

    @Test func editsAreMadeInTheOrderOfTheirPlaces() {
        let text = edited(#"{"a":1,"b":2,"c":3}"#) { edits in
            edits.replace(17..<18) { $0.append("[]" as StaticString) }
            edits.replace(5..<6) { $0.append("\"one\"" as StaticString) }
        }
        #expect(text == #"{"a":"one","b":2,"c":[]}"#)
    }

    @Test func editsAtOnePlaceStandAsTheyWereAskedFor() {
        let text = edited("{1}") { edits in
            for word in ["a,", "b,", "c,"] { edits.insert(at: 1) { $0.append(word) } }
            edits.replace(1..<2) { $0.append("2" as StaticString) }
        }
        #expect(text == "{a,b,c,2}")
    }

    @Test func withoutEditsNothingChanges() {
        let isEmpty = JSONEdits().isEmpty
        #expect(isEmpty)
        #expect(edited("{ }") { _ in } == "{ }")
    }

    @Test func thousandsAreFine() {
        let text = edited(String(repeating: "x", count: 4000)) { edits in
            for place in stride(from: 3998, through: 0, by: -2) {
                edits.replace(place..<place + 1) { $0.append("yy" as StaticString) }
            }
        }
        #expect(text == String(repeating: "yyx", count: 2000))
    }
}
