import GatewayModel
import ReactorCore
import TestSupport
import Testing

@Suite struct ToolNamespacesTests {
    @Test(arguments: [
        ("crm", "find", "crm__find"), ("mcp__calendar__", "_create", "mcp__calendar___create"),
        ("", "a", "__a"), ("a_", "b", "a___b"),
    ])
    func joinsAndSplits(_ namespace: String, _ name: String, _ full: String) {
        let names = ToolNamespaces()
        let joined = namespace.withByteSlice { left in
            name.withByteSlice { names.join(left, $0) }
        }
        #expect(joined.string == full)
        let found = names.split(joined)
        #expect(found?.namespace.string == namespace)
        #expect(found?.name.string == name)
    }

    @Test func keepsItsSlices() {
        let names = ToolNamespaces()
        let joined = (0..<200).map { number in
            "n".withByteSlice { left in "\(number)".withByteSlice { names.join(left, $0) } }
        }
        #expect(joined.map(\.string) == (0..<200).map { "n__\($0)" })
        let again = "n".withByteSlice { left in "7".withByteSlice { names.join(left, $0) } }
        #expect(again.raw.baseAddress == joined[7].raw.baseAddress)
        #expect("n__200".withByteSlice { names.split($0) } == nil)
    }

    private func described(_ group: String, before own: String?) -> String {
        let names = ToolNamespaces()
        return "mcp__crm__".withByteSlice { word in
            group.withByteSlice { group in
                guard let own else { return names.describe(word, group, before: nil).string }
                return own.withByteSlice { names.describe(word, group, before: $0).string }
            }
        }
    }

    @Test func tellsOfAGroup() {
        #expect(described("Customers.", before: nil) == "About all tools mcp__crm__*: Customers.")
        #expect(
            described("Customers.", before: "Finds.")
                == "About all tools mcp__crm__*: Customers.\n\nFinds.")
        #expect(described("Customers.", before: "").hasSuffix("Customers."))
    }

    @Test(arguments: 0..<4) func aLongDescriptionIsCutBetweenCharacters(shift: Int) {
        let text = String(repeating: "a", count: shift) + String(repeating: "€", count: 1000)
        let told = described(text, before: nil).dropFirst("About all tools mcp__crm__*: ".count)
        #expect(text.hasPrefix(String(told)))
        let bound = ToolNamespaces.descriptionBytesMax
        #expect((bound - 2...bound).contains(told.utf8.count))
    }
}
