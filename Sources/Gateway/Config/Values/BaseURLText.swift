// BaseURLText.swift — http and https URLs, cut into what a connection and a request line need.

import ReactorCore

/// Reads base URLs and web origins.
package enum BaseURLText {
    /// `http[s]://host[:port][/path]`, without user, query or fragment.
    package static func parse(_ text: String) throws(Refusal) -> BaseURL {
        guard text.utf8.allSatisfy({ ASCII.isVisible($0) }) else {
            throw Refusal("holds a space or a character that a URL cannot hold")
        }
        let (usesTLS, rest) = try scheme(of: text)
        guard !rest.contains("?"), !rest.contains("#") else {
            throw Refusal("holds a query or a fragment, which a base URL cannot have")
        }
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        guard !rest[..<slash].contains("@") else {
            throw Refusal("holds a user name; credentials belong into api_key")
        }
        let (host, port) = try authority(rest[..<slash], defaultPort: usesTLS ? 443 : 80)
        var path = rest[slash...]
        while path.hasSuffix("/") { path.removeLast() }
        return BaseURL(usesTLS: usesTLS, host: host, port: port, pathPrefix: String(path))
    }

    /// A web origin (RFC 6454): a base URL without a path; or `*` for all.
    static func origin(_ text: String) throws(Refusal) -> String {
        if text == "*" { return text }
        let url = try parse(text)
        guard url.pathPrefix.isEmpty, !text.hasSuffix("/") else {
            throw Refusal("is not an origin: leave out everything behind host and port")
        }
        return text.lowercased()
    }

    private static func scheme(of text: String) throws(Refusal) -> (Bool, Substring) {
        let lower = text.lowercased()
        if lower.hasPrefix("https://") { return (true, text.dropFirst(8)) }
        if lower.hasPrefix("http://") { return (false, text.dropFirst(7)) }
        throw Refusal("does not begin with http:// or https://")
    }

    private static func authority(
        _ text: Substring, defaultPort: Int
    ) throws(Refusal) -> (host: String, port: Int) {
        var host = text
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { throw Refusal("lacks a closing ']'") }
            host = text[text.index(after: text.startIndex)..<end]
            let behind = text[text.index(after: end)...]
            guard host.contains(":"), behind.isEmpty || behind.hasPrefix(":") else {
                throw Refusal("has no valid host")
            }
            portText = behind.isEmpty ? nil : behind.dropFirst()
        } else if let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
        }
        do throws(Refusal) {
            guard !host.isEmpty else { throw Refusal("") }
            _ = try HostName.check(String(host))
        } catch {
            throw Refusal("has no valid host")
        }
        guard let portText else { return (host.lowercased(), defaultPort) }
        let isNumber = portText.utf8.allSatisfy { ASCII.isDigit($0) }
        guard isNumber, let port = Int(portText), (1...65535).contains(port) else {
            throw Refusal("has no valid port: it is a number from 1 to 65535")
        }
        return (host.lowercased(), port)
    }
}
