// StreamDecoder.swift — the contract of every provider's stream decoder.
// Pure. Catalog dispatches to the decoders; nothing is called through the protocol's existential.

import GatewayModel
import ReactorCore

/// What every provider's stream decoder does. A pure value.
package protocol StreamDecoder: ~Copyable {
    /// Takes one event of the provider's stream and emits what it means. Once `isOver`, whatever
    /// comes means nothing.
    mutating func decode(
        _ event: EventStreamEvent, _ context: ProviderContext, _ emit: (ModelEvent) -> Void)

    /// The provider's stream has ended. Emits `ended` if the answer was whole, else `failed`;
    /// nothing if it is over already.
    mutating func finish(_ context: ProviderContext, _ emit: (ModelEvent) -> Void)

    /// Whether the terminal event has been emitted.
    var isOver: Bool { get }
}
