import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct NewKeyTests {
    @Test func aKeyHasAllItsRandomBytes() {
        let bytes = (0..<32).map { UInt8($0) }
        let key = bytes.withUnsafeBytes { NewKey.text(from: ByteSlice($0)) }
        #expect(key == "sk-gw-AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        #expect(NewKey.fault(in: key) == nil)
    }

    @Test func noTwoAreTheSame() {
        #expect(Set((0..<100).map { _ in NewKey.random() }).count == 100)
    }

    @Test func hashesAsOtherProgramsDo() {
        #expect(
            NewKey.hash(of: "abc")
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func aKeyThatNobodyCouldPresentIsRefused() {
        #expect(NewKey.fault(in: "") != nil)
        #expect(NewKey.fault(in: "two words") != nil)
        #expect(NewKey.fault(in: "schlüssel") != nil)
    }
}
