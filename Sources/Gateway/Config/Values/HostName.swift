// HostName.swift — what may stand where a host is wanted, and which hosts are this machine.

import ReactorCore

/// Judges names and addresses by their text; nothing is looked up.
enum HostName {
    /// Whether only this machine can be meant.
    static func isLoopback(_ host: String) -> Bool {
        let name = host.lowercased()
        if name == "localhost" || name == "::1" || name == "0:0:0:0:0:0:0:1" { return true }
        guard let parts = ipv4(name) else { return false }
        return parts[0] == 127
    }

    /// A host name, an IPv4 address, or an IPv6 address without brackets.
    static func check(_ host: String) throws(Refusal) -> String {
        let bytes = Array(host.utf8)
        if bytes.contains(ASCII.colon) {
            guard isIPv6(host) else { throw Refusal("is not a host: write it without a port") }
            return host
        }
        let labels = host.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        let isName = labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy {
                    ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == UInt8(ascii: "-")
                        || $0 == UInt8(ascii: "_")
                }
        }
        guard isName, bytes.count <= 253 else { throw Refusal("is not a host name or address") }
        // Digits and dots alone are meant as an address.
        if bytes.allSatisfy({ ASCII.isDigit($0) || $0 == UInt8(ascii: ".") }), ipv4(host) == nil {
            throw Refusal("is not an IPv4 address")
        }
        return host
    }

    /// The four numbers of an address; nil for anything else.
    static func ipv4(_ text: String) -> [Int]? {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var numbers: [Int] = []
        for part in parts {
            guard (1...3).contains(part.count), part.allSatisfy({ ASCII.isDigit($0) }),
                let number = Int(String(decoding: part, as: UTF8.self)), number <= 255
            else { return nil }
            numbers.append(number)
        }
        return numbers
    }

    /// Groups of up to four hexadecimal digits, once shortened by `::`, the last two also as IPv4.
    private static func isIPv6(_ text: String) -> Bool {
        var groups = text.split(separator: ":", omittingEmptySubsequences: false)
        guard groups.count >= 3 else { return false }
        var count = 8
        if let last = groups.last, last.utf8.contains(UInt8(ascii: ".")) {
            guard ipv4(String(last)) != nil else { return false }
            groups.removeLast()
            count = 6
        }
        // "::1" and "1::" have a second empty group at the edge.
        if groups.first == "", groups.dropFirst().first == "" { groups.removeFirst() }
        if count == 8, groups.last == "", groups.dropLast().last == "" { groups.removeLast() }
        let gaps = groups.filter(\.isEmpty).count
        let areGroups = groups.allSatisfy { group in
            group.utf8.count <= 4 && group.utf8.allSatisfy { ASCII.hexValue($0) != nil }
        }
        return areGroups && (gaps == 0 ? groups.count == count : gaps == 1 && groups.count <= count)
    }
}
