import Channels
import NIOCore

/// What one event loop knows of its derived channels, besides the channels themselves.
struct QuoteTable {
    /// The `market` channels that have subscribers.
    var markets: [DerivedChannel] = []
    /// Channels that send at the end of the batch.
    var listed: [DerivedChannel] = []
    private var queues = QuoteInterval.allCases.map { QuoteQueue($0) }
    private var isScheduled = [Bool](repeating: false, count: QuoteInterval.allCases.count)

    /// Where the queue of an interval stands.
    private static func place(_ interval: QuoteInterval) -> Int {
        switch interval {
        case .tenth: 0
        case .quarter: 1
        case .half: 2
        case .second: 3
        case .fiveSeconds: 4
        case .minute: 5
        }
    }

    /// A channel has sent a frame.
    mutating func wait(_ channel: DerivedChannel, _ interval: QuoteInterval, now: NIODeadline) {
        channel.isWaiting = true
        self.queues[Self.place(interval)].append(channel, now: now)
    }

    /// Takes out the next channel whose interval has passed.
    mutating func popFirst(_ interval: QuoteInterval, now: NIODeadline) -> DerivedChannel? {
        self.queues[Self.place(interval)].popFirst(now: now)
    }

    /// When the interval's timer has to be set; `nil` when it is set already or nothing waits.
    mutating func timerToSet(_ interval: QuoteInterval) -> NIODeadline? {
        let place = Self.place(interval)
        guard !self.isScheduled[place], let due = self.queues[place].due else { return nil }
        self.isScheduled[place] = true
        return due
    }

    /// The interval's timer has fired.
    mutating func timerFired(_ interval: QuoteInterval) { self.isScheduled[Self.place(interval)] = false }
}
