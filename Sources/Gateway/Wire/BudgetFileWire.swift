// BudgetFileWire.swift — the names of the file in which what keys have spent outlives the process, spelled
// once. Constants only. Imported by Exchange.

package enum BudgetFileWire {
    /// The file's, in the state directory.
    package static let name: StaticString = "budgets.json"
    /// Behind the name of one that could not be read, and was put aside.
    package static let brokenSuffix: StaticString = ".broken"

    /// Seconds since 1970.
    package static let writtenAt: StaticString = "written_at"
    package static let keys: StaticString = "keys"
    package static let key: StaticString = "key"
    package static let period: StaticString = "period"
    /// When the period ends, in seconds since 1970; not there for one that never does.
    package static let until: StaticString = "until"
    /// In billionths of a dollar.
    package static let spent: StaticString = "spent_nanodollars"
}
