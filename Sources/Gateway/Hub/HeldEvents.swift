import Channels

/// What is kept for connections that read too slowly: one event for each of their channels.
///
/// Bounded by one frame for each subscription of such a connection, and on `market` channels by a number for each symbol.
struct HeldEvents {
    /// What stands for the events that a channel had meanwhile.
    enum Event {
        /// The newest frame with the place of its data, and how many ticks it stands for; 0 for what is not counted.
        case frame([UInt8], data: Range<Int>, merged: Int)
        /// A change of the channel's state that stands for so many ticks: none was missed yet.
        case change([UInt8], merged: Int)
        /// The channel's state, which stands for so many ticks.
        case state(merged: Int)
        /// Symbols of a `market` channel, which stand for so many ticks each.
        case market([Int32: Int])

        fileprivate var bytes: Int {
            switch self {
            case .frame(let frame, _, _), .change(let frame, _): frame.count
            case .state: 8
            case .market(let symbols): symbols.count * 16
            }
        }
    }

    private struct Held {
        var events: [Int32: Event] = [:]
        var order: [Int32] = []
        var bytes = 0
    }

    private var slots: [Int32: Held] = [:]

    /// Keeps a tick in place of an older one of the same channel; the number of ticks adds up.
    ///
    /// - Returns: Whether there was an older one.
    mutating func hold(
        _ slot: Int32, channel: Int32, tick frame: UnsafeRawBufferPointer, data: Range<Int>
    ) -> Bool {
        var merged = TickText.escaped.weight(UnsafeRawBufferPointer(rebasing: frame[data]))
        if case .frame(_, _, let older) = self.slots[slot]?.events[channel] { merged += older }
        return self.put(.frame(Array(frame), data: data, merged: merged), slot, channel)
    }

    /// Keeps a frame in place of an older one of the same channel.
    ///
    /// - Returns: Whether there was an older one.
    mutating func hold(_ slot: Int32, channel: Int32, frame: UnsafeRawBufferPointer) -> Bool {
        self.put(.frame(Array(frame), data: 0..<0, merged: 0), slot, channel)
    }

    /// Keeps a change of a state that stands for `merged` ticks; with an older one the whole state takes the place of both.
    ///
    /// - Returns: Whether there was an older one.
    mutating func hold(_ slot: Int32, channel: Int32, change frame: UnsafeRawBufferPointer, merged: Int) -> Bool {
        switch self.slots[slot]?.events[channel] {
        case .change(_, let older), .state(let older):
            self.put(.state(merged: older + merged), slot, channel)
        case .frame, .market, nil: self.put(.change(Array(frame), merged: merged), slot, channel)
        }
    }

    /// Notes that symbols of a market were missed.
    ///
    /// - Returns: Whether some were missed before.
    mutating func hold(_ slot: Int32, channel: Int32, market merged: [Int32: Int]) -> Bool {
        var symbols = merged
        if case .market(let older) = self.slots[slot]?.events[channel] { symbols.merge(older, uniquingKeysWith: +) }
        return self.put(.market(symbols), slot, channel)
    }

    /// The bytes kept for a slot.
    func bytes(_ slot: Int32) -> Int { self.slots[slot]?.bytes ?? 0 }

    /// How many channels of a slot have something kept.
    func count(_ slot: Int32) -> Int { self.slots[slot]?.order.count ?? 0 }

    /// Takes out what is kept for one channel.
    mutating func take(_ slot: Int32, channel: Int32) -> Event? {
        guard let event = self.slots[slot]?.events.removeValue(forKey: channel) else { return nil }
        self.slots[slot]?.bytes -= event.bytes
        self.slots[slot]?.order.removeAll { $0 == channel }
        return event
    }

    /// Takes out what is kept for the channel that has waited longest.
    mutating func takeFirst(_ slot: Int32) -> (channel: Int32, event: Event)? {
        guard let channel = self.slots[slot]?.order.first, let event = self.take(slot, channel: channel) else {
            return nil
        }
        return (channel, event)
    }

    /// Forgets one channel of a slot.
    mutating func forget(_ slot: Int32, channel: Int32) {
        if !self.slots.isEmpty { _ = self.take(slot, channel: channel) }
    }

    /// Forgets a slot.
    mutating func forget(_ slot: Int32) {
        if !self.slots.isEmpty { self.slots[slot] = nil }
    }

    private mutating func put(_ event: Event, _ slot: Int32, _ channel: Int32) -> Bool {
        let older = self.slots[slot, default: Held()].events.updateValue(event, forKey: channel)
        self.slots[slot]?.bytes += event.bytes - (older?.bytes ?? 0)
        // A newer event keeps its channel's turn.
        if older == nil { self.slots[slot]?.order.append(channel) }
        return older != nil
    }
}
