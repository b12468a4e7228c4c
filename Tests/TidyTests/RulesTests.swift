// RulesTests.swift — every rule shown a tree that breaks it, and one that only looks like it.

import Testing

@Suite struct RulesTests {
    private func file(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: path, text: text)
    }

    private func importFindings(_ path: String, _ text: String, _ declared: [String: [String]])
        -> [String]
    {
        Rules.imports([file(path, text)], declared: declared).map(\.description)
    }

    @Test func readsImportLines() {
        #expect(Rules.imported("import Glibc") == "Glibc")
        #expect(Rules.imported("    import Reactor") == "Reactor")
        #expect(Rules.imported("@testable import Reactor") == "Reactor")
        #expect(Rules.imported("package import CUV") == "CUV")
        #expect(
            Rules.imported("@preconcurrency public import struct Foundation.Data") == "Foundation")
        #expect(Rules.imported("let import = 1") == nil)
        #expect(Rules.imported("important import") == nil)
    }

    @Test func findsImports() {
        let declared = ["GatewayDoors": ["ReactorCore", "GatewayCodec"], "ReactorCore": ["CUV"]]
        let door = "Sources/Gateway/Doors/X/Door.swift"
        #expect(importFindings(door, "import Glibc\nimport ReactorCore", declared) == [])
        #expect(importFindings(door, "// import Foundation", declared) == [])
        #expect(
            importFindings(door, "// x\nimport Foundation", declared)
                == ["\(door):2: Foundation is nowhere in Sources"])
        #expect(
            importFindings(door, "import CUV", declared)
                == ["\(door):1: GatewayDoors may not import CUV"])
        #expect(
            importFindings(door, "import GatewayProviders", declared)
                == ["\(door):1: GatewayDoors may not import GatewayProviders"])
        #expect(
            importFindings(door, "import GatewayModel", declared)
                == [
                    "\(door):1: GatewayDoors imports GatewayModel, which its target does not declare"
                ])
        #expect(
            importFindings("Sources/Reactor/Core/A.swift", "import Reactor", declared)
                == ["Sources/Reactor/Core/A.swift:1: ReactorCore may not import Reactor"])
        #expect(
            importFindings("Sources/New/A.swift", "import CUV", declared)
                == ["Sources/New/A.swift:1: lies on no floor"])
    }

    @Test func findsDeclarations() {
        #expect(Rules.declarations(["GatewayWire": ["ReactorCore"]]) == [])
        #expect(
            Rules.declarations(["GatewayPolicy": ["GatewayWire"]])
                == ["GatewayPolicy declares GatewayWire"])
    }

    @Test func findsSiblings() {
        let top = "Sources/Gateway/Doors"
        let files = [
            file("\(top)/Table.swift", "package struct Table { let one: OneReader }"),
            file("\(top)/One/One.swift", "package struct OneReader {\n    enum Kind {}\n}"),
            file("\(top)/One/Rest.swift", "private struct Hidden {}\nlet x = OneReader()"),
            file(
                "\(top)/Two/Two.swift", "enum Kind {}\nstruct Hidden {}\n// OneReader\nlet t: Table"
            ),
        ]
        #expect(Rules.siblings(files, below: top) == [])
        let guilty = file("\(top)/Two/More.swift", "// x\nlet reader = OneReader()")
        #expect(
            Rules.siblings(files + [guilty], below: top).map(\.description)
                == ["\(top)/Two/More.swift:2: names OneReader of One"])
    }

    @Test func findsWords() {
        let path = "Sources/Reactor/IO/A.swift"
        #expect(Rules.vocabulary([file(path, "/// A Chat is served.")]).count == 1)
        #expect(Rules.vocabulary([file(path, "case 502: \"Bad Gateway\"")]) == [])
        #expect(Rules.vocabulary([file(path, "promptly; chatty; chatCount")]) == [])
        #expect(Rules.vocabulary([file("Sources/Gateway/A.swift", "chat")]) == [])
    }

    @Test func findsPrinting() {
        let path = "Sources/Gateway/Exchange/A.swift"
        #expect(Rules.printing([file(path, "f(); print(\"a\")")]).count == 1)
        #expect(Rules.printing([file(path, "debugPrint(1)")]).count == 1)
        #expect(Rules.printing([file(path, "fingerprint(a); p.print(a); // print(a)")]) == [])
        #expect(Rules.printing([file("Sources/Gateway/Main/A.swift", "print(1)")]) == [])
    }

    @Test func findsLeftovers() {
        #expect(Rules.leftovers([file("Tests/A.swift", "// TODO: more")]).count == 1)
        #expect(Rules.leftovers([file("Tests/A.swift", "let x = 1 // FIXME")]).count == 1)
        #expect(Rules.leftovers([file("Tests/A.swift", "\"test-XXXXXX\", todo")]) == [])
    }

    @Test func findsFuzzTargets() {
        #expect(Rules.fuzzers(["a": ["seed"]], declared: ["a"]) == [])
        #expect(Rules.fuzzers(["a": ["seed"]], declared: []) == ["a is not in Package.swift"])
        #expect(Rules.fuzzers(["a": []], declared: ["a"]) == ["a has no Corpus"])
        #expect(Rules.fuzzers([:], declared: ["a"]) == ["a has no folder"])
    }

    @Test func readsTheManifest() {
        let manifest = Manifest(
            file(
                "Package.swift",
                """
                func floor(_ name: String) -> Target { .target(name: name) }
                floor("A", "Folder", on: ["B", "C"]), // floor("Z", on: [])
                .target(name: "B", dependencies: ["C"], path: "x", settings: ["D"]),
                .executableTarget(
                    name: "E",
                    dependencies: [
                        "A",
                        .product(name: "P", package: "swift-argument-parser"),
                    ]),
                fuzzer("f", on: ["A"])
                """))
        #expect(manifest.dependencies["A"] == ["B", "C"])
        #expect(manifest.dependencies["B"] == ["C"])
        #expect(manifest.dependencies["E"] == ["A", "P"])
        #expect(manifest.dependencies["Z"] == nil)
        #expect(manifest.fuzzers == ["f"])
    }
}
