import Channels

/// A channel that the gateway makes out of others on one event loop.
///
/// Exists while it has subscribers there, and is touched on that loop only.
final class DerivedChannel {
    /// What its frames are made of.
    enum Content {
        case ticker(TickerQuotes, QuoteSource)
        /// The sources by their number in the machine.
        case market(MarketQuotes, [QuoteSource])
        /// Nobody is on it any more.
        case ended
    }

    /// Its number on the loop.
    let channel: Int32
    let key: ChannelKey
    /// `nil` sends each tick at once.
    let interval: QuoteInterval?
    var content: Content
    /// Whether its interval has not passed since its last frame.
    var isWaiting = false
    /// Whether it sends at the end of the batch.
    var isListed = false
    /// How many ticks of which symbols the `market` frame that is being delivered stands for.
    var marketWeights: [Int32: Int] = [:]
    /// How many ticks the `;delta` frame that is being delivered stands for.
    var stateWeight = 0

    init(channel: Int32, key: ChannelKey, interval: QuoteInterval?, content: Content) {
        self.channel = channel
        self.key = key
        self.interval = interval
        self.content = content
    }

    /// Whether there is something to send.
    var hasFrames: Bool {
        switch self.content {
        case .ticker(let quotes, _): quotes.hasFrame
        case .market(let quotes, _): quotes.hasChanges
        case .ended: false
        }
    }
}
