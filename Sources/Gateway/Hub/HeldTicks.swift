/// The newest tick of each channel for connections that read too slowly.
///
/// Bounded by one frame for each subscription of such a connection.
struct HeldTicks {
    private struct Held {
        var frames: [Int32: [UInt8]] = [:]
        var order: [Int32] = []
        var bytes = 0
    }

    private var slots: [Int32: Held] = [:]

    /// Keeps a frame in place of an older one of the same channel.
    ///
    /// - Returns: Whether there was an older one.
    mutating func hold(_ slot: Int32, channel: Int32, _ frame: UnsafeRawBufferPointer) -> Bool {
        let older = self.slots[slot, default: Held()].frames.updateValue(Array(frame), forKey: channel)
        self.slots[slot]?.bytes += frame.count - (older?.count ?? 0)
        if older == nil { self.slots[slot]?.order.append(channel) }
        return older != nil
    }

    /// The bytes kept for a slot.
    func bytes(_ slot: Int32) -> Int { self.slots[slot]?.bytes ?? 0 }

    /// Takes one channel's frame out.
    mutating func take(_ slot: Int32, channel: Int32) -> [UInt8]? {
        guard let frame = self.slots[slot]?.frames.removeValue(forKey: channel) else { return nil }
        self.slots[slot]?.bytes -= frame.count
        self.slots[slot]?.order.removeAll { $0 == channel }
        return frame
    }

    /// Takes all frames out, the channel that waited longest first.
    mutating func takeAll(_ slot: Int32) -> [[UInt8]] {
        guard let held = self.slots.removeValue(forKey: slot) else { return [] }
        return held.order.compactMap { held.frames[$0] }
    }

    /// Forgets one channel of a slot.
    mutating func forget(_ slot: Int32, channel: Int32) {
        if !self.slots.isEmpty { _ = self.take(slot, channel: channel) }
    }

    /// Forgets a slot.
    mutating func forget(_ slot: Int32) {
        if !self.slots.isEmpty { self.slots[slot] = nil }
    }
}
