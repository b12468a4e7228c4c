// EnvironmentVariables.swift — the variables a configuration may read: the process's, beneath them
// those of `.env`, and for secrets the files that `NAME_FILE` points to.

/// Variables by name. Reads no environment and no file by itself: both are handed in.
struct EnvironmentVariables {
    /// Endings of names whose value may come from a file.
    static let secretSuffixes = ["_API_KEY", "_SECRET", "_SECRET_KEY", "_PASSWORD", "_TOKEN"]

    /// The highest first.
    private let layers: [[String: String]]
    private let readText: (String) throws(Refusal) -> String

    init(
        process: [String: String], dotEnv: [String: String] = [:],
        readText: @escaping (String) throws(Refusal) -> String
    ) {
        layers = [process, dotEnv]
        self.readText = readText
    }

    /// The value of `name`, or nil if it is not set; throws where a file should hold it and does
    /// not, or both say something.
    subscript(name: String) -> String? {
        get throws(Refusal) {
            let takesFile = Self.secretSuffixes.contains { name.hasSuffix($0) }
            for layer in layers {
                let file = takesFile ? layer[name + "_FILE"] ?? "" : ""
                guard !file.isEmpty else {
                    if let value = layer[name] { return value }
                    continue
                }
                guard (layer[name] ?? "").isEmpty else {
                    throw Refusal("is given by both \(name) and \(name)_FILE; keep one of them")
                }
                var text: String
                do throws(Refusal) {
                    text = try readText(file)
                } catch {
                    throw Refusal("is in the file that \(name)_FILE names, which \(error.reason)")
                }
                while let last = text.last, last.isNewline { text.removeLast() }
                return text
            }
            return nil
        }
    }
}
