import Testing

@testable import GatewayCommands

@Suite struct ChatLineTests {
    @Test(arguments: [
        ("", ChatLine.nothing), ("  \t", .nothing), ("hello", .say("hello")),
        ("  two words ", .say("two words")), ("/help", .help), ("/?", .help), ("/reset", .forget),
        ("/quit", .quit), (" /exit ", .quit), ("/model gpt-4o", .model("gpt-4o")),
        ("/model", .wrong("/model needs a name")), ("/system Be brief.", .system("Be brief.")),
        ("/system", .system(nil)), ("/tools on", .tools(true)), ("/tools off", .tools(false)),
        ("/tools maybe", .wrong("/tools is followed by on or off")),
        ("/nothing", .wrong("there is no /nothing; /help lists what there is")),
    ])
    func lines(line: String, meaning: ChatLine) {
        #expect(ChatLine.parse(line) == meaning)
    }

    @Test func theSpeedIsThatOfWriting() {
        let streamed = AnswerTiming(
            totalNanoseconds: 2_100_000_000, firstNanoseconds: 100_000_000, tokens: 41,
            isCounted: true)
        #expect(streamed.speed == 20)
        #expect(streamed.text == "41 tokens in 2.100 s, first after 0.100 s, 20.00 tokens/s")
        let whole = AnswerTiming(
            totalNanoseconds: 2_000_000_000, firstNanoseconds: nil, tokens: 10, isCounted: false)
        #expect(whole.text == "10 pieces in 2.000 s, 5.000 pieces/s")
        let short = AnswerTiming(
            totalNanoseconds: 1_000_000_000, firstNanoseconds: nil, tokens: 1, isCounted: true)
        #expect(short.speed == nil)
        #expect(short.text == "1 token in 1.000 s")
    }
}
