/// What has been seen of one contiguous sequence of numbers, and which numbers below the highest are missing.
///
/// Compares with the highest number seen, so that a reordered tick makes no phantom hole. The next number costs one
/// comparison.
struct SequenceTrack: Sendable {
    /// Where a number stands among those seen before.
    enum Place: Equatable {
        /// The first of all.
        case first
        /// One more than the highest.
        case next
        /// Beyond the next: the numbers between are a new hole.
        case ahead(previous: Int64)
        /// In the hole that was opened as `gap`, of which `remaining` numbers are still missing; gap 0 is a hole inside history.
        case filling(gap: Int, remaining: Int64)
        /// Seen before.
        case known
        /// Lower than everything that is remembered: seen or not, nobody knows.
        case below
        /// So far beyond the highest that the venue counts something else now; started anew.
        case restarted
    }

    private struct Hole {
        var lower: Int64
        var upper: Int64
        let gap: Int
    }

    /// Holes remembered at most; beyond it the lowest is forgotten.
    static let holesMax = 64
    /// Numbers in a hole at most: what lies further apart is no one sequence.
    static let holeLengthMax: Int64 = 1_000_000_000

    /// Below it nobody remembers what was seen.
    private(set) var lowest: Int64 = 0
    private(set) var highest: Int64 = 0
    private(set) var hasStarted = false
    private var holes: [Hole] = []
    /// The number of the newest gap; each new hole counts it up.
    private(set) var lastGap = 0

    /// What is missing, lowest first.
    var missing: [ClosedRange<Int64>] { self.holes.filter { $0.gap > 0 }.map { $0.lower...$0.upper } }

    /// Takes a number in.
    ///
    /// - Parameters:
    ///   - number: What the venue counts.
    ///   - isHistory: Part of a snapshot before anything live: what lies between its numbers is no loss of ours.
    /// - Returns: Where the number stands among those before.
    @inline(__always)
    mutating func take(_ number: Int64, isHistory: Bool = false) -> Place {
        // Wraps only at the top of the range, where no venue counts.
        if self.hasStarted, number == self.highest &+ 1 {
            self.highest = number
            return .next
        }
        return self.takeOther(number, isHistory)
    }

    /// Starts anew at `number`: the venue has begun to count again.
    mutating func restart(at number: Int64) {
        self.lowest = number
        self.highest = number
        self.hasStarted = true
        self.holes = []
    }

    /// Raises the highest number: all there is to a sequence with holes of its own.
    @inline(__always)
    mutating func raise(to number: Int64) {
        self.highest = number
        self.hasStarted = true
    }

    @inline(never)
    private mutating func takeOther(_ number: Int64, _ isHistory: Bool) -> Place {
        guard self.hasStarted else {
            self.restart(at: number)
            return .first
        }
        if number > self.highest {
            let previous = self.highest
            let (distance, overflow) = number.subtractingReportingOverflow(previous)
            if overflow || distance > Self.holeLengthMax {
                self.restart(at: number)
                return .restarted
            }
            if !isHistory { self.lastGap += 1 }
            self.holes.append(
                Hole(lower: previous + 1, upper: number - 1, gap: isHistory ? 0 : self.lastGap))
            if self.holes.count > Self.holesMax { self.lowest = self.holes.removeFirst().upper + 1 }
            self.highest = number
            return isHistory ? .next : .ahead(previous: previous)
        }
        if number < self.lowest { return .below }
        guard let index = self.holes.lastIndex(where: { $0.lower <= number && number <= $0.upper }) else {
            return .known
        }
        return self.fill(number, hole: index)
    }

    private mutating func fill(_ number: Int64, hole index: Int) -> Place {
        let hole = self.holes[index]
        switch (number == hole.lower, number == hole.upper) {
        case (true, true): self.holes.remove(at: index)
        case (true, false): self.holes[index].lower += 1
        case (false, true): self.holes[index].upper -= 1
        case (false, false):
            self.holes[index].upper = number - 1
            self.holes.insert(Hole(lower: number + 1, upper: hole.upper, gap: hole.gap), at: index + 1)
        }
        let remaining = self.holes.reduce(Int64(0)) { sum, other in
            other.gap == hole.gap ? sum + (other.upper - other.lower + 1) : sum
        }
        return .filling(gap: hole.gap, remaining: remaining)
    }
}
