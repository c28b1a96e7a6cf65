import Store
import Synchronization

/// Which alerts were changed and have not been read yet.
final class AlertChangeQueue: Sendable {
    private struct State {
        var ranges: [ClosedRange<Int64>] = []
        var isAll = false
    }

    /// Ranges that are kept apart; with more, reading all costs less.
    private static let rangesMax = 100_000
    /// Alerts that are read at once.
    static let idsMax: Int64 = 5_000

    private let state = Mutex(State())
    /// Yields when there is something to read.
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation

    init() { (self.signals, self.signal) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1)) }

    /// Adds what a notification says.
    func add(_ changes: AlertChanges) {
        self.state.withLock { state in
            switch changes {
            case .all: state.isAll = true
            case .ids(let ranges): state.ranges += ranges
            }
            if state.ranges.count > Self.rangesMax { state.isAll = true }
            // All means these too.
            if state.isAll { state.ranges = [] }
        }
        self.signal.yield()
    }

    /// Takes out what is to be read next, a few thousand alerts at most; `nil` when there is nothing.
    func take() -> AlertChanges? {
        self.state.withLock { state in
            if state.isAll {
                state.isAll = false
                return .all
            }
            guard !state.ranges.isEmpty else { return nil }
            var taken: [ClosedRange<Int64>] = []
            var room = Self.idsMax
            var used = 0
            for range in state.ranges {
                guard room > 0 else { break }
                // Ids are positive: the difference cannot overflow.
                let count = range.upperBound - range.lowerBound + 1
                if count > room {
                    taken.append(range.lowerBound...range.lowerBound + room - 1)
                    state.ranges[used] = (range.lowerBound + room)...range.upperBound
                    break
                }
                taken.append(range)
                room -= count
                used += 1
            }
            state.ranges.removeFirst(used)
            return .ids(taken)
        }
    }
}
