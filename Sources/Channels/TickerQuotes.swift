/// One derived ticker channel: which ticks its next frame stands for, and what everybody on it has.
///
/// All subscribers get the same frames. Somebody who joins gets the state as of the last frame, so that the next one fits.
package struct TickerQuotes: Sendable {
    /// The next frame of the channel.
    package struct Frame: Equatable, Sendable {
        /// `tick`, or `snapshot` when changes alone could not tell the state.
        package var name: String
        /// The data, escaped for a JSON string.
        package var data: [UInt8]
        /// How many ticks it stands for.
        package var merged: Int
    }

    /// Whether frames tell changes only.
    package let isDelta: Bool
    /// Somebody has joined who holds no state: the next frame has to be a full one.
    private var isFullNeeded = false
    /// The base channel's state was set anew.
    private var isReplaced = false
    private var fields: FlatObject?
    /// The full data as of the last frame, escaped for a JSON string; empty before the first one.
    package private(set) var sent: [UInt8] = []
    /// How many ticks the next frame stands for.
    package private(set) var pending = 0

    /// A channel that nobody is on.
    package init(isDelta: Bool) { self.isDelta = isDelta }

    /// Somebody joined.
    ///
    /// - Parameter newest: The base channel's newest tick, escaped for a JSON string; empty when there is none.
    /// - Returns: The snapshot for them, escaped likewise; empty when there is none.
    package mutating func joined(newest: [UInt8]) -> [UInt8] {
        if self.sent.isEmpty, !self.hasFrame, !newest.isEmpty { self.keep(newest) }
        if self.sent.isEmpty { self.isFullNeeded = true }
        return self.sent
    }

    /// The base channel had ticks; `weight` says how many.
    package mutating func ticked(weight: Int) { self.pending += weight }

    /// The base channel's state was set anew: the next frame is a full one, though no tick came.
    package mutating func replaced() { self.isReplaced = true }

    /// Whether there is something to send.
    package var hasFrame: Bool { self.pending > 0 || self.isReplaced }

    /// What is to be sent now.
    ///
    /// - Parameter newest: The base channel's newest tick, escaped for a JSON string.
    /// - Returns: `nil` when nothing has happened since the last frame.
    package mutating func frame(newest: [UInt8]) -> Frame? {
        guard self.hasFrame else { return nil }
        let merged = self.pending
        let isReplaced = self.isReplaced
        self.pending = 0
        self.isReplaced = false
        guard self.isDelta else {
            self.sent = newest
            return Frame(name: isReplaced ? "snapshot" : "tick", data: Self.full(newest, merged), merged: merged)
        }
        let older = self.isFullNeeded || isReplaced ? nil : self.fields
        self.isFullNeeded = false
        self.keep(newest)
        if let older, let fields = self.fields {
            var changes: [UInt8] = []
            if fields.appendChanges(since: older, always: ["sequence"], merged: merged, to: &changes) {
                var data: [UInt8] = []
                data.reserveCapacity(changes.count * 2)
                changes.withUnsafeBufferPointer { JSONText.appendEscaped($0, to: &data) }
                return Frame(name: "tick", data: data, merged: merged)
            }
        }
        return Frame(name: "snapshot", data: Self.full(newest, merged), merged: merged)
    }

    /// The state as of the last frame for somebody who missed frames.
    ///
    /// - Parameter merged: How many ticks those stood for.
    /// - Returns: A `snapshot`.
    package func catchUp(merged: Int) -> Frame {
        Frame(name: "snapshot", data: Self.full(self.sent, merged), merged: merged)
    }

    private mutating func keep(_ data: [UInt8]) {
        self.sent = data
        guard self.isDelta else { return }
        self.fields = FlatObject(data.withUnsafeBufferPointer { JSONText.unescaped($0) })
    }

    private static func full(_ data: [UInt8], _ merged: Int) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(data.count + 24)
        data.withUnsafeBytes { TickText.escaped.append($0, merged: merged, to: &output) }
        return output
    }
}
