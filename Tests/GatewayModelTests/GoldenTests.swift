import GatewayModel
import ReactorCore
import TestSupport
import Testing

/// The runner of golden files, shown that it can fail.
@Suite struct GoldenTests {
    @Test func tellsValuesApart() {
        #expect(GoldenJSON.areEqual(#"{"a":1,"b":[true,null]}"#, #"{"b":[true,null],"a":1}"#))
        #expect(!GoldenJSON.areEqual(#"{"a":1}"#, #"{"a":2}"#))
        #expect(!GoldenJSON.areEqual(#"[1,2]"#, #"[2,1]"#))
        #expect(!GoldenJSON.areEqual("{", "{"))
    }

    @Test func logsWhatIsOutOfOrder() {
        var log = EventLog()
        log.add(.started(AnswerStart(id: ByteSlice("a"))))
        log.add(.delta(choice: 0, ByteSlice("x")))
        log.add(.partOpened(choice: 0, .text))
        log.add(.delta(choice: 0, ByteSlice("x\"")))
        log.add(.delta(choice: 0, ByteSlice("y")))
        #expect(
            log.joined == """
                started id="a" model=""
                ! noOpenPart
                0 delta "x"
                0 open text
                0 delta "x\\"y"
                """)
    }

    @Test(arguments: [0, 1, 7, 9, 16, 17, 1000])
    func feedsAStreamInPieces(_ cut: Int) {
        var heard = ""
        GoldenStream.events(of: "data: a\n\ndata: b", cutAt: cut) { heard += $0.data.string + ";" }
        #expect(heard == "a;b;")
    }
}
