// Runs one way of reading JSON over one input, so that callgrind can count it:
//     valgrind --tool=callgrind bench-json <way> <input> <rounds>
// Two runs with different rounds give the instructions of one.

import CUV
import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import Glibc
import ReactorCore

enum Inputs {
    static let message = """
        {"role":"user","content":"Please summarise the following paragraph in two sentences, and \
        keep the names of all people in it: The committee met on Tuesday afternoon in the small \
        hall.\\nNobody was late."}
        """
    static let chat = """
        {"model":"gpt-4o-mini","messages":[{"role":"system","content":"You are a helpful \
        assistant. Answer briefly and name your sources."},\(message),{"role":"assistant",\
        "content":"The committee met on Tuesday. Everybody was on time."},\(message)],\
        "temperature":0.7,"max_tokens":256,"top_p":1,"stream":true,"stream_options":\
        {"include_usage":true},"tools":[{"type":"function","function":{"name":"get_weather",\
        "parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":\
        ["city"]}}}],"user":"user-1234"}
        """
    static let chunk = """
        {"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion.chunk","created":\
        1767225600,"model":"gpt-4o-mini-2024-07-18","service_tier":"default","system_fingerprint":\
        "fp_44709d6fcb","choices":[{"index":0,"delta":{"content":" brown"},"logprobs":null,\
        "finish_reason":null}],"usage":null}
        """
    static let plain = """
        {"model":"m","messages":[{"role":"user","content":"\
        \(String(repeating: "The quick brown fox jumps over the lazy dog. ", count: 1456))"}]}
        """
    static let lines = """
        {"model":"m","messages":[{"role":"user","content":"\
        \(String(repeating: "The quick \\\"brown\\\" fox jumps over the lazy dog.\\n", count: 1260))"}]}
        """
    static let han = """
        {"model":"m","messages":[{"role":"user","content":"\
        \(String(repeating: "天地玄黄，宇宙洪荒。日月盈昃，辰宿列张。", count: 1092))"}]}
        """

    static func named(_ name: String) -> String {
        switch name {
        case "chat": chat
        case "chunk": chunk
        case "plain": plain
        case "lines": lines
        case "han": han
        default: fatalError("no input '\(name)'")
        }
    }
}

func yyjson(_ bytes: ByteSlice, rounds: Int) -> Int {
    let room = yyjson_read_max_memory_usage(bytes.count, YYJSON_READ_NOFLAG)
    let memory = malloc(room)
    var pool = yyjson_alc()
    var sum = 0
    let text = UnsafeMutableRawPointer(mutating: bytes.base).assumingMemoryBound(to: CChar.self)
    for _ in 0..<rounds {
        _ = yyjson_alc_pool_init(&pool, memory, room)
        var fault = yyjson_read_err()
        let document = yyjson_read_opts(text, bytes.count, YYJSON_READ_NOFLAG, &pool, &fault)
        sum += yyjson_doc_get_val_count(document)
        yyjson_doc_free(document)
    }
    free(memory)
    return sum
}

func scanner(_ bytes: ByteSlice, rounds: Int) -> Int {
    var sum = 0
    for _ in 0..<rounds {
        do throws(JSONFailure) { sum += try JSONScanner.validate(bytes) == .object ? 1 : 0 } catch {
            fatalError("\(error)")
        }
    }
    return sum
}

func request(_ bytes: ByteSlice, rounds: Int) -> Int {
    var sum = 0
    for _ in 0..<rounds {
        do throws(Failure) { sum += try ChatRequestScan.scan(bytes).model.count } catch {
            fatalError("\(error)")
        }
    }
    return sum
}

func chunk(_ bytes: ByteSlice, rounds: Int) -> Int {
    var observer = ChatStreamObserver()
    for _ in 0..<rounds {
        guard case .chunk = observer.observe(bytes) else { fatalError("no chunk") }
    }
    return observer.chunkCount
}

/// As the first of its stream, or the first after something else in it has changed.
func firstChunk(_ bytes: ByteSlice, rounds: Int) -> Int {
    var sum = 0
    for _ in 0..<rounds {
        var observer = ChatStreamObserver()
        guard case .chunk = observer.observe(bytes) else { fatalError("no chunk") }
        sum += observer.chunkCount
    }
    return sum
}

func read(_ way: String, _ bytes: ByteSlice, _ rounds: Int) -> Int {
    switch way {
    case "yyjson": yyjson(bytes, rounds: rounds)
    case "scanner": scanner(bytes, rounds: rounds)
    case "request": request(bytes, rounds: rounds)
    case "chunk": chunk(bytes, rounds: rounds)
    case "first-chunk": firstChunk(bytes, rounds: rounds)
    default: fatalError("no way '\(way)'")
    }
}

func run() {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, let rounds = Int(arguments[3]) else {
        fatalError("usage: bench-json <way> <input> <rounds>")
    }
    Inputs.named(arguments[2]).withByteSlice { bytes in
        var before = timespec()
        var after = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before)
        let sum = read(arguments[1], bytes, rounds)
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after)
        let seconds =
            Double(after.tv_sec - before.tv_sec) + Double(after.tv_nsec - before.tv_nsec) / 1e9
        let each = seconds / Double(rounds)
        print(
            "\(arguments[1]) \(arguments[2]) \(bytes.count) B: \(each * 1e9) ns, \(Double(bytes.count) / each / 1e9) GB/s (\(sum))"
        )
    }
}
run()
