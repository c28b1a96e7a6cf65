import Channels
import Market

/// The channel events of the market channels (docs/channels.md).
enum MarketEvents {
    /// A symbol's state, which the channel keeps as its snapshot.
    static func tick(_ state: MarketState, _ channel: String, _ sequence: UInt64) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        payload.reserveCapacity(512)
        state.writeTickerJSON(to: &payload, sequence: sequence)
        return Channels.ChannelEvent(
            channel: channel, name: "tick", data: payload, retention: .deliverAndKeepAsSnapshot)
    }

    static func trade(_ trade: Trade, _ channel: String, _ sequence: UInt64) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        payload.reserveCapacity(320)
        trade.writeJSON(to: &payload, sequence: sequence)
        return Channels.ChannelEvent(channel: channel, name: "trade", data: payload)
    }

    /// Why a channel's price is no longer current.
    enum StaleReason: String {
        /// The connection to the venue is lost.
        case disconnected
        /// The venue says nothing, much longer than usual.
        case silent
    }

    /// The channel's price is no longer current; the next `tick` ends it.
    static func stale(_ state: MarketState, _ channel: String, _ reason: StaleReason) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        self.begin(state.symbol, state.venue, &payload)
        if let receivedTime = state.receivedTime {
            payload.append(literal: ",\"since\":\"")
            receivedTime.write(to: &payload)
            payload.append(literal: "\"")
        }
        payload.append(literal: ",\"reason\":\"")
        payload.append(contentsOf: reason.rawValue.utf8)
        payload.append(literal: "\"}")
        return Channels.ChannelEvent(channel: channel, name: "stale", data: payload)
    }

    /// Ticks are missing, or are there again.
    static func gap(
        _ gap: FeedGap, of symbol: Symbol, _ channel: String, state: GapState, repaired: Int64
    ) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        self.begin(symbol, gap.venue, &payload)
        self.append(gap.bounds.fromTime, ",\"from\":\"", &payload)
        self.append(gap.bounds.toTime, ",\"to\":\"", &payload)
        if let sequence = gap.bounds.fromSequence {
            payload.append(literal: ",\"fromSequence\":")
            payload.append(integer: sequence)
        }
        if let sequence = gap.bounds.toSequence {
            payload.append(literal: ",\"toSequence\":")
            payload.append(integer: sequence)
        }
        if let missing = gap.missing {
            payload.append(literal: ",\"missing\":")
            payload.append(integer: missing)
        }
        payload.append(literal: ",\"stream\":\"")
        payload.append(contentsOf: gap.stream.rawValue.utf8)
        payload.append(literal: "\",\"reason\":\"")
        payload.append(contentsOf: gap.reason.rawValue.utf8)
        payload.append(literal: "\",\"state\":\"")
        payload.append(contentsOf: state.rawValue.utf8)
        payload.append(literal: "\",\"repaired\":")
        payload.append(contentsOf: (state == .repaired ? "true" : "false").utf8)
        if state != .open {
            payload.append(literal: ",\"recovered\":")
            payload.append(integer: repaired)
        }
        payload.append(literal: "}")
        return Channels.ChannelEvent(channel: channel, name: "gap", data: payload)
    }

    private static func begin(_ symbol: Symbol, _ venue: Venue, _ payload: inout [UInt8]) {
        payload.append(literal: "{\"symbol\":\"")
        symbol.write(to: &payload)
        payload.append(literal: "\",\"venue\":\"")
        venue.write(to: &payload)
        payload.append(literal: "\"")
    }

    private static func append(_ time: Timestamp?, _ key: StaticString, _ payload: inout [UInt8]) {
        guard let time else { return }
        payload.append(literal: key)
        time.write(to: &payload)
        payload.append(literal: "\"")
    }
}
