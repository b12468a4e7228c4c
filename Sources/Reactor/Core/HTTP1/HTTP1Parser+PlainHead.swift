// HTTP1Parser+PlainHead.swift — heads in the one form that nearly every peer sends, without llhttp.
// Accepts a small part of what llhttp and the checks behind it accept, and says the same of it;
// whatever is not plainly of that form is left untouched, and llhttp judges it (docs/decisions/0010).
// Pure. Only HTTP1Parser uses it.

/// The field table of plain heads; one for all parsers of a loop, as only one head is read at once.
struct PlainFieldTable {
    static let capacity = 256
    let ranges = UnsafeMutablePointer<HTTPFieldRange>.allocate(capacity: Self.capacity)
}

extension ParserState {
    /// Takes the head at the front of `input` if it is all there and plain:
    ///
    /// - a GET or POST of a path without unusual characters, or a status of 200 to 599 that has a
    ///   body, in HTTP/1.1;
    /// - field lines of `name: value CR LF`, names of letters, digits, `-` and `_`, values that are
    ///   not empty and hold nothing but printable ASCII;
    /// - a length told once in digits (a request may have none), no coding, no upgrade, nothing
    ///   said of the connection but that it stays.
    ///
    /// - Returns: the bytes of the head, or nil: then nothing has changed.
    mutating func takePlainHead(
        _ input: ByteSlice, isRequest: Bool, into table: PlainFieldTable
    ) -> Int? {
        var scan = PlainHeadScan(input, limits: limits)
        guard isRequest ? scan.requestLine() : scan.statusLine(), scan.fieldLines(into: table)
        else { return nil }
        guard isRequest || scan.bodyLength != nil else { return nil }
        headBase = input.base
        headCount = scan.at - input.base
        fieldTable = UnsafePointer(table.ranges)
        fieldCount = scan.fieldCount
        targetStart = scan.targetStart
        targetCount = scan.targetCount
        method = scan.method
        status = scan.status
        minorVersion = 1
        keepsAlive = true
        asksForUpgrade = false
        let length = scan.bodyLength ?? 0
        framing = length == 0 ? .none : .length(length)
        plainBodyLeft = length
        isPlain = true
        inMessage = true
        inHead = false
        return headCount
    }
}

/// A pass over one head. Every read is guarded by a comparison with `end`.
private struct PlainHeadScan {
    private let start: UnsafePointer<UInt8>
    private let end: UnsafePointer<UInt8>
    private let limits: HTTPHeadLimits
    private(set) var at: UnsafePointer<UInt8>
    private(set) var method = HTTPMethod.other
    private(set) var targetStart: UInt32 = 0
    private(set) var targetCount: UInt32 = 0
    private(set) var status = 0
    private(set) var fieldCount = 0
    private(set) var bodyLength: UInt64?

    /// Looks no further than a head may be long.
    init(_ input: ByteSlice, limits: HTTPHeadLimits) {
        start = input.base
        end = input.base + min(input.count, limits.headBytesMax)
        at = start
        self.limits = limits
    }

    mutating func requestLine() -> Bool {
        let line = ByteSlice(at, count: end - at)
        if line.hasPrefix("POST /") {
            (method, at) = (.post, at + 5)
        } else if line.hasPrefix("GET /") {
            (method, at) = (.get, at + 4)
        } else {
            return false
        }
        let target = at
        while at < end, Self.isPlainInTarget(at.pointee) { at += 1 }
        targetStart = UInt32(target - start)
        targetCount = UInt32(truncatingIfNeeded: at - target)
        guard at - target <= limits.targetBytesMax,
            ByteSlice(at, count: end - at).hasPrefix(" HTTP/1.1\r\n")
        else { return false }
        at += 11
        return true
    }

    mutating func statusLine() -> Bool {
        guard end - at > 14, ByteSlice(at, count: end - at).hasPrefix("HTTP/1.1 "),
            ASCII.isDigit(at[9]), ASCII.isDigit(at[10]), ASCII.isDigit(at[11]),
            at[12] == ASCII.space
        else { return false }
        status = ByteSlice(at + 9, count: 3).decimalValue ?? 0
        guard status >= 200, status <= 599, status != 204, status != 304 else { return false }
        at = printableEnd(from: at + 13)
        return skipLineEnd()
    }

    mutating func fieldLines(into table: PlainFieldTable) -> Bool {
        let countMax = min(limits.fieldCountMax, PlainFieldTable.capacity)
        var index = 0
        while true {
            let name = at
            let colon = nameEnd(from: name)
            guard colon < end else { return false }
            if colon == name {
                fieldCount = index
                return skipLineEnd()
            }
            guard colon.pointee == ASCII.colon, index < countMax else { return false }
            var value = colon + 1
            while value < end, value.pointee == ASCII.space { value += 1 }
            at = printableEnd(from: value)
            var last = at
            guard skipLineEnd(), last - name <= limits.lineBytesMax else { return false }
            while last > value, last[-1] == ASCII.space { last -= 1 }
            guard last > value else { return false }
            table.ranges[index] = HTTPFieldRange(
                nameStart: UInt32(truncatingIfNeeded: name - start),
                nameCount: UInt32(truncatingIfNeeded: colon - name),
                valueStart: UInt32(truncatingIfNeeded: value - start),
                valueCount: UInt32(truncatingIfNeeded: last - value))
            index += 1
            guard
                isHarmless(
                    ByteSlice(name, count: colon - name), ByteSlice(value, count: last - value))
            else { return false }
        }
    }

    /// Whether a field says nothing of the message's framing that is not plain.
    @inline(__always)
    private mutating func isHarmless(_ name: ByteSlice, _ value: ByteSlice) -> Bool {
        switch name.count {
        case 7: return !name.equalsIgnoringCase("upgrade")
        case 10:
            return !name.equalsIgnoringCase("connection")
                || value.equalsIgnoringCase("keep-alive")
        case 14:
            guard name.equalsIgnoringCase("content-length") else { return true }
            guard bodyLength == nil, value.count <= 18, let length = value.decimalValue else {
                return false
            }
            bodyLength = UInt64(length)
            return true
        case 16: return !name.equalsIgnoringCase("proxy-connection")
        case 17: return !name.equalsIgnoringCase("transfer-encoding")
        default: return true
        }
    }

    @inline(__always)
    private mutating func skipLineEnd() -> Bool {
        guard end - at >= 2, at[0] == ASCII.cr, at[1] == ASCII.lf else { return false }
        at += 2
        return true
    }

    private static func isPlainInTarget(_ byte: UInt8) -> Bool {
        if ASCII.isLetter(byte) || ASCII.isDigit(byte) { return true }
        switch byte {
        case UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"), UInt8(ascii: ":"), UInt8(ascii: "?"), UInt8(ascii: "="),
            UInt8(ascii: "&"), UInt8(ascii: "%"):
            return true
        default: return false
        }
    }

    /// The first byte from `place` on that is not printable ASCII.
    @inline(__always)
    private func printableEnd(from first: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var place = first
        while end - place >= 16 {
            let bytes = UnsafeRawPointer(place).loadUnaligned(as: SIMD16<Int8>.self)
            // As signed numbers, control characters and what is not ASCII are those below 0x20.
            let stop = Self.first(
                (bytes .< SIMD16(repeating: 0x20)) .| (bytes .== SIMD16(repeating: 0x7F)))
            if stop < 16 { return place + stop }
            place += 16
        }
        while place < end, Int8(bitPattern: place.pointee) >= 0x20, place.pointee != 0x7F {
            place += 1
        }
        return place
    }

    /// The first byte from `place` on that is no letter, digit, `-` or `_`.
    @inline(__always)
    private func nameEnd(from first: UnsafePointer<UInt8>) -> UnsafePointer<UInt8> {
        var place = first
        while end - place >= 16 {
            let bytes = UnsafeRawPointer(place).loadUnaligned(as: SIMD16<UInt8>.self)
            let letters = (bytes | SIMD16(repeating: 0x20)) &- SIMD16(repeating: 0x61)
            let digits = bytes &- SIMD16(repeating: ASCII.zero)
            let stop = Self.first(
                .!((letters .< SIMD16(repeating: 26)) .| (digits .< SIMD16(repeating: 10))
                    .| (bytes .== SIMD16(repeating: 0x2D)) .| (bytes .== SIMD16(repeating: 0x5F))))
            if stop < 16 { return place + stop }
            place += 16
        }
        while place < end,
            ASCII.isLetter(place.pointee) || ASCII.isDigit(place.pointee)
                || place.pointee == 0x2D || place.pointee == 0x5F
        {
            place += 1
        }
        return place
    }

    /// The index of the first of 16 that holds; 16 if none does.
    @inline(__always)
    private static func first(_ mask: SIMDMask<SIMD16<Int8>>) -> Int {
        let words = unsafeBitCast(mask, to: SIMD2<UInt64>.self)
        if words[0] != 0 { return UInt64(littleEndian: words[0]).trailingZeroBitCount >> 3 }
        if words[1] != 0 { return 8 + UInt64(littleEndian: words[1]).trailingZeroBitCount >> 3 }
        return 16
    }
}
