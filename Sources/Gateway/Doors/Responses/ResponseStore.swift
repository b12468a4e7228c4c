// ResponseStore.swift — conversations that clients leave with us, for `previous_response_id` and
// references to items.
// Pure, in memory, bounded in entries, bytes and age; time is handed in. One a worker. An entry
// belongs to the key that made it, and to no other does it exist.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package final class ResponseStore {
    /// Bounds. At each of them the entry that was used longest ago goes.
    package struct Limits: Equatable, Sendable {
        package var entryCountMax = 1024
        /// Of items and ids.
        package var bytesMax = 64 << 20
        /// Since the last use.
        package var ageMax = Duration.seconds(3600)

        package init() {}

        /// A single exchange that is larger is not kept.
        var entryBytesMax: Int { bytesMax / 4 }
    }

    /// What `recall` writes: the items of the conversation so far, and those referred to, by id.
    static let items: StaticString = "items"
    static let references: StaticString = "references"

    private struct Name: Hashable {
        let owner: [UInt8]
        let stem: [UInt8]
    }

    private struct Entry {
        let name: Name
        /// Input items and output items, comma-separated JSON.
        let input: [UInt8]
        let output: [UInt8]
        /// The entry that this one goes on with.
        let previous: Int?
        var usedAt: Instant

        var byteCount: Int {
            input.count + output.count + name.owner.count + name.stem.count
        }
    }

    private let limits: Limits
    /// Numbered in the order of their making: what an entry goes on with has a lower number.
    private var entries: [Int: Entry] = [:]
    private var numbers: [Name: Int] = [:]
    private var nextNumber = 0
    package private(set) var byteCount = 0

    package init(_ limits: Limits = Limits()) { self.limits = limits }

    package var count: Int { entries.count }

    /// Why a conversation cannot go on where nothing is kept.
    package static var isOff: Failure {
        Failure(
            .unsupportedParameter,
            "'previous_response_id' is not supported for this model: send the whole conversation "
                + "as 'input'.",
            parameter: "\(ResponsesWire.previousResponseID)")
    }

    // MARK: Keeping

    /// Keeps an exchange whose answer is whole.
    ///
    /// - Parameters:
    ///   - output: the answer's items, comma-separated JSON.
    ///   - owner: whose it is, such as the name of the client's key.
    package func remember(
        _ requestID: ByteSlice, of owner: ByteSlice, _ echo: ResponsesEcho, output: ByteSlice,
        now: Instant
    ) {
        guard echo.isStored else { return }
        let name = Name(
            owner: Array(owner.raw), stem: Array(ResponsesIDs.stem(of: requestID).raw))
        let previous = echo.previousResponseID.flatMap { id in
            id.withUnsafeBytes { number(of: ByteSlice($0), owner) }
        }
        // Its beginning is gone: it could not be told whole.
        if echo.previousResponseID != nil, previous == nil { return }
        let entry = Entry(
            name: name, input: echo.items, output: Array(output.raw), previous: previous,
            usedAt: now)
        guard entry.byteCount <= limits.entryBytesMax else { return }
        // An older one of the same id may still be what others go on with.
        numbers[name] = nextNumber
        entries[nextNumber] = entry
        nextNumber += 1
        byteCount += entry.byteCount
        expire(now)
        while entries.count > limits.entryCountMax || byteCount > limits.bytesMax { forgetOldest() }
    }

    private func expire(_ now: Instant) {
        let old = entries.filter { $0.value.usedAt + limits.ageMax < now }
        for number in old.keys { forget(number) }
    }

    private func forgetOldest() {
        let oldest = entries.min { left, right in
            (left.value.usedAt, left.key) < (right.value.usedAt, right.key)
        }
        if let oldest { forget(oldest.key) }
    }

    private func forget(_ number: Int) {
        guard let entry = entries.removeValue(forKey: number) else { return }
        byteCount -= entry.byteCount
        if numbers[entry.name] == number { numbers[entry.name] = nil }
    }

    // MARK: Recalling

    /// Appends, as a JSON object for the decoder, what a request goes on with or refers to.
    /// - Returns: whether there was anything to be said.
    package func recall(
        for root: JSONValue, of owner: ByteSlice, now: Instant, to buffer: inout ByteBuffer
    ) throws(Failure) -> Bool {
        expire(now)
        let previous = root[ResponsesWire.previousResponseID]?.string
        var referred: [(id: ByteSlice, item: [UInt8])] = []
        if let input = root[ResponsesWire.input] {
            for item in input.elements {
                guard let id = ResponsesEcho.reference(item),
                    !referred.contains(where: { $0.id == id }),
                    let found = self.item(id, owner, now)
                else { continue }
                referred.append((id, found))
            }
        }
        guard previous != nil || !referred.isEmpty else { return false }
        var numbers: [Int] = []
        if let previous { numbers = try chain(to: previous, owner, now) }
        buffer.writeJSON { json in
            json.beginObject()
            json.beginArray(Self.items)
            for number in numbers {
                guard let entry = entries[number] else { continue }
                for items in [entry.input, entry.output] where !items.isEmpty {
                    items.withUnsafeBytes { json.raw(ByteSlice($0)) }
                }
            }
            json.endArray()
            json.beginObject(Self.references)
            for (id, item) in referred {
                json.key(id)
                item.withUnsafeBytes { json.raw(ByteSlice($0)) }
            }
            json.endObject()
            json.endObject()
        }
        return true
    }

    private func number(of id: ByteSlice, _ owner: ByteSlice) -> Int? {
        guard let underscore = id.firstIndex(of: UInt8(ascii: "_")) else { return nil }
        return number(ofStem: id.dropFirst(underscore + 1), owner)
    }

    private func number(ofStem stem: ByteSlice, _ owner: ByteSlice) -> Int? {
        numbers[Name(owner: Array(owner.raw), stem: Array(stem.raw))]
    }

    /// The entries of a conversation, first to last; all of them are used thereby.
    private func chain(
        to id: ByteSlice, _ owner: ByteSlice, _ now: Instant
    ) throws(Failure) -> [Int] {
        var chain: [Int] = []
        var next = number(of: id, owner)
        repeat {
            guard let number = next, let entry = entries[number] else { throw Self.unknown(id) }
            entries[number]?.usedAt = now
            chain.append(number)
            next = entry.previous
        } while next != nil
        return chain.reversed()
    }

    private static func unknown(_ id: ByteSlice) -> Failure {
        var failure = Failure(
            .invalidParameter,
            "Previous response with id '\(id.prefix(min(id.count, 160)).string)' not found.",
            parameter: "\(ResponsesWire.previousResponseID)")
        failure.reportedCode = "\(ResponsesWire.ErrorCode.previousNotFound)"
        return failure
    }

    /// An output item by its id.
    private func item(_ id: ByteSlice, _ owner: ByteSlice, _ now: Instant) -> [UInt8]? {
        guard let place = ResponsesIDs.place(ofItem: id),
            let number = number(ofStem: place.stem, owner), let entry = entries[number]
        else { return nil }
        var list = ByteBuffer()
        list.append(ASCII.openBracket)
        entry.output.withUnsafeBytes { list.append(ByteSlice($0)) }
        list.append(ASCII.closeBracket)
        guard let tree = try? JSONArena().read(list.slice) else { return nil }
        for item in tree.root.elements
        where item[ResponsesWire.id]?.string.map({ $0 == id }) ?? false {
            entries[number]?.usedAt = now
            var found = ByteBuffer()
            found.writeJSON { $0.value(item) }
            return found.array
        }
        return nil
    }
}
