import Channels
import NIOCore

/// The channels of one interval that have sent a frame, in the order in which they may send the next.
///
/// The interval is the same for all of them, so the first one in is the first one due: one timer serves them all.
struct QuoteQueue {
    /// Moments are rounded up to a grid, so that channels share wake-ups and system calls.
    private let grid: Int64
    private let interval: Int64
    private var waiting: [(due: NIODeadline, channel: DerivedChannel)] = []
    private var head = 0

    init(_ interval: QuoteInterval) {
        self.interval = interval.milliseconds * 1_000_000
        self.grid = min(max(self.interval / 20, 10_000_000), 100_000_000)
    }

    /// When the first one is due; `nil` when none waits.
    var due: NIODeadline? { self.head < self.waiting.count ? self.waiting[self.head].due : nil }

    /// A channel has sent a frame.
    mutating func append(_ channel: DerivedChannel, now: NIODeadline) {
        let earliest = now.uptimeNanoseconds + UInt64(self.interval)
        let grid = UInt64(self.grid)
        let due = (earliest + grid - 1) / grid * grid
        self.waiting.append((.uptimeNanoseconds(due), channel))
    }

    /// Takes out the next channel that is due.
    mutating func popFirst(now: NIODeadline) -> DerivedChannel? {
        guard let due = self.due, due <= now else { return nil }
        let channel = self.waiting[self.head].channel
        self.head += 1
        if self.head == self.waiting.count || self.head > 256 && self.head * 2 > self.waiting.count {
            self.waiting.removeFirst(self.head)
            self.head = 0
        }
        return channel
    }
}
