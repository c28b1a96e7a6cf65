import Market
import Postgres

/// Reads the ticks of one ``TickSelection`` in the whole order of the history.
///
/// The server sorts by event time alone, which is its index's order; ticks of one event time are held together here.
struct TickReader {
    private let copy: PostgresCopyOut
    private let decoder: TickDecoder
    private let direction: HistoryDirection
    private var rows = BinaryRows()
    /// Sorted, but for those behind ``readyCount``, which may have more of their time to come.
    private var ticks: [PlacedTick] = []
    private var readyCount = 0
    private var next = 0
    private var hasEnded = false

    init(_ copy: PostgresCopyOut, _ decoder: TickDecoder, _ direction: HistoryDirection) {
        self.copy = copy
        self.decoder = decoder
        self.direction = direction
    }

    /// The next tick without taking it; `nil` when ``fill()`` is due.
    var first: PlacedTick? { self.next < self.readyCount ? self.ticks[self.next] : nil }

    /// Takes the next tick.
    mutating func removeFirst() { self.next += 1 }

    /// Reads on until there is a tick to take.
    ///
    /// - Returns: `false` behind the last one.
    mutating func fill() async throws -> Bool {
        while self.next == self.readyCount {
            if self.hasEnded { return false }
            self.ticks.removeFirst(self.next)
            self.next = 0
            self.readyCount = 0
            guard let piece = try await self.copy.next() else {
                self.hasEnded = true
                self.sort(self.ticks.count)
                continue
            }
            var ticks = self.ticks
            self.ticks = []
            let decoder = self.decoder
            try self.rows.read(piece) { row throws(PostgresError) in ticks.append(try decoder.tick(&row)) }
            self.ticks = ticks
            // What follows may still belong to the last event time.
            let last = self.ticks.last?.cursor.time
            self.sort((self.ticks.lastIndex { $0.cursor.time != last } ?? -1) + 1)
        }
        return true
    }

    /// Makes the first `count` ready: sorts those among them that share an event time.
    private mutating func sort(_ count: Int) {
        self.readyCount = count
        var start = 0
        for index in 0..<count {
            let isLast = index + 1 == count || self.ticks[index + 1].cursor.time != self.ticks[start].cursor.time
            guard isLast else { continue }
            if index > start {
                switch self.direction {
                case .forward: self.ticks[start...index].sort { $0.cursor < $1.cursor }
                case .backward: self.ticks[start...index].sort { $0.cursor > $1.cursor }
                }
            }
            start = index + 1
        }
    }
}
