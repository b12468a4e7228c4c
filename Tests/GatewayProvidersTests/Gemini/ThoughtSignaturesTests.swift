import GatewayProviders
import ReactorCore
import Testing

@Suite struct ThoughtSignaturesTests {
    private func remember(
        _ store: ThoughtSignatures, _ id: String, _ signature: String, model: StaticString = "m"
    ) {
        id.withByteSlice { id in
            signature.withByteSlice {
                store.remember($0, ofCall: id, model: ByteSlice(model))
            }
        }
    }

    private func find(
        _ store: ThoughtSignatures, _ id: String, model: StaticString = "m"
    ) -> String? {
        id.withByteSlice { store.signature(ofCall: $0, model: ByteSlice(model))?.string }
    }

    @Test func findsWhatItRemembers() {
        let store = ThoughtSignatures()
        remember(store, "a", "1")
        remember(store, "b", "2")
        remember(store, "a", "3")
        #expect(find(store, "a") == "3")
        #expect(find(store, "b") == "2")
        #expect(find(store, "c") == nil)
        #expect(find(store, "a", model: "n") == nil)
        #expect(store.count == 2)
        #expect(store.byteCount == 6)
        remember(store, "", "4")
        remember(store, "d", "")
        #expect(store.count == 2)
    }

    @Test func forgetsTheOldest() {
        let store = ThoughtSignatures(countMax: 3)
        for number in 0..<10 { remember(store, "id\(number)", "\(number)") }
        #expect(
            (0..<10).map { find(store, "id\($0)") != nil } == Array(repeating: false, count: 7)
                + [true, true, true])
        remember(store, "id8", "new")
        remember(store, "more", "x")
        #expect(find(store, "id8") == "new")
        #expect(find(store, "id7") == nil)
    }

    @Test func keepsToItsBytes() {
        let store = ThoughtSignatures(countMax: 1000, bytesMax: 100)
        remember(store, "large", String(repeating: "x", count: 200))
        #expect(store.count == 0)
        for number in 0..<50 { remember(store, "id\(number)", "0123456789") }
        #expect(store.byteCount <= 100)
        #expect(find(store, "id49") == "0123456789")
        #expect(find(store, "id0") == nil)
        #expect(store.count == 6)
    }

    /// Against a list that does the same slowly.
    @Test func agreesWithASlowOne() {
        var random = SeededRandom(seed: 7)
        for round in 0..<50 {
            let countMax = Int.random(in: 1...8, using: &random)
            let store = ThoughtSignatures(countMax: countMax, bytesMax: 60)
            var model: [(id: String, text: String?)] = []
            for _ in 0..<200 {
                let id = "i\(Int.random(in: 0..<12, using: &random))"
                let text = String(
                    repeating: "s", count: Int.random(in: 1...20, using: &random))
                remember(store, id, text)
                for index in model.indices where model[index].id == id { model[index].text = nil }
                func bytes() -> Int {
                    model.reduce(0) {
                        $0 + ($1.text.map { text in 3 + text.count } ?? 0)
                            + ($1.text != nil && $1.id.count == 3 ? 1 : 0)
                    }
                }
                let size = id.count + 1 + text.count
                while model.count == countMax || bytes() + size > 60 { model.removeFirst() }
                model.append((id, text))
                #expect(store.byteCount == bytes(), "round \(round)")
                for number in 0..<12 {
                    let expected = model.last { $0.id == "i\(number)" && $0.text != nil }?.text
                    #expect(find(store, "i\(number)") == expected)
                }
            }
        }
    }
}
