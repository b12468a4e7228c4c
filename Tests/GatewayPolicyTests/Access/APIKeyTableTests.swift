// APIKeyTableTests.swift — who is let in, in every mode, and which models a key opens.

import GatewayModel
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct APIKeyTableTests {
    private func table(_ mode: AccessMode, _ keys: [(String, String, [String])] = []) -> APIKeyTable
    {
        APIKeyTable(
            mode: mode,
            entries: keys.map { name, key, models in
                APIKeyTable.Entry(
                    principal: Principal(name: name, models: models),
                    hash: key.withByteSlice { SHA256Digest(of: $0) })
            })
    }

    private func admit(_ table: APIKeyTable, _ credential: String?) -> APIKeyTable.Admission {
        guard let credential else { return table.admit(nil) }
        return credential.withByteSlice { table.admit($0) }
    }

    @Test func openModeAsksForNothing() {
        let table = table(.open, [("a", "key-a", [])])
        #expect(admit(table, nil) == .anyone)
        #expect(admit(table, "whatever") == .anyone)
    }

    @Test func bearerModeAsksForSomething() {
        let table = table(.bearer)
        #expect(admit(table, nil) == .missing)
        #expect(admit(table, "") == .missing)
        #expect(admit(table, "whatever") == .anyone)
    }

    @Test func keysModeAsksForOneOfThem() {
        let table = table(.keys, [("a", "key-a", []), ("b", "key-b", []), ("c", "key-c", [])])
        #expect(admit(table, "key-a") == .key(0))
        #expect(admit(table, "key-b") == .key(1))
        #expect(admit(table, "key-c") == .key(2))
        #expect(admit(table, nil) == .missing)
        #expect(admit(table, "") == .missing)
        for wrong in ["key-", "key-d", "key-aa", "KEY-A", " key-a", "key-a ", "\0"] {
            #expect(admit(table, wrong) == .invalid, "'\(wrong)'")
        }
    }

    @Test func keysModeWithoutKeysLetsNobodyIn() {
        #expect(admit(table(.keys), "key") == .invalid)
        #expect(admit(table(.keys), nil) == .missing)
    }

    /// The hash itself is in the configuration file, which more people read than hold the key.
    @Test func aHashIsNotAKey() {
        let hash = "key-a".withByteSlice { SHA256Digest(of: $0) }
        var hexadecimal = ByteBuffer()
        hash.appendHex(to: &hexadecimal)
        let table = table(.keys, [("a", "key-a", [])])
        #expect(admit(table, hexadecimal.string) == .invalid)
        #expect(hash.withBytes { table.admit($0) } == .invalid)
    }

    @Test func principalsHaveTheKeysName() {
        let table = table(.keys, [("a", "key-a", []), ("b", "key-b", ["m"])])
        #expect(table.principal(.key(1)) == Principal(name: "b", models: ["m"]))
        #expect(table.name(.key(0)) == "a" && table.name(.key(1)) == "b")
        #expect(table.name(.anyone).isEmpty && table.name(.invalid).isEmpty)
        #expect(table.principal(.anyone) == .anyone)
        #expect(table.principal(.missing) == .anyone)
        #expect(table.principal(.invalid) == .anyone)
    }

    @Test func modelPatternsBoundAKey() {
        let table = table(.keys, [("a", "1", ["gpt-*", "fast", "x*z"]), ("b", "2", [])])
        func allows(_ admission: APIKeyTable.Admission, _ model: String) -> Bool {
            model.withByteSlice { table.allows(admission, model: $0) }
        }
        for model in ["gpt-4o", "gpt-", "fast", "xz", "xyz"] {
            #expect(allows(.key(0), model), "\(model)")
        }
        for model in ["gpt", "faster", "fas", "x", "z", "xzy", "", "two/gpt-4o", "GPT-4o"] {
            #expect(!allows(.key(0), model), "\(model)")
        }
        #expect(allows(.key(1), "anything"))
        #expect(allows(.anyone, "anything"))
    }

    private let long = ["sk-a-0123456789abcdef", "sk-b-0123456789abcdef", "sk-c-0123456789abcdeg"]

    private func admit(
        _ table: APIKeyTable, _ credential: String, known: inout Int
    ) -> APIKeyTable.Admission {
        credential.withByteSlice { table.admit($0, known: &known) }
    }

    /// What was found last is a hint and no more: whatever it says, the answer is that of the digest.
    @Test func aKnownCredentialIsJudgedAsAnyOther() {
        let table = table(.keys, long.map { ($0, $0, []) } + [("short", "key-a", [])])
        let wrong = [
            "", "key", "key-b", "sk-a-0123456789abcdee", "sk-c-0123456789abcdef",
            "sk-a-0123456789abcde", "sk-a-0123456789abcdeff", "Sk-a-0123456789abcdef",
        ]
        // Twice, so that every key has been seen.
        for credential in (long + ["key-a"] + wrong) + (long + ["key-a"] + wrong) {
            for hint in [0, 1, 2, 3, 4, 5, -1, Int.max, Int.min] {
                var known = hint
                #expect(
                    admit(table, credential, known: &known) == admit(table, credential),
                    "'\(credential)', \(hint)")
            }
        }
    }

    @Test func aHintLeadsToTheKeyThatWasFound() {
        let table = table(.keys, long.map { ($0, $0, []) })
        var known = 0
        #expect(admit(table, long[1], known: &known) == .key(1))
        let hint = known
        #expect(hint != 0)
        #expect(admit(table, long[1], known: &known) == .key(1))
        #expect(known == hint)
        #expect(admit(table, "sk-x-0123456789abcdef", known: &known) == .invalid)
        #expect(admit(table, long[2], known: &known) == .key(2))
        #expect(known != hint)
    }

    /// A connection outlives a configuration: its hint may be another table's.
    @Test func aHintOfAnotherTableLetsNobodyIn() {
        let old = table(.keys, long.map { ($0, $0, []) })
        let new = table(.keys, [("b", long[1], [])])
        var known = 0
        #expect(admit(old, long[0], known: &known) == .key(0))
        #expect(admit(new, long[0], known: &known) == .invalid)
        #expect(admit(new, long[1], known: &known) == .key(0))
        var last = 3
        #expect(admit(new, long[2], known: &last) == .invalid)
    }
}
