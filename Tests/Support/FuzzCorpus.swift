// FuzzCorpus.swift — the inputs of a fuzz target, for plain tests that replay them.

import Glibc

/// The committed inputs of the fuzz targets.
package enum FuzzCorpus {
    /// The files below `Fuzz/<target>`, in `Corpus` and `FailCases`, by name.
    package static func inputs(of target: String) -> [(String, [UInt8])] {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        var inputs: [(String, [UInt8])] = []
        for folder in ["Corpus", "FailCases"] {
            let path = "/\(root)/Fuzz/\(target)/\(folder)"
            guard let directory = opendir(path) else { continue }
            defer { closedir(directory) }
            while let entry = readdir(directory) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                guard !name.hasPrefix("."), let bytes = contents(of: "\(path)/\(name)") else {
                    continue
                }
                inputs.append(("\(folder)/\(name)", bytes))
            }
        }
        return inputs.sorted { $0.0 < $1.0 }
    }

    private static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }
}
