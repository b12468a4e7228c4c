// YAMLEventReader.swift — libyaml's event parser as a Swift value. Only YAMLComposer uses it.

import CUV
import ReactorCore

/// What libyaml saw, copied out of its memory.
struct YAMLEvent {
    enum Kind {
        case documentStart
        case scalar(String, isPlain: Bool)
        case alias(String)
        case sequenceStart
        case mappingStart
        case collectionEnd
        case end
    }

    var kind: Kind
    var anchor: String?
    var mark: YAMLMark
}

/// Owns one libyaml parser. The input must outlive it.
struct YAMLEventReader: ~Copyable {
    let source: String
    private let bytes: ByteSlice
    /// On the heap: libyaml keeps a pointer to it.
    private let parser: UnsafeMutablePointer<yaml_parser_t>

    init(_ bytes: ByteSlice, source: String) {
        self.bytes = bytes
        self.source = source
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else { fatalError("out of memory: YAML parser") }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, bytes.base, bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// The next event that matters; `end` once the stream is over.
    mutating func next() throws(YAMLFailure) -> YAMLEvent {
        while true {
            var event = yaml_event_t()
            guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxFailure() }
            defer { yaml_event_delete(&event) }
            let place = mark(event.start_mark)
            switch event.type {
            case YAML_DOCUMENT_START_EVENT:
                return YAMLEvent(kind: .documentStart, mark: place)
            case YAML_ALIAS_EVENT:
                return YAMLEvent(kind: .alias(text(event.data.alias.anchor)), mark: place)
            case YAML_SCALAR_EVENT:
                let scalar = event.data.scalar
                try refuse(tag: scalar.tag, at: place)
                let value = UnsafeRawBufferPointer(start: scalar.value, count: scalar.length)
                return YAMLEvent(
                    kind: .scalar(
                        String(decoding: value, as: UTF8.self),
                        isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE),
                    anchor: scalar.anchor.map { text($0) }, mark: place)
            case YAML_SEQUENCE_START_EVENT:
                let start = event.data.sequence_start
                try refuse(tag: start.tag, at: place)
                return YAMLEvent(
                    kind: .sequenceStart, anchor: start.anchor.map { text($0) }, mark: place)
            case YAML_MAPPING_START_EVENT:
                let start = event.data.mapping_start
                try refuse(tag: start.tag, at: place)
                return YAMLEvent(
                    kind: .mappingStart, anchor: start.anchor.map { text($0) }, mark: place)
            case YAML_SEQUENCE_END_EVENT, YAML_MAPPING_END_EVENT:
                return YAMLEvent(kind: .collectionEnd, mark: place)
            case YAML_STREAM_END_EVENT, YAML_NO_EVENT:
                return YAMLEvent(kind: .end, mark: place)
            default:
                continue
            }
        }
    }

    private func mark(_ mark: yaml_mark_t) -> YAMLMark {
        YAMLMark(source: source, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func text(_ name: UnsafeMutablePointer<yaml_char_t>?) -> String {
        name.map { String(cString: $0) } ?? ""
    }

    /// The schema says what each value is, so a tag could only contradict it.
    private func refuse(
        tag: UnsafeMutablePointer<yaml_char_t>?, at place: YAMLMark
    ) throws(YAMLFailure) {
        guard tag != nil else { return }
        throw YAMLFailure(
            reason: .tag, mark: place, message: "tags (the words that begin with '!') are not read")
    }

    private func syntaxFailure() -> YAMLFailure {
        let failed = parser.pointee
        if failed.error == YAML_MEMORY_ERROR { fatalError("out of memory: YAML parser") }
        var message = failed.problem.map { String(cString: $0) } ?? "this is not YAML"
        if failed.error == YAML_READER_ERROR {
            // The reader works ahead of the scanner and knows only an offset.
            return YAMLFailure(
                reason: .syntax, mark: mark(at: failed.problem_offset),
                message: "the file is not UTF-8 text: \(message)")
        }
        if let context = failed.context {
            message += " " + String(cString: context)
            message += " that begins on line \(failed.context_mark.line + 1)"
        }
        return YAMLFailure(reason: .syntax, mark: mark(failed.problem_mark), message: message)
    }

    /// The place of a byte, found by counting line ends and the characters behind the last one.
    private func mark(at offset: Int) -> YAMLMark {
        var line = 1
        var column = 1
        for byte in bytes.prefix(min(offset, bytes.count)).raw {
            if byte == ASCII.lf {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return YAMLMark(source: source, line: line, column: column)
    }
}
