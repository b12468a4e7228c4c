import Glibc
import TestSupport
import Testing

@testable import GatewayCommands

@Suite struct PIDFileTests {
    @Test func recordsReadAsTheyWereWritten() {
        for record in [PIDRecord(process: 7), PIDRecord(process: 12, url: "http://[::1]:80")] {
            #expect(PIDRecord(Array(record.text.utf8)) == record)
        }
        #expect(PIDRecord(Array("7".utf8)) == PIDRecord(process: 7))
        for text in ["", "\n", "x\n", "-1\n", "0\n", "7 8\n"] {
            #expect(PIDRecord(Array(text.utf8)) == nil, "\(text)")
        }
    }

    @Test func aFileThatIsHeldIsToldFromOneThatWasLeft() throws {
        let directory = TestDirectory()
        let path = directory.path(of: "gateway.pid")
        #expect(try PIDFile.look(path) == .none)
        #expect(try PIDFile.look(directory.path(of: "none/gateway.pid")) == .none)
        let file = try PIDFile(taking: path)
        #expect(try PIDFile.look(path) == .running(PIDRecord(process: getpid())))
        #expect(throws: PIDFileFailure.self) { try PIDFile(taking: path) }
        try file.listening(at: "http://127.0.0.1:1")
        let record = PIDRecord(process: getpid(), url: "http://127.0.0.1:1")
        #expect(try PIDFile.look(path) == .running(record))
        file.remove()
        #expect(try PIDFile.look(path) == .none)
        let left = open(path, O_WRONLY | O_CREAT, 0o644)
        _ = write(left, "4711\n", 5)
        close(left)
        #expect(try PIDFile.look(path) == .stale(PIDRecord(process: 4711)))
        // It is taken over, and holds nothing of what was in it.
        let next = try PIDFile(taking: path)
        #expect(try PIDFile.look(path) == .running(PIDRecord(process: getpid())))
        next.remove()
    }

    @Test func aFileThatCannotBeMadeIsNamed() {
        do {
            _ = try PIDFile(taking: "/nowhere/gateway.pid")
            Issue.record("it was made")
        } catch {
            #expect(error.description.hasPrefix("/nowhere/gateway.pid cannot be opened: "))
        }
    }
}
