// NearestName.swift — which known name somebody probably meant.

import ReactorCore

/// Finds the candidate that the fewest typing mistakes separate from a name.
enum NearestName {
    /// Nil where nothing is near enough to be worth suggesting.
    static func suggestion<Names: Sequence<String>>(for name: String, among names: Names) -> String?
    {
        let wanted = folded(name)
        // A longer name may hold more mistakes; "a" for "b" is no mistake but another name.
        let distanceMax = wanted.count < 3 ? 0 : wanted.count < 6 ? 1 : wanted.count / 4 + 1
        var best: (name: String, distance: Int)?
        for candidate in names {
            let other = folded(candidate)
            guard abs(other.count - wanted.count) <= distanceMax else { continue }
            let distance = distance(wanted, other)
            if distance <= distanceMax, distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours that make `left` into `right`
    /// (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = last[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(replaced, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1],
                    left[row - 1] == right[column]
                {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }

    /// `baseUrl`, `base-url` and `base_url` are one name to people. Long ones are cut, so that the
    /// work is bounded.
    private static func folded(_ name: String) -> [UInt8] {
        name.utf8.prefix(64).filter { $0 != UInt8(ascii: "_") && $0 != UInt8(ascii: "-") }
            .map { ASCII.lowercased($0) }
    }
}
