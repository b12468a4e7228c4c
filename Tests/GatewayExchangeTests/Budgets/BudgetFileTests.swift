// BudgetFileTests.swift — the file of what keys have spent: what it holds, and that nothing but a whole one
// is believed.

import GatewayExchange
import GatewayPolicy
import Glibc
import ReactorCore
import TestSupport
import Testing

@Suite struct BudgetFileTests {
    private static let sums = [
        BudgetSum(key: "a-1", period: .month, end: 1_796_083_200, spent: 1_500_000_010),
        BudgetSum(key: "b.c", period: .hour, end: 1_795_654_800, spent: BudgetSum.spentMax),
        BudgetSum(key: "d", period: .total, end: nil, spent: 10),
    ]
    private let directory = TestDirectory()

    private func file() -> BudgetFile { BudgetFile(directory: directory.path) }

    private func write(_ sums: [BudgetSum] = BudgetFileTests.sums) {
        let file = file()
        #expect(file.lock() == .taken)
        #expect(file.write(sums, seconds: 7) == nil)
    }

    private static func decode(_ text: String) -> [BudgetSum]? {
        text.withByteSlice { BudgetFile.decode($0) }
    }

    private static func encode(_ sums: [BudgetSum] = sums) -> String {
        var buffer = ByteBuffer()
        BudgetFile.encode(sums, seconds: 7, to: &buffer)
        return buffer.string
    }

    @Test func keepsSums() {
        #expect(file().read() == .nothing)
        write()
        #expect(file().read() == .sums(Self.sums))
        write([])
        #expect(file().read() == .sums([]))
        var status = stat()
        #expect(stat(directory.path(of: "budgets.json"), &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(stat(directory.path(of: "budgets.json.new"), &status) != 0)
    }

    @Test func saysWhatItHolds() {
        write(Array(Self.sums.suffix(2)))
        #expect(
            directory.read("budgets.json")
                == #"{"written_at":7,"keys":[{"key":"b.c","period":"hour","#
                + #""until":1795654800,"spent_nanodollars":175921860444150},{"key":"d","period":"total","#
                + #""spent_nanodollars":10}]}"# + "\n")
    }

    @Test func oneHasIt() {
        let (first, second) = (file(), file())
        #expect(first.lock() == .taken)
        #expect(second.lock() == .busy)
        first.unlock()
        #expect(second.lock() == .taken)
    }

    @Test func everyPartOfAFileIsBroken() {
        let text = Self.encode()
        #expect(Self.decode(text) == Self.sums)
        for count in 0..<text.utf8.count - 2 {
            let part = String(decoding: Array(text.utf8.prefix(count)), as: UTF8.self)
            #expect(Self.decode(part) == nil, "\(count) bytes")
        }
    }

    @Test(arguments: [
        "", "[]", "{}", "null", #"{"keys":{}}"#, #"{"keys":[1]}"#, #"{"keys":[{}]}"#,
        #"{"keys":[{"key":"","period":"total","spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":7,"period":"total","spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"year","until":5,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"day","spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"day","until":null,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"day","until":-1,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"day","until":9223372036854775807,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"day","until":1e400,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"total","until":5,"spent_nanodollars":1}]}"#,
        #"{"keys":[{"key":"a","period":"total","spent_nanodollars":-1}]}"#,
        #"{"keys":[{"key":"a","period":"total","spent_nanodollars":1.5}]}"#,
        #"{"keys":[{"key":"a","period":"total","spent_nanodollars":"1"}]}"#,
        #"{"keys":[{"key":"a","period":"total","spent_nanodollars":175921860444151}]}"#,
        #"{"keys":[{"key":"a","period":"total"}]}"#,
        #"{"keys":[{"key":"a","period":"total","spent_nanodollars":1},"#
            + #"{"key":"a","period":"total","spent_nanodollars":1}]}"#,
        #"{"keys":[]} x"#, #"{"keys":[[[[[[]]]]]]}"#,
    ])
    func whatIsNotAsWeWriteItIsBroken(text: String) {
        #expect(Self.decode(text) == nil)
        directory.write("budgets.json", text)
        #expect(file().read() == .broken)
    }

    @Test(arguments: [0o640, 0o622, 0o666] as [mode_t])
    func whatOthersCanReadOrWriteIsBroken(mode: mode_t) {
        write()
        chmod(directory.path(of: "budgets.json"), mode)
        #expect(file().read() == .broken)
    }

    @Test func aBrokenFileIsPutAside() {
        directory.write("budgets.json", "nonsense")
        #expect(file().putAside() == directory.path(of: "budgets.json.broken"))
        #expect(file().read() == .nothing)
        #expect(directory.read("budgets.json.broken") == "nonsense")
    }

    @Test func aMissingDirectoryIsSaid() {
        let nowhere = BudgetFile(directory: directory.path(of: "missing"))
        guard case .unavailable = nowhere.lock() else {
            Issue.record("a lock without a directory")
            return
        }
    }
}
