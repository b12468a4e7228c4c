// ModelAliases.swift — the names that a provider's models go by among clients, where the provider
// knows them by others. Pure value; a look-up allocates nothing.

import ReactorCore

/// An immutable table from a client's names to a provider's.
package struct ModelAliases {
    private let index: NameIndex
    private let names: [String]

    package init(_ pairs: [(alias: String, upstreamModel: String)]) {
        index = NameIndex(pairs.map(\.alias))
        names = pairs.map(\.upstreamModel)
    }

    /// The provider's name of the model that clients call `alias`; nil if that is no alias.
    package subscript(alias: ByteSlice) -> String? { index[alias].map { names[$0] } }
}
