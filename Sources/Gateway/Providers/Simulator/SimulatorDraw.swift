// SimulatorDraw.swift — the simulator's chance, all of it a function of seed, request and ordinal.
// Stateless: any draw can be repeated by index, so a stream needs no generator of its own.

import ReactorCore

/// Pseudo-random bits by position (the finalizer of SplitMix64).
enum SimulatorDraw {
    /// What a draw is for; keeps draws of one seed apart.
    enum Purpose: UInt64 {
        case failure = 1
        case pace, word, identifier, call, embedding
    }

    static func bits(_ seed: UInt64, _ purpose: Purpose, _ index: UInt64 = 0) -> UInt64 {
        mix(mix(seed &+ purpose.rawValue &* 0x9E37_79B9_7F4A_7C15) ^ index)
    }

    /// In 0..<1.
    static func fraction(_ seed: UInt64, _ purpose: Purpose, _ index: UInt64 = 0) -> Double {
        Double(bits(seed, purpose, index) >> 11) * 0x1p-53
    }

    /// One number for some bytes; not meant to withstand anybody.
    static func hash(_ bytes: ByteSlice, seed: UInt64) -> UInt64 {
        var state = mix(seed ^ UInt64(bytes.count))
        var index = 0
        let raw = UnsafeRawPointer(bytes.base)
        while index + 8 <= bytes.count {
            let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            state = mix(state ^ UInt64(littleEndian: word))
            index += 8
        }
        var tail: UInt64 = 0
        while index < bytes.count {
            tail = tail << 8 | UInt64(bytes[index])
            index += 1
        }
        return mix(state ^ tail)
    }

    /// Appends `length` letters and digits.
    static func appendIdentifier(
        _ length: Int, _ seed: UInt64, _ purpose: Purpose, _ index: UInt64 = 0,
        into out: inout ByteBuffer
    ) {
        let alphabet = ByteSlice(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" as StaticString)
        let start = bits(seed, purpose, index)
        var rest: UInt64 = 0
        for position in 0..<length {
            // Ten draws of 62 use up 60 of the 64 bits.
            if position % 10 == 0 { rest = mix(start &+ UInt64(position)) }
            out.append(alphabet[Int(rest % 62)])
            rest /= 62
        }
    }

    static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// When tokens come.
struct SimulatorPace {
    private var firstNanoseconds: Double
    private let gapNanoseconds: Double
    private let jitter: Double
    private let seed: UInt64

    init(_ settings: borrowing SimulatorSettings, seed: UInt64) {
        firstNanoseconds = Double(settings.timeToFirstToken.nanoseconds)
        gapNanoseconds =
            settings.tokensPerSecond > 0 ? 1_000_000_000 / settings.tokensPerSecond : 0
        jitter = settings.jitter
        self.seed = seed
    }

    mutating func setFirst(_ duration: Duration) {
        firstNanoseconds = Double(duration.nanoseconds)
    }

    /// Before token 0: from the request; before any other: from the token before it.
    func nanoseconds(before token: Int) -> UInt64 {
        let plain = token == 0 ? firstNanoseconds : gapNanoseconds
        guard jitter > 0 else { return UInt64(plain) }
        let draw = SimulatorDraw.fraction(seed, .pace, UInt64(token))
        return UInt64(plain * (1 + jitter * (2 * draw - 1)))
    }

    /// From the request to the last of `tokens`; to the first where there is none.
    func nanoseconds(untilLastOf tokens: Int) -> UInt64 {
        guard tokens > 1 else { return nanoseconds(before: 0) }
        guard jitter > 0 else {
            return nanoseconds(before: 0) + UInt64(tokens - 1) * nanoseconds(before: 1)
        }
        return (0..<tokens).reduce(0) { $0 + nanoseconds(before: $1) }
    }
}
