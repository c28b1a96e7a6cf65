/// Finds what a misspelt name may have meant.
package enum Spelling {
    /// Up to so many names are all compared; of more only those that may well be meant.
    private static let comparedMax = 200
    private static let foundMax = 3

    /// The names nearest to `name`, three at most: those within a few typing errors, then those that begin with it or
    /// it with them; upper and lower case are one.
    ///
    /// Of more than 200 names only those count that share the first letter, and for typing errors only those whose
    /// length differs by two at most: anybody may ask for a channel that does not exist. Nothing is allocated for a
    /// name in ASCII that is not found.
    package static func nearest(to name: String, among names: [String]) -> [String] {
        var text: [UInt32] = []
        Self.lower(name, into: &text)
        let errorsMax = max(1, text.count / 3)
        let isLong = names.count > Self.comparedMax
        let differenceMax = isLong ? min(2, errorsMax) : errorsMax
        let first = Self.firstLetter(name)
        var ruler = Ruler(text)
        var lowered: [UInt32] = []
        var found: [(name: String, distance: Int)] = []
        for candidate in names where candidate != name {
            if isLong, Self.firstLetter(candidate) != first { continue }
            Self.lower(candidate, into: &lowered)
            var distance = Int.max
            if abs(lowered.count - text.count) <= differenceMax {
                distance = ruler.distance(to: lowered, atMost: errorsMax)
            }
            if distance > errorsMax {
                guard !text.isEmpty, lowered.starts(with: text) || text.starts(with: lowered) else { continue }
                distance = errorsMax + 1
            }
            let place = found.firstIndex { (distance, candidate) < ($0.distance, $0.name) } ?? found.endIndex
            guard place < Self.foundMax else { continue }
            found.insert((name: candidate, distance: distance), at: place)
            if found.count > Self.foundMax { found.removeLast() }
        }
        return found.map(\.name)
    }

    /// Insertions, deletions, replacements and swaps of neighbours between two texts.
    ///
    /// Source: the optimal string alignment distance, a restriction of Damerau's edit distance of 1964. O(*nm*).
    package static func distance(_ left: String, _ right: String) -> Int {
        var ruler = Ruler(left.unicodeScalars.map(\.value))
        return ruler.distance(to: right.unicodeScalars.map(\.value), atMost: .max)
    }

    /// Puts the lower-case scalars of `text` into `scalars`, in place of what was there.
    private static func lower(_ text: String, into scalars: inout [UInt32]) {
        scalars.removeAll(keepingCapacity: true)
        for scalar in text.unicodeScalars {
            if ("A"..."Z").contains(scalar) {
                scalars.append(scalar.value + 32)
            } else if scalar.isASCII {
                scalars.append(scalar.value)
            } else {
                for lowered in scalar.properties.lowercaseMapping.unicodeScalars { scalars.append(lowered.value) }
            }
        }
    }

    /// The first byte, a capital of ASCII in lower case.
    private static func firstLetter(_ text: String) -> UInt8? {
        guard let byte = text.utf8.first else { return nil }
        return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte + 32 : byte
    }

    /// Measures distances from one text, in rows that are made once.
    private struct Ruler {
        private let text: [UInt32]
        private var beforePrevious: [Int]
        private var previous: [Int]
        private var current: [Int]

        init(_ text: [UInt32]) {
            self.text = text
            self.beforePrevious = Array(repeating: 0, count: text.count + 1)
            self.previous = self.beforePrevious
            self.current = self.beforePrevious
        }

        /// The distance to `other`, or something above `limit` when it is above that.
        mutating func distance(to other: [UInt32], atMost limit: Int) -> Int {
            let difference = abs(other.count - self.text.count)
            guard difference <= limit else { return difference }
            for column in 0...self.text.count { self.previous[column] = column }
            var smallestBefore = 0
            for row in 0..<other.count {
                self.current[0] = row + 1
                var smallest = row + 1
                for column in 0..<self.text.count {
                    let cost = other[row] == self.text[column] ? 0 : 1
                    var best = min(
                        self.previous[column + 1] + 1, self.current[column] + 1, self.previous[column] + cost)
                    if row > 0, column > 0, other[row] == self.text[column - 1], other[row - 1] == self.text[column] {
                        best = min(best, self.beforePrevious[column - 1] + 1)
                    }
                    self.current[column + 1] = best
                    smallest = min(smallest, best)
                }
                // What follows builds on these two rows and never gets smaller; a swap reaches back by two.
                if smallest > limit, smallestBefore > limit { return smallest }
                smallestBefore = smallest
                swap(&self.beforePrevious, &self.previous)
                swap(&self.previous, &self.current)
            }
            return self.previous[self.text.count]
        }
    }
}
