// TestDirectory.swift — a directory that a test writes into and that goes when the test does.
// For any test target.

#if canImport(Glibc)
    import Glibc
#endif

/// A fresh directory below the system's temporary one, flat, removed with its last reference.
public final class TestDirectory {
    /// Its absolute path.
    public let path: String

    /// Makes the directory.
    public init() {
        let root = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(root)/reactor-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { fatalError("mkdtemp in \(root): errno \(errno)") }
        path = template.withUnsafeBufferPointer {
            String(cString: $0.baseAddress.unsafelyUnwrapped)
        }
    }

    deinit {
        guard let stream = opendir(path) else { return }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                String(cString: $0.bindMemory(to: CChar.self).baseAddress.unsafelyUnwrapped)
            }
            unlink("\(path)/\(name)")
        }
        closedir(stream)
        rmdir(path)
    }

    /// The path of a file that need not exist.
    public func path(of name: String) -> String { "\(path)/\(name)" }

    /// Opens a fresh file for a program that writes to a descriptor; the caller closes it.
    public func openForWriting(_ name: String) -> Int32 {
        let descriptor = open(path(of: name), O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { fatalError("open \(path(of: name)): errno \(errno)") }
        return descriptor
    }

    /// What a file holds by now.
    public func read(_ name: String) -> String {
        let descriptor = open(path(of: name), O_RDONLY)
        guard descriptor >= 0 else { fatalError("open \(path(of: name)): errno \(errno)") }
        defer { Glibc.close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk[..<count]
        }
    }

    /// Writes `text` into a file and tells its path.
    @discardableResult
    public func write(_ name: String, _ text: String) -> String {
        let file = path(of: name)
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        guard descriptor >= 0 else { fatalError("open \(file): errno \(errno)") }
        defer { Glibc.close(descriptor) }
        var copy = text
        copy.withUTF8 { bytes in
            guard Glibc.write(descriptor, bytes.baseAddress, bytes.count) == bytes.count else {
                fatalError("write \(file): errno \(errno)")
            }
        }
        return file
    }
}
