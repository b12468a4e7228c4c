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
}
