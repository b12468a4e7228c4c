// SourceTree.swift — the repository's own files as text, for the rules that read them.
// System calls only. Imported by nobody; used by the tests of this folder.

import Glibc

/// One file of the repository.
struct SourceFile {
    /// From the top of the repository.
    let path: String
    let text: String

    /// With the line's number, from 1.
    var lines: [(number: Int, text: Substring)] {
        text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
            .map { ($0.offset + 1, $0.element) }
    }

    /// The lines without what follows `//`. A `//` within a string literal cuts the line short,
    /// which hides a little and reports nothing wrongly.
    var code: [(number: Int, text: Substring)] {
        lines.map { line in
            (line.number, line.text.firstRange(of: "//").map { line.text[..<$0] } ?? line.text)
        }
    }
}

extension Substring {
    fileprivate func firstRange(of text: String) -> Index? {
        var rest = self[...]
        while !rest.isEmpty {
            if rest.hasPrefix(text) { return rest.startIndex }
            rest.removeFirst()
        }
        return nil
    }
}

/// What a rule has found.
struct Finding: Equatable, CustomStringConvertible {
    let path: String
    let line: Int
    let reason: String

    var description: String { "\(path):\(line): \(reason)" }
}

/// The folder tree that this test was built from.
enum SourceTree {
    static let top: String = {
        var components = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        components.removeLast(3)
        return components.joined(separator: "/")
    }()

    static let sources = files(under: "Sources")
    static let manifest = SourceFile(path: "Package.swift", text: read("Package.swift") ?? "")

    /// The names in a folder, sorted; empty where there is none.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir("\(top)/\(folder)") else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    static func isFolder(_ path: String) -> Bool {
        var info = stat()
        return stat("\(top)/\(path)", &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
    }

    static func exists(_ path: String) -> Bool { access("\(top)/\(path)", F_OK) == 0 }

    /// Every Swift file below a folder.
    static func files(under folder: String) -> [SourceFile] {
        var files: [SourceFile] = []
        for name in names(in: folder) {
            let path = "\(folder)/\(name)"
            if isFolder(path) {
                files += Self.files(under: path)
            } else if name.hasSuffix(".swift"), let text = read(path) {
                files.append(SourceFile(path: path, text: text))
            }
        }
        return files
    }

    static func read(_ path: String) -> String? {
        guard let file = fopen("\(top)/\(path)", "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&chunk, 1, chunk.count, file)
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }
}

/// The words of a line: runs of letters, digits and underscores.
func words(of line: some StringProtocol) -> [Substring] {
    Substring(line).split { !($0.isLetter || $0.isNumber || $0 == "_") }
}
