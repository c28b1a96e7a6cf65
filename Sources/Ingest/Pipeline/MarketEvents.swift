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

    /// A symbol trades no more, or trades again.
    static func halt(_ status: TradingStatus, _ channel: String) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        self.begin(status.symbol, status.venue, &payload)
        payload.append(literal: ",\"state\":\"")
        payload.append(contentsOf: status.state.name.utf8)
        payload.append(literal: "\"")
        if let reason = status.reason {
            payload.append(literal: ",\"reason\":")
            payload.appendJSONString(reason)
        }
        self.append(status.eventTime, ",\"eventTime\":\"", &payload)
        self.append(status.receivedTime, ",\"receivedTime\":\"", &payload)
        payload.append(literal: "}")
        return Channels.ChannelEvent(channel: channel, name: "halt", data: payload)
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

    /// A candle as it is now, which the channel keeps for new subscribers.
    ///
    /// - Parameters:
    ///   - bar: What is in it.
    ///   - interval: Its length.
    ///   - symbol: Whose it is.
    ///   - venue: Where it traded; `nil` for all venues together.
    ///   - isClosed: Whether its time is over.
    ///   - channel: Where it is told.
    /// - Returns: A `candle`.
    static func candle(
        _ bar: CandleBar, _ interval: CandleInterval, of symbol: Symbol, at venue: Venue?, isClosed: Bool,
        _ channel: String
    ) -> Channels.ChannelEvent {
        var payload: [UInt8] = []
        payload.reserveCapacity(384)
        payload.append(literal: "{\"symbol\":\"")
        symbol.write(to: &payload)
        if let venue {
            payload.append(literal: "\",\"venue\":\"")
            venue.write(to: &payload)
        }
        payload.append(literal: "\",\"interval\":\"")
        payload.append(contentsOf: interval.description.utf8)
        payload.append(literal: "\",\"start\":\"")
        Timestamp(microseconds: bar.start).write(to: &payload)
        for (key, price) in [
            ("open", bar.open.price), ("high", bar.high), ("low", bar.low), ("close", bar.close.price),
        ] {
            payload.append(contentsOf: "\",\"\(key)\":\"".utf8)
            price.write(to: &payload)
        }
        let (volume, turnover) = (bar.volume.total, bar.turnover.total)
        payload.append(literal: "\",\"volume\":\"")
        volume.write(to: &payload)
        payload.append(literal: "\"")
        if let vwap = turnover.divided(by: volume, significantDigits: Self.vwapDigits) {
            payload.append(literal: ",\"vwap\":\"")
            vwap.write(to: &payload)
            payload.append(literal: "\"")
        }
        payload.append(literal: ",\"trades\":")
        payload.append(integer: bar.tradeCount)
        // The last member: a gateway tells by it which candles must not be replaced by a newer one.
        payload.append(contentsOf: ",\"closed\":\(isClosed)}".utf8)
        return Channels.ChannelEvent(
            channel: channel, name: "candle", data: payload, retention: .deliverAndKeepAsSnapshot)
    }

    /// The digits of a candle's VWAP, as in the history.
    private static let vwapDigits = 15

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
