// Rules.swift — the architecture's rules as functions from files to findings. Pure, so that each is
// also shown a tree that breaks it.

/// A floor: where it lies and which modules it may ever import.
struct Floor {
    let module: String
    let folder: String
    let may: Set<String>

    private static let codec: Set = ["ReactorCore", "GatewayCodec"]
    private static let dialects: Set = ["GatewayDoors", "GatewayProviders"]
    private static let meaning: Set = codec.union(["GatewayModel", "GatewayTools"])
    private static let exchange: Set =
        meaning.union(dialects).union([
            "Reactor", "GatewayWire", "GatewayPolicy", "GatewayTelemetry",
        ])

    /// From the bottom to the top. Package.swift may allow less, never more.
    static let all = [
        Floor(module: "ReactorCore", folder: "Sources/Reactor/Core", may: ["CUV"]),
        Floor(module: "Reactor", folder: "Sources/Reactor/IO", may: ["CUV", "ReactorCore"]),
        Floor(
            module: "GatewayCodec", folder: "Sources/Gateway/Codec", may: ["CUV", "ReactorCore"]),
        Floor(module: "GatewayModel", folder: "Sources/Gateway/Model", may: codec),
        Floor(module: "GatewayWire", folder: "Sources/Gateway/Wire", may: codec),
        Floor(
            module: "GatewayTools", folder: "Sources/Gateway/Tools",
            may: codec.union(["GatewayModel"])),
        Floor(
            module: "GatewayDoors", folder: "Sources/Gateway/Doors",
            may: meaning.union(["GatewayWire"])),
        Floor(
            module: "GatewayProviders", folder: "Sources/Gateway/Providers",
            may: meaning.union(["GatewayWire"])),
        Floor(module: "GatewayPolicy", folder: "Sources/Gateway/Policy", may: meaning),
        Floor(module: "GatewayTelemetry", folder: "Sources/Gateway/Telemetry", may: meaning),
        Floor(module: "GatewayExchange", folder: "Sources/Gateway/Exchange", may: exchange),
        Floor(
            module: "GatewayConfig", folder: "Sources/Gateway/Config",
            may: exchange.union(["GatewayExchange"])),
        Floor(
            module: "GatewayAdmin", folder: "Sources/Gateway/Admin",
            may: exchange.union(["GatewayExchange", "GatewayConfig"])),
        Floor(
            module: "GatewayCommands", folder: "Sources/Gateway/Commands",
            may: exchange.union(["CUV", "GatewayExchange", "GatewayConfig"])),
        Floor(
            module: "gateway", folder: "Sources/Gateway/Main",
            may: exchange.union([
                "CUV", "GatewayExchange", "GatewayConfig", "GatewayAdmin", "GatewayCommands",
                "ArgumentParser",
            ])),
    ]

    static func holding(_ path: String) -> Floor? {
        all.first { path.hasPrefix($0.folder + "/") }
    }
}

enum Rules {
    /// Modules of the system that every floor may import.
    private static let system: Set = ["Glibc", "Musl", "Darwin", "Synchronization"]

    /// The module of an import line.
    static func imported(_ line: some StringProtocol) -> Substring? {
        var words = Substring(line).split(separator: " ")
        // Attributes and access words come before, a kind of declaration after.
        while let first = words.first, first != "import" {
            guard
                first.hasPrefix("@")
                    || ["public", "package", "internal", "private"].contains(first)
            else { return nil }
            words.removeFirst()
        }
        guard words.count >= 2 else { return nil }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "let", "var"]
        let module = kinds.contains(words[1]) && words.count > 2 ? words[2] : words[1]
        return module.prefix { $0 != "." && $0 != ";" }
    }

    /// A floor imports what its target declares and the table allows: nothing else.
    static func imports(_ files: [SourceFile], declared: [String: [String]]) -> [Finding] {
        files.flatMap { file in
            file.code.compactMap { line -> Finding? in
                guard let name = imported(line.text).map(String.init), !system.contains(name)
                else { return nil }
                guard let floor = Floor.holding(file.path) else {
                    return Finding(path: file.path, line: line.number, reason: "lies on no floor")
                }
                let reason: String
                if name == "Foundation" || name.hasPrefix("Foundation") {
                    reason = "Foundation is nowhere in Sources"
                } else if !floor.may.contains(name) {
                    reason = "\(floor.module) may not import \(name)"
                } else if declared[floor.module]?.contains(name) != true {
                    reason = "\(floor.module) imports \(name), which its target does not declare"
                } else {
                    return nil
                }
                return Finding(path: file.path, line: line.number, reason: reason)
            }
        }
    }

    /// No target may declare what the table does not allow.
    static func declarations(_ declared: [String: [String]]) -> [String] {
        Floor.all.flatMap { floor in
            (declared[floor.module] ?? []).filter { !floor.may.contains($0) }
                .map { "\(floor.module) declares \($0)" }
        }
    }

    /// The folder right below `parent`, or nil for a file that all of them share.
    private static func sibling(_ path: String, below parent: String) -> Substring? {
        guard path.hasPrefix(parent + "/") else { return nil }
        let parts = path.dropFirst(parent.count + 1).split(separator: "/")
        return parts.count > 1 ? parts[0] : nil
    }

    private struct Declaration {
        let name: Substring
        /// Whether other folders could mean it: it stands at the margin and is not private. A
        /// nested type is known by its outer one.
        let isSeen: Bool
    }

    private static func declarations(in file: SourceFile) -> [Declaration] {
        let kinds: Set<Substring> = ["struct", "enum", "class", "protocol", "actor", "typealias"]
        return file.code.compactMap { line in
            let words = words(of: line.text)
            guard let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count else {
                return nil
            }
            let isHidden = words[..<kind].contains { $0 == "private" || $0 == "fileprivate" }
            let isNested = line.text.first?.isWhitespace == true
            return Declaration(name: words[kind + 1], isSeen: !isHidden && !isNested)
        }
    }

    /// A door or a provider names none of its siblings' types.
    static func siblings(_ files: [SourceFile], below parent: String) -> [Finding] {
        var owners: [Substring: Substring] = [:]
        var own: [Substring: Set<Substring>] = [:]
        for file in files {
            guard let folder = sibling(file.path, below: parent) else { continue }
            for declaration in declarations(in: file) {
                own[folder, default: []].insert(declaration.name)
                if declaration.isSeen { owners[declaration.name] = folder }
            }
        }
        return files.flatMap { file -> [Finding] in
            guard let folder = sibling(file.path, below: parent) else { return [] }
            return file.code.flatMap { line in
                words(of: line.text).compactMap { word in
                    guard let owner = owners[word], owner != folder,
                        own[folder]?.contains(word) != true
                    else { return nil }
                    return Finding(
                        path: file.path, line: line.number, reason: "names \(word) of \(owner)")
                }
            }
        }
    }

    private static let foreign: Set = ["openai", "anthropic", "prompt", "chat", "llm", "gateway"]
    /// Reason phrases are HTTP's own.
    private static let phrases = ["\"Bad Gateway\"", "\"Gateway Timeout\""]

    /// The reactor knows nothing of what it is used for.
    static func vocabulary(_ files: [SourceFile]) -> [Finding] {
        files.filter { $0.path.hasPrefix("Sources/Reactor/") }.flatMap { file in
            file.lines.flatMap { line -> [Finding] in
                if phrases.contains(where: { line.text.contains($0) }) { return [] }
                return words(of: line.text).filter { foreign.contains($0.lowercased()) }.map {
                    Finding(path: file.path, line: line.number, reason: "says \($0)")
                }
            }
        }
    }

    /// Only the command line prints.
    static func printing(_ files: [SourceFile]) -> [Finding] {
        files.filter { !$0.path.hasPrefix("Sources/Gateway/Main/") }.flatMap { file in
            file.code.filter { line in
                let parts = line.text.split(separator: "(", omittingEmptySubsequences: false)
                return parts.dropLast().contains { part in
                    ["print", "debugPrint", "dump"].contains { name in
                        part.hasSuffix(name) && !isNamePart(part.dropLast(name.count).last)
                    }
                }
            }.map { Finding(path: file.path, line: $0.number, reason: "prints") }
        }
    }

    /// Whether a character before a name makes it another name, or a member of something.
    private static func isNamePart(_ character: Character?) -> Bool {
        guard let character else { return false }
        return character.isLetter || character.isNumber || character == "_" || character == "."
    }

    private static let marks: Set<Substring> = ["TODO", "FIXME", "XXX", "HACK"]

    /// What is left to do is an issue, not a comment.
    static func leftovers(_ files: [SourceFile]) -> [Finding] {
        files.flatMap { file in
            file.lines.flatMap { line in
                words(of: line.text).filter(marks.contains).map {
                    Finding(path: file.path, line: line.number, reason: "says \($0)")
                }
            }
        }
    }

    /// Every fuzz target is built by the manifest and has something to start from.
    static func fuzzers(_ folders: [String: [String]], declared: Set<String>) -> [String] {
        folders.sorted { $0.key < $1.key }.flatMap { name, corpus -> [String] in
            (declared.contains(name) ? [] : ["\(name) is not in Package.swift"])
                + (corpus.isEmpty ? ["\(name) has no Corpus"] : [])
        } + declared.subtracting(folders.keys).sorted().map { "\($0) has no folder" }
    }
}
