// ZoneFiles.swift — the system's tz database, for the built-in tool `get_time`.
// Reads files, at most once each; they are small and local. Owned by the worker.

import GatewayTools
import Glibc
import ReactorCore

/// Zone files by name.
package final class ZoneFiles {
    package static let countMax = 64

    private let folder: String
    private var known: [String: [UInt8]] = [:]

    package init(folder: String = "/usr/share/zoneinfo") { self.folder = folder }

    /// The bytes of a zone's file; nil if there is none, or one that is too long. The name must be
    /// sane.
    package func bytes(of name: ByteSlice) -> [UInt8]? {
        guard TimeZoneRules.isSane(name) else { return nil }
        let zone = name.string
        if let bytes = known[zone] { return bytes }
        guard let bytes = read("\(folder)/\(zone)") else { return nil }
        if known.count >= Self.countMax { known.removeAll() }
        known[zone] = bytes
        return bytes
    }

    private func read(_ path: String) -> [UInt8]? {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: TimeZoneRules.fileBytesMax + 1)
        var count = 0
        while count < bytes.count {
            let length = bytes.withUnsafeMutableBytes {
                Glibc.read(file, $0.baseAddress.map { $0 + count }, $0.count - count)
            }
            guard length > 0 else { break }
            count += length
        }
        guard count > 0, count <= TimeZoneRules.fileBytesMax else { return nil }
        return Array(bytes[..<count])
    }
}
