// ExampleProgram.swift — one of the programs of `examples/` as a process of its own.

import Glibc

/// A running example; killed with its last reference.
final class ExampleProgram {
    private let process: pid_t
    private let output: Int32
    private var text = ""
    private var status: Int32?

    /// Starts the program, which lies where the tests were built.
    init?(_ name: String, _ arguments: [String]) {
        let path = Self.productsFolder + "/" + name
        guard access(path, X_OK) == 0 else { return nil }
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { return nil }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_addclose(&actions, ends[0])
        defer { posix_spawn_file_actions_destroy(&actions) }
        // The threads that run tests block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child: pid_t = 0
        let code = posix_spawn(&child, path, &actions, &attributes, &words, environ)
        close(ends[1])
        guard code == 0 else {
            close(ends[0])
            return nil
        }
        process = child
        output = ends[0]
        _ = fcntl(output, F_SETFL, O_NONBLOCK)
    }

    deinit {
        if status == nil {
            kill(process, SIGKILL)
            var ignored: Int32 = 0
            waitpid(process, &ignored, 0)
        }
        close(output)
    }

    /// The folder of the test bundle that this code is in: the one mapped file of its kind.
    private static var productsFolder: String {
        guard let maps = fopen("/proc/self/maps", "r") else { return "." }
        defer { fclose(maps) }
        var line = [CChar](repeating: 0, count: 8192)
        while fgets(&line, Int32(line.count), maps) != nil {
            let text = String(
                decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            guard let start = text.firstIndex(of: "/"),
                let bundle = text.firstRange(of: ".xctest")
            else { continue }
            let path = text[start..<bundle.lowerBound]
            return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        }
        return "."
    }

    /// The port in the line that tells where it listens; nil when that does not come in time.
    func listeningPort() -> Int? {
        for _ in 0..<1000 {
            var buffer = [UInt8](repeating: 0, count: 1024)
            let count = read(output, &buffer, buffer.count)
            if count > 0 { text += String(decoding: buffer[..<count], as: UTF8.self) }
            if text.hasSuffix("\n") {
                return text.dropLast().split(separator: ":").last.flatMap { Int($0) }
            }
            usleep(5000)
        }
        return nil
    }

    /// Asks it to stop; returns its exit code, nil when it does not stop in time or by a signal.
    func stop() -> Int32? {
        kill(process, SIGTERM)
        for _ in 0..<400 {
            var code: Int32 = 0
            if waitpid(process, &code, WNOHANG) == process {
                status = code
                return code & 0x7F == 0 ? (code >> 8) & 0xFF : nil
            }
            usleep(5000)
        }
        return nil
    }
}
