// TidyTests.swift — holds the repository to its architecture (ARCHITECTURE.md). A finding names
// file and line.

import Testing

@Suite struct TidyTests {
    private let manifest = Manifest(SourceTree.manifest)

    @Test func theTreeIsFound() {
        #expect(SourceTree.sources.count > 50)
        #expect(manifest.dependencies["Reactor"] == ["CUV", "ReactorCore"])
        #expect(manifest.dependencies["GatewayModel"]?.contains("GatewayCodec") == true)
        #expect(manifest.dependencies["gateway"]?.contains("ArgumentParser") == true)
    }

    @Test func everyFloorIsATarget() {
        for floor in Floor.all where SourceTree.isFolder(floor.folder) {
            #expect(manifest.dependencies[floor.module] != nil, "\(floor.module)")
        }
    }

    @Test func floorsImportDownwards() {
        #expect(Rules.imports(SourceTree.sources, declared: manifest.dependencies) == [])
        #expect(Rules.declarations(manifest.dependencies) == [])
    }

    @Test(arguments: ["Sources/Gateway/Doors", "Sources/Gateway/Providers"])
    func siblingsDoNotKnowEachOther(folder: String) {
        #expect(Rules.siblings(SourceTree.sources, below: folder) == [])
    }

    @Test func theReactorKnowsNothingOfItsUse() {
        #expect(Rules.vocabulary(SourceTree.sources) == [])
    }

    @Test func onlyTheCommandLinePrints() {
        #expect(Rules.printing(SourceTree.sources) == [])
    }

    @Test func nothingIsLeftToDoInComments() {
        let folders = ["Sources", "Tests", "Fuzz", "examples", "Benchmarks"]
        let files = folders.flatMap { SourceTree.files(under: $0) }
            .filter { !$0.path.hasPrefix("Tests/TidyTests/") }
        #expect(Rules.leftovers(files) == [])
    }

    @Test func everyFuzzTargetIsBuiltAndFed() {
        var folders: [String: [String]] = [:]
        for name in SourceTree.names(in: "Fuzz") where name != "Checks" {
            guard SourceTree.isFolder("Fuzz/\(name)") else { continue }
            folders[name] = SourceTree.names(in: "Fuzz/\(name)/Corpus")
        }
        #expect(!folders.isEmpty)
        #expect(Rules.fuzzers(folders, declared: manifest.fuzzers) == [])
    }

    /// Documents are written with what they describe: those that are there must say something.
    @Test func documentsAreNotEmpty() {
        for name in SourceTree.names(in: "docs") where name.hasSuffix(".md") {
            #expect((SourceTree.read("docs/\(name)") ?? "").count > 200, "docs/\(name)")
        }
    }

    /// What a reader should know and no build should fail for.
    @Test func report() {
        for file in SourceTree.sources {
            let count = file.lines.count
            if count > 400 { print("note: \(file.path) has \(count) lines") }
            if !file.text.hasPrefix("//") { print("note: \(file.path) has no header") }
            for document in Self.documents(in: file) where !SourceTree.exists(document) {
                print("note: \(file.path) names \(document), which is not there")
            }
        }
    }

    /// Mentions of files below `docs`.
    private static func documents(in file: SourceFile) -> Set<String> {
        let parts = file.text.split { $0.isWhitespace || "(),;\"`".contains($0) }
        return Set(
            parts.filter { $0.hasPrefix("docs/") && $0.contains(".md") }.map {
                String($0.hasSuffix(".") ? $0.dropLast() : $0)
            })
    }
}
