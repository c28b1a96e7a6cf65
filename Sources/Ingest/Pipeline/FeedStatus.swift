public import Market

/// What a feed is doing, as the `feed` events of the channel `status` tell.
public enum FeedState: String, Sendable, Hashable, CaseIterable {
    /// It is being connected, for the first time or again.
    case connecting
    /// Ticks come.
    case live
    /// Ticks came, and the connection is lost or mute.
    case stale
    /// It cannot run: a refused key, a fault that a new attempt will not mend.
    case failed
    /// Ticks come, and some that are missing are being asked for.
    case gap
}

/// A feed's state with its cause.
public struct FeedStatus: Sendable, Hashable {
    /// The feed.
    public let feed: Venue
    /// What it is doing.
    public var state: FeedState
    /// Why, in one line; empty when there is nothing to say.
    public var reason: String
    /// Since when.
    public var since: Timestamp
    /// Symbols whose connection is lost.
    public var lostSymbols: Int
    /// Gaps that are open.
    public var openGaps: Int

    /// Appends the `data` of a `feed` event (docs/channels.md).
    public func writeJSON(to bytes: inout [UInt8]) {
        bytes.append(literal: "{\"feed\":\"")
        self.feed.write(to: &bytes)
        bytes.append(literal: "\",\"state\":\"")
        bytes.append(contentsOf: self.state.rawValue.utf8)
        bytes.append(literal: "\",\"since\":\"")
        self.since.write(to: &bytes)
        bytes.append(literal: "\",\"lostSymbols\":")
        bytes.append(integer: self.lostSymbols)
        bytes.append(literal: ",\"openGaps\":")
        bytes.append(integer: self.openGaps)
        if !self.reason.isEmpty {
            bytes.append(literal: ",\"reason\":")
            bytes.appendJSONString(self.reason)
        }
        bytes.append(literal: "}")
    }
}
