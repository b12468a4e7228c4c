// Client.swift — a client of plain system calls that never blocks, and what it was answered.
// For the tests that run a whole gateway on one loop.

import GatewayCodec
import Glibc
import ReactorCore

/// A connection to a port of this machine.
final class Client {
    private var descriptor: Int32
    private(set) var input: [UInt8] = []
    /// Whether the server has ended or reset the connection.
    private(set) var hasEnded = false

    init(port: Int) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let code = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        precondition(code == 0, "connect: errno \(errno)")
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }

    deinit { close() }

    /// Small enough for the kernel to take at once.
    func send(_ text: String) {
        let bytes = Array(text.utf8)
        let sent = write(descriptor, bytes, bytes.count)
        precondition(sent == bytes.count, "write: \(sent), errno \(errno)")
    }

    func poll() {
        guard descriptor >= 0, !hasEnded else { return }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count > 0 {
                input += buffer[..<count]
            } else {
                if count == 0 || errno != EAGAIN { hasEnded = true }
                return
            }
        }
    }

    var text: String { String(decoding: input, as: UTF8.self) }

    /// Takes the first whole response off what has arrived.
    func takeAnswer() -> Answer? {
        guard let (answer, count) = Answer.read(input) else { return nil }
        input.removeFirst(count)
        return answer
    }

    func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }
}

/// A whole response.
struct Answer {
    var status = 0
    var fields: [String: String] = [:]
    var body = ""

    /// Reads a response to anything but HEAD; nil while it is not whole. Tells its length as well.
    static func read(_ bytes: [UInt8]) -> (Answer, Int)? {
        let end = Array("\r\n\r\n".utf8)
        guard let headEnd = bytes.indices.first(where: { bytes[$0...].starts(with: end) }) else {
            return nil
        }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        var answer = Answer()
        answer.status = lines.first.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            let value = String(parts[1]).drop { $0 == " " }
            answer.fields[parts[0].lowercased(), default: ""] += String(value)
        }
        var index = headEnd + 4
        if answer.fields["transfer-encoding"] == "chunked" {
            var body: [UInt8] = []
            while true {
                guard let line = bytes[index...].firstIndex(of: 0x0D) else { return nil }
                let size = Int(String(decoding: bytes[index..<line], as: UTF8.self), radix: 16) ?? 0
                guard line + 2 + size + 2 <= bytes.count else { return nil }
                body += bytes[(line + 2)..<(line + 2 + size)]
                index = line + 2 + size + 2
                if size == 0 { break }
            }
            answer.body = String(decoding: body, as: UTF8.self)
        } else {
            let count = answer.fields["content-length"].flatMap { Int($0) } ?? 0
            guard index + count <= bytes.count else { return nil }
            answer.body = String(decoding: bytes[index..<index + count], as: UTF8.self)
            index += count
        }
        return (answer, index)
    }

    /// The data of the events of a stream; comments are shown with their colon.
    var events: [String] {
        body.split(separator: "\n\n").map { event in
            event.hasPrefix("data: ") ? String(event.dropFirst(6)) : String(event)
        }
    }

    func json(_ path: String...) -> String? { Self.value(of: body, path) }

    /// A scalar's text at a path of names and indexes.
    static func value(of text: String, _ path: [String]) -> String? {
        text.withByteSlice { bytes in
            guard let tree = try? JSONArena().read(bytes) else { return nil }
            var value: JSONValue? = tree.root
            for name in path {
                if let index = Int(name) {
                    value = value.flatMap { Array($0.elements).dropFirst(index).first }
                } else {
                    value = value.flatMap { value in name.withByteSlice { value.member($0) } }
                }
            }
            guard let value else { return nil }
            return value.string?.string ?? value.int.map { "\($0)" } ?? value.bool.map { "\($0)" }
        }
    }
}
