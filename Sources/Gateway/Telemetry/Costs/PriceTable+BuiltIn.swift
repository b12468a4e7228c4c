// PriceTable+BuiltIn.swift — prices of well-known models in US dollars a million tokens, as listed by
// docs/metrics.md with source and date. They change: `observability.prices` goes before them.

extension PriceTable {
    /// More special names before those that they begin with make no difference: a row holds for whole
    /// names only.
    package static let builtIn: [PriceRow] = [
        PriceRow(
            "claude-fable-5-1", Price(input: 10, output: 50, cachedInput: 0.25, cacheWrite: 12.5)),
        PriceRow("claude-fable-5", Price(input: 10, output: 50, cachedInput: 1, cacheWrite: 12.5)),
        PriceRow("claude-mythos-5", Price(input: 10, output: 50, cachedInput: 1, cacheWrite: 12.5)),
        PriceRow("claude-opus-5-5", Price(input: 4, output: 20, cachedInput: 0.2, cacheWrite: 5)),
        PriceRow("claude-opus-5", Price(input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25)),
        PriceRow(
            "claude-opus-4-8", Price(input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25)),
        PriceRow(
            "claude-opus-4-7", Price(input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25)),
        PriceRow(
            "claude-opus-4-6", Price(input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25)),
        PriceRow(
            "claude-opus-4-5", Price(input: 5, output: 25, cachedInput: 0.5, cacheWrite: 6.25)),
        PriceRow(
            "claude-opus-4-1", Price(input: 15, output: 75, cachedInput: 1.5, cacheWrite: 18.75)),
        PriceRow(
            "claude-opus-4", Price(input: 15, output: 75, cachedInput: 1.5, cacheWrite: 18.75)),
        PriceRow(
            "claude-sonnet-5-5", Price(input: 2, output: 10, cachedInput: 0.2, cacheWrite: 2.5)),
        PriceRow("claude-sonnet-5", Price(input: 2, output: 10, cachedInput: 0.2, cacheWrite: 2.5)),
        PriceRow(
            "claude-sonnet-4-5", Price(input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75)),
        PriceRow(
            "claude-sonnet-4", Price(input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75)),
        PriceRow(
            "claude-haiku-4-5", Price(input: 1, output: 5, cachedInput: 0.1, cacheWrite: 1.25)),
        PriceRow(
            "claude-3-7-sonnet", Price(input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75)),
        PriceRow(
            "claude-3-5-sonnet", Price(input: 3, output: 15, cachedInput: 0.3, cacheWrite: 3.75)),
        PriceRow(
            "claude-3-5-haiku", Price(input: 0.8, output: 4, cachedInput: 0.08, cacheWrite: 1)),
        PriceRow(
            "claude-3-opus", Price(input: 15, output: 75, cachedInput: 1.5, cacheWrite: 18.75)),
        PriceRow(
            "claude-3-haiku",
            Price(input: 0.25, output: 1.25, cachedInput: 0.025, cacheWrite: 0.3125)),
        PriceRow("gpt-5.5-pro", Price(input: 30, output: 180)),
        PriceRow("gpt-5.5", Price(input: 5, output: 30, cachedInput: 0.5)),
        PriceRow("gpt-5.4-pro", Price(input: 30, output: 180)),
        PriceRow("gpt-5.4-mini", Price(input: 0.75, output: 4.5, cachedInput: 0.075)),
        PriceRow("gpt-5.4-nano", Price(input: 0.2, output: 1.25, cachedInput: 0.02)),
        PriceRow("gpt-5.4", Price(input: 2.5, output: 15, cachedInput: 0.25)),
        PriceRow("gpt-5.2-pro", Price(input: 21, output: 168)),
        PriceRow("gpt-5.2", Price(input: 1.75, output: 14, cachedInput: 0.175)),
        PriceRow("gpt-5.1-codex-mini", Price(input: 0.25, output: 2, cachedInput: 0.025)),
        PriceRow("gpt-5.1-codex", Price(input: 1.25, output: 10, cachedInput: 0.125)),
        PriceRow("gpt-5.1", Price(input: 1.25, output: 10, cachedInput: 0.125)),
        PriceRow("gpt-5-pro", Price(input: 15, output: 120)),
        PriceRow("gpt-5-mini", Price(input: 0.25, output: 2, cachedInput: 0.025)),
        PriceRow("gpt-5-nano", Price(input: 0.05, output: 0.4, cachedInput: 0.005)),
        PriceRow("gpt-5", Price(input: 1.25, output: 10, cachedInput: 0.125)),
        PriceRow("gpt-4.1-mini", Price(input: 0.4, output: 1.6, cachedInput: 0.1)),
        PriceRow("gpt-4.1-nano", Price(input: 0.1, output: 0.4, cachedInput: 0.025)),
        PriceRow("gpt-4.1", Price(input: 2, output: 8, cachedInput: 0.5)),
        PriceRow("gpt-4o-mini", Price(input: 0.15, output: 0.6, cachedInput: 0.075)),
        PriceRow("gpt-4o", Price(input: 2.5, output: 10, cachedInput: 1.25)),
        PriceRow("o4-mini", Price(input: 1.1, output: 4.4, cachedInput: 0.275)),
        PriceRow("o3-pro", Price(input: 20, output: 80)),
        PriceRow("o3-mini", Price(input: 1.1, output: 4.4, cachedInput: 0.55)),
        PriceRow("o1-pro", Price(input: 150, output: 600)),
        PriceRow("o1-mini", Price(input: 1.1, output: 4.4, cachedInput: 0.55)),
        PriceRow("o1", Price(input: 15, output: 60, cachedInput: 7.5)),
        PriceRow("text-embedding-3-large", Price(input: 0.13, output: 0)),
        PriceRow("text-embedding-3-small", Price(input: 0.02, output: 0)),
        PriceRow("gemini-3.6-flash", Price(input: 1.5, output: 7.5, cachedInput: 0.15)),
        PriceRow("gemini-3.5-flash-lite", Price(input: 0.3, output: 2.5, cachedInput: 0.03)),
        PriceRow("gemini-3.5-flash", Price(input: 1.5, output: 9, cachedInput: 0.15)),
        PriceRow(
            "gemini-3.1-flash-lite-preview", Price(input: 0.25, output: 1.5, cachedInput: 0.025)),
        PriceRow("gemini-3-flash-preview", Price(input: 0.5, output: 3)),
        PriceRow("gemini-3-pro-preview", Price(input: 2, output: 12)),
        PriceRow("gemini-2.5-pro", Price(input: 1.25, output: 10, cachedInput: 0.125)),
        PriceRow("gemini-2.5-flash-lite", Price(input: 0.1, output: 0.4, cachedInput: 0.01)),
        PriceRow("gemini-2.5-flash", Price(input: 0.3, output: 2.5, cachedInput: 0.03)),
        PriceRow("gemini-2.0-flash-lite", Price(input: 0.075, output: 0.3)),
        PriceRow("gemini-2.0-flash", Price(input: 0.1, output: 0.4)),
    ]
}
