import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ResponseStoreTests {
    private let owner = ByteSlice("alice")
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func echo(_ request: String) throws -> ResponsesEcho {
        let tree = try JSONArena().read(request)
        return ResponsesEcho(tree.root, storeIsOn: true)
    }

    private func remember(
        _ store: ResponseStore, _ id: String, _ request: String, _ output: String,
        of owner: ByteSlice? = nil, at now: Instant? = nil
    ) throws {
        let echo = try echo(request)
        id.withByteSlice { id in
            output.withByteSlice {
                store.remember(
                    id, of: owner ?? self.owner, echo, output: $0, now: now ?? start)
            }
        }
    }

    private func recall(
        _ store: ResponseStore, _ request: String, of owner: ByteSlice? = nil,
        at now: Instant? = nil
    ) throws -> String {
        let tree = try JSONArena().read(request)
        var buffer = ByteBuffer()
        do throws(Failure) {
            let isThere = try store.recall(
                for: tree.root, of: owner ?? self.owner, now: now ?? start, to: &buffer)
            return isThere ? buffer.string : "nothing"
        } catch { return error.reportedCode ?? "\(error.kind)" }
    }

    private let first = #"{"input":"one"}"#
    private let second =
        #"{"previous_response_id":"resp_1","input":[{"role":"user","content":"two"}]}"#

    @Test func tellsAConversationFromItsBeginning() throws {
        let store = ResponseStore()
        try remember(store, "req_1", first, #"{"type":"message","id":"msg_1_0"}"#)
        try remember(store, "req_2", second, #"{"type":"message","id":"msg_2_0"}"#)
        let found = try recall(store, #"{"previous_response_id":"resp_2"}"#)
        #expect(
            found
                == #"{"items":[{"type":"message","role":"user","content":"one"},"#
                + #"{"type":"message","id":"msg_1_0"},{"role":"user","content":"two"},"#
                + #"{"type":"message","id":"msg_2_0"}],"references":{}}"#)
        #expect(try recall(store, first) == "nothing")
        let unknown = try recall(store, #"{"previous_response_id":"resp_3"}"#)
        #expect(unknown == "previous_response_not_found")
    }

    @Test func belongsToOneKey() throws {
        let store = ResponseStore()
        try remember(store, "req_1", first, #"{"type":"message","id":"msg_1_0"}"#)
        let found = try recall(
            store, #"{"previous_response_id":"resp_1"}"#, of: ByteSlice("mallory"))
        #expect(found == "previous_response_not_found")
        let item = #"{"input":[{"type":"item_reference","id":"msg_1_0"}]}"#
        #expect(try recall(store, item, of: ByteSlice("mallory")) == "nothing")
    }

    @Test func findsAnItem() throws {
        let store = ResponseStore()
        try remember(
            store, "req_a_b", first,
            #"{"type":"reasoning","id":"rs_a_b_0"},{"type":"message","id":"msg_a_b_1"}"#)
        for item in [#"{"id":"msg_a_b_1"}"#, #"{"type":"item_reference","id":"msg_a_b_1"}"#] {
            let found = try recall(store, #"{"input":[\#(item)]}"#)
            #expect(
                found
                    == #"{"items":[],"references":{"msg_a_b_1":{"type":"message","id":"msg_a_b_1"}}}"#
            )
        }
        for id in ["msg_a_b_0", "msg_a_b_x", "msg", "_", "__", "", "msg_a_b_"] {
            #expect(
                try recall(store, #"{"input":[{"type":"item_reference","id":"\#(id)"}]}"#)
                    == "nothing", "\(id)")
        }
    }

    @Test func forgetsWhatWasNotUsedLongest() throws {
        var limits = ResponseStore.Limits()
        limits.entryCountMax = 2
        let store = ResponseStore(limits)
        try remember(store, "req_1", first, "1", at: start)
        try remember(store, "req_2", first, "2", at: start + .seconds(1))
        _ = try recall(store, #"{"previous_response_id":"resp_1"}"#, at: start + .seconds(2))
        try remember(store, "req_3", first, "3", at: start + .seconds(3))
        #expect(store.count == 2)
        let now = start + .seconds(4)
        let gone = try recall(store, #"{"previous_response_id":"resp_2"}"#, at: now)
        #expect(gone == "previous_response_not_found")
        #expect(try recall(store, #"{"previous_response_id":"resp_1"}"#, at: now) != gone)
    }

    @Test func keepsItsBounds() throws {
        var limits = ResponseStore.Limits()
        limits.bytesMax = 1000
        limits.ageMax = .seconds(60)
        let store = ResponseStore(limits)
        let large = String(repeating: "1", count: 300)
        try remember(store, "req_0", first, large)
        #expect(store.count == 0)
        for index in 1...20 {
            try remember(store, "req_\(index)", first, String(repeating: "1", count: 150))
            #expect(store.byteCount <= 1000)
        }
        #expect(store.count > 2)
        _ = try recall(store, first, at: start + .seconds(61))
        #expect(store.count == 0)
        #expect(store.byteCount == 0)
    }

    @Test func anIDUsedTwiceMakesNoCircle() throws {
        let store = ResponseStore()
        try remember(store, "req_1", first, "1")
        try remember(store, "req_1", #"{"previous_response_id":"resp_1","input":"again"}"#, "2")
        let found = try recall(store, #"{"previous_response_id":"resp_1"}"#)
        #expect(
            found
                == #"{"items":[{"type":"message","role":"user","content":"one"},1,"#
                + #"{"type":"message","role":"user","content":"again"},2],"references":{}}"#)
    }

    @Test func doesNotKeepWhatTheCallerDoesNotWantKept() throws {
        let store = ResponseStore()
        try remember(store, "req_1", #"{"input":"x","store":false}"#, "1")
        try remember(store, "req_2", second, "1")
        #expect(store.count == 0)
    }
}
