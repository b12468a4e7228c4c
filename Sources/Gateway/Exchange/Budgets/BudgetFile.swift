// BudgetFile.swift — what keys have spent, in a file that outlives the process. One process has it as long
// as it runs: two that share a directory do not overwrite each other's sums.
// Imported by BudgetKeeper.

import GatewayCodec
import GatewayPolicy
import GatewayWire
import Glibc
import ReactorCore

/// The file of one gateway.
package final class BudgetFile {
    /// Bytes of a file that is read or written.
    static let bytesMax = 8 << 20

    package enum Content: Equatable {
        /// There is no file.
        case nothing
        case sums([BudgetSum])
        /// It is not one that only we can read, or not as we write it.
        case broken
    }

    private typealias Wire = BudgetFileWire

    package let path: String
    private let file: SharedFile

    /// - Parameter directory: an existing one.
    package init(directory: String) {
        path = "\(directory)/\(Wire.name)"
        file = SharedFile(path: path, bytesMax: Self.bytesMax, isDurable: true)
    }

    // MARK: Lock

    /// Takes the file if nobody has it.
    package func lock() -> SharedFile.LockOutcome { file.lock() }

    package func unlock() { file.unlock() }

    // MARK: Reading

    package func read() -> Content {
        if let sums = file.read(Self.decode) { return .sums(sums) }
        return file.exists ? .broken : .nothing
    }

    /// Puts a file that cannot be read out of the way. - Returns: where it is now.
    package func putAside() -> String {
        let aside = "\(path)\(Wire.brokenSuffix)"
        return rename(path, aside) == 0 ? aside : path
    }

    /// What a file says; nil if any of it is not as `encode` writes it.
    package static func decode(_ bytes: ByteSlice) -> [BudgetSum]? {
        guard let tree = try? JSONArena().read(bytes, depthMax: 4),
            let list = tree.root[Wire.keys], list.kind == .array,
            list.count <= BudgetLedger.keyCountMax
        else { return nil }
        var sums: [BudgetSum] = []
        var names: Set<String> = []
        for element in list.elements {
            guard let sum = sum(element), names.insert(sum.key).inserted else { return nil }
            sums.append(sum)
        }
        return sums
    }

    private static func sum(_ value: JSONValue) -> BudgetSum? {
        guard let key = value[Wire.key]?.string?.string, !key.isEmpty,
            let word = value[Wire.period]?.string?.string,
            let period = BudgetPeriod(rawValue: word),
            let spent = value[Wire.spent]?.int, (0...BudgetSum.spentMax).contains(spent)
        else { return nil }
        let until = value[Wire.until]
        guard (until == nil) == (period == .total) else { return nil }
        var end: Int?
        if let until {
            // No arithmetic with it can overflow.
            guard let second = until.int, (0...1 << 40).contains(second) else { return nil }
            end = second
        }
        return BudgetSum(key: key, period: period, end: end, spent: spent)
    }

    // MARK: Writing

    /// Replaces the file, and comes back when it is on the disk. The lock must be held. Returns why not,
    /// if it cannot.
    package func write(_ sums: [BudgetSum], seconds: Int) -> String? {
        precondition(file.isLocked, "the budgets' file was written without its lock")
        var json = ByteBuffer()
        Self.encode(sums, seconds: seconds, to: &json)
        guard json.count <= Self.bytesMax else { return "it would be too long" }
        return file.writeAside(json.slice) ?? file.publish()
    }

    package static func encode(_ sums: [BudgetSum], seconds: Int, to buffer: inout ByteBuffer) {
        buffer.writeJSON { json in
            json.beginObject()
            json.field(Wire.writtenAt, seconds)
            json.beginArray(Wire.keys)
            for sum in sums {
                json.beginObject()
                json.field(Wire.key, text: sum.key)
                json.field(Wire.period, text: sum.period.rawValue)
                if let end = sum.end { json.field(Wire.until, end) }
                json.field(Wire.spent, sum.spent)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
        buffer.append(ASCII.lf)
    }
}
