// PriceTable.swift — prices by model: the operator's before the built-in ones. Pure.
// Where the built-in rows come from is told in docs/metrics.md.

import ReactorCore

/// A line of a price table.
package struct PriceRow: Equatable, Sendable {
    /// A model's name, or `provider/model`.
    package var name: String
    package var price: Price

    package init(_ name: String, _ price: Price) {
        self.name = name
        self.price = price
    }
}

/// The prices that hold.
package struct PriceTable: Sendable {
    private let own: [PriceRow]
    private let builtIn: [PriceRow]

    /// - Parameter rows: the operator's.
    package init(_ rows: [PriceRow] = [], builtIn: [PriceRow] = PriceTable.builtIn) {
        own = rows
        self.builtIn = builtIn
    }

    /// The price of a model at a provider. A row holds for its name, and for that name with a date
    /// or `latest` behind it; names with a vendor in front (`vendor/model`) are found without it.
    package func price(provider: ByteSlice, model: ByteSlice) -> Price? {
        if let row = own.first(where: { $0.holds(for: provider, model) }) { return row.price }
        var bare = model
        while let slash = bare.firstIndex(of: UInt8(ascii: "/")) {
            bare = bare.dropFirst(slash + 1)
        }
        if let row = own.first(where: { $0.holds(for: bare) }) { return row.price }
        return builtIn.first(where: { $0.holds(for: bare) })?.price
    }
}

extension PriceRow {
    fileprivate func holds(for provider: ByteSlice, _ model: ByteSlice) -> Bool {
        name.withByteSlice { name in
            if name.isModel(model) { return true }
            let place = provider.count
            guard name.count > place, name[place] == UInt8(ascii: "/"),
                provider == name.prefix(place)
            else { return false }
            return name.dropFirst(place + 1).isModel(model)
        }
    }

    fileprivate func holds(for model: ByteSlice) -> Bool {
        name.withByteSlice { $0.isModel(model) }
    }
}

extension ByteSlice {
    /// Whether `name` is this one, or this one's version of a day.
    fileprivate func isModel(_ name: ByteSlice) -> Bool {
        guard name.count >= count, name.prefix(count) == self else { return false }
        if name.count == count { return true }
        let mark = name[count]
        guard mark == UInt8(ascii: "-") || mark == UInt8(ascii: "@") else { return false }
        let rest = name.dropFirst(count + 1)
        if rest == "latest" { return true }
        // A year: `20250514`, `2024-08-06`.
        guard rest.count == 8 || rest.count == 10, rest.hasPrefix("20") else { return false }
        for index in 0..<rest.count
        where ASCII.hexValue(rest[index]).map({ $0 > 9 }) ?? (rest[index] != UInt8(ascii: "-")) {
            return false
        }
        return true
    }
}
