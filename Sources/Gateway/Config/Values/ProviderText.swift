// ProviderText.swift — texts of the operator's that become parts of a provider's URLs and headers,
// and which ones will do.

import ReactorCore

/// Judges such texts.
enum ProviderText {
    /// One part of a path or of a host's name: a project, a location, a version.
    static func segment(_ text: String) throws(Refusal) -> String {
        let isPlain = text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || "-_.:".utf8.contains($0)
        }
        guard isPlain, text.utf8.count <= 128, text != ".", text != ".." else {
            throw Refusal("holds something beside letters, digits, '-', '_', '.' and ':'")
        }
        return text
    }

    /// A location, which becomes the first part of a host's name.
    static func location(_ text: String) throws(Refusal) -> String {
        let isPlain = text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "-")
        }
        guard isPlain, text.utf8.count <= 40 else {
            throw Refusal("is not a location such as us-central1 or global")
        }
        return text.lowercased()
    }

    /// `v64.0`.
    static func salesforceVersion(_ text: String) throws(Refusal) -> String {
        let parts = text.dropFirst().utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let areNumbers = parts.allSatisfy { part in
            (1...4).contains(part.count) && part.allSatisfy { ASCII.isDigit($0) }
        }
        guard text.hasPrefix("v"), parts.count == 2, areNumbers else {
            throw Refusal("is not a version such as v64.0")
        }
        return text
    }

    /// A word in a header: no space, no comma.
    static func word(_ text: String) throws(Refusal) -> String {
        let isWord = text.utf8.allSatisfy { ASCII.isVisible($0) && $0 != ASCII.comma }
        guard isWord, text.utf8.count <= 256 else {
            throw Refusal("holds a space, a comma or a character that a header cannot hold")
        }
        return text
    }

    /// `en_US`.
    static func locale(_ text: String) throws(Refusal) -> String {
        let isPlain = text.utf8.allSatisfy {
            ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "_")
                || $0 == UInt8(ascii: "-")
        }
        guard isPlain, text.utf8.count <= 35 else {
            throw Refusal("is not a locale such as en_US")
        }
        return text
    }

    /// A URL that is sent as it is written.
    static func url(_ text: String) throws(Refusal) -> String {
        _ = try BaseURLText.parse(text)
        return text
    }
}
