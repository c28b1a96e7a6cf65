public import Market

/// The price that a Live Activity shows: its `content-state`.
///
/// Short keys and no dates, because the device decodes with Swift's default strategies: `p` price, `c` change, `r` percent change,
/// `s` market state, `t` Unix seconds of the price, `d` whether it is delayed, `l` sparkline 0…100.
public struct LivePrice: Hashable, Sendable {
    /// The last price.
    public var price: Decimal64
    /// The decimals that prices of the symbol have; `nil` writes as many as each has.
    public var decimals: Int?
    /// Since the previous close.
    public var change: Decimal64?
    /// The same in percent.
    public var percentChange: Decimal64?
    /// `open`, `closed`, `pre`, `after`, in the app's words; at most 32 bytes are sent.
    public var marketState: String
    /// When the exchange says so.
    public var time: Timestamp
    /// Whether the price is known to be behind.
    public var isDelayed: Bool
    /// At most the 24 newest points are sent, each 0…100.
    public var sparkline: [Int]

    /// Makes a state from its parts.
    public init(
        price: Decimal64, decimals: Int? = nil, change: Decimal64? = nil, percentChange: Decimal64? = nil,
        marketState: String = "open", time: Timestamp, isDelayed: Bool = false, sparkline: [Int] = []
    ) {
        self.price = price
        self.decimals = decimals
        self.change = change
        self.percentChange = percentChange
        self.marketState = marketState
        self.time = time
        self.isDelayed = isDelayed
        self.sparkline = sparkline
    }

    func write(to writer: inout JSONWriter, withSparkline: Bool) {
        let format = PriceFormat(decimals: self.decimals)
        writer.string("p", format.text(self.price))
        writer.string("c", ifPresent: self.change.map { format.text($0) })
        writer.string("r", ifPresent: self.percentChange?.description)
        writer.string("s", PushText.line(self.marketState, 32))
        writer.integer("t", self.time.unixSeconds)
        writer.boolean("d", self.isDelayed)
        let points = withSparkline ? self.sparkline.suffix(PushContent.sparklinePointsMax) : []
        writer.array("l", integers: points.map { min(max($0, 0), 100) })
    }
}

/// What lights up the screen with a Live Activity's push.
public struct LiveActivityAlert: Hashable, Sendable {
    /// The first line.
    public var title: String
    /// The text.
    public var body: String
    /// The name of a sound in the app; `nil` is the default one.
    public var sound: String?

    /// Makes an alert.
    public init(title: String, body: String, sound: String? = nil) {
        self.title = title
        self.body = body
        self.sound = sound
    }
}

/// A push for a Live Activity, to one device or to a broadcast channel.
///
/// Source: Apple, "Starting and updating Live Activities with ActivityKit push notifications".
public struct LiveActivityPush: Hashable, Sendable {
    /// What happens to the activity.
    public enum Event: Hashable, Sendable {
        /// It begins; Apple demands an alert.
        case start(LiveActivityStart, alert: LiveActivityAlert)
        /// It shows something else, and lights up the screen if there is an alert.
        case update(alert: LiveActivityAlert?)
        /// It ends and leaves the lock screen at `dismissedAt`; `nil` leaves that to the system, four hours at most.
        case end(dismissedAt: Timestamp?, alert: LiveActivityAlert?)
    }

    /// What happens.
    public var event: Event
    /// What it shows.
    public var state: LivePrice
    /// Unix seconds from ``LiveActivityClock``; a device ignores what is older than what it has.
    public var timestamp: Int64
    /// When the activity shall call itself outdated.
    public var staleAt: Timestamp?
    /// How it ranks among the app's activities: any finite number.
    public var relevance: Double?

    /// Makes a push.
    public init(
        event: Event, state: LivePrice, timestamp: Int64, staleAt: Timestamp? = nil, relevance: Double? = nil
    ) {
        self.event = event
        self.state = state
        self.timestamp = timestamp
        self.staleAt = staleAt
        self.relevance = relevance
    }

    /// 10 if the screen lights up or the activity starts or ends; 5 does not count against the system's budget.
    public var priority: Int {
        switch self.event {
        case .start, .end, .update(.some): 10
        case .update(nil): 5
        }
    }

    /// The payload, without the sparkline if it would be too large.
    func fitting(limit: Int) throws(PushError) -> (body: [UInt8], extent: PushExtent) {
        var bytes = 0
        for extent in [PushExtent.full, .withoutSparkline] {
            let body = self.payload(withSparkline: extent == .full)
            if body.count <= limit { return (body, extent) }
            bytes = body.count
        }
        throw .tooLarge(service: "APNs", bytes: bytes, limit: limit)
    }

    private func payload(withSparkline: Bool) -> [UInt8] {
        JSONWriter.object { writer in
            writer.object("aps") { writer in
                writer.integer("timestamp", self.timestamp)
                switch self.event {
                case .start(let start, let alert):
                    writer.string("event", "start")
                    start.write(to: &writer)
                    Self.write(alert, to: &writer)
                case .update(let alert):
                    writer.string("event", "update")
                    if let alert { Self.write(alert, to: &writer) }
                case .end(let dismissedAt, let alert):
                    writer.string("event", "end")
                    if let dismissedAt { writer.integer("dismissal-date", dismissedAt.unixSeconds) }
                    if let alert { Self.write(alert, to: &writer) }
                }
                writer.object("content-state") { self.state.write(to: &$0, withSparkline: withSparkline) }
                if let staleAt = self.staleAt { writer.integer("stale-date", staleAt.unixSeconds) }
                if let relevance = self.relevance { writer.number("relevance-score", relevance) }
            }
        }
    }

    private static func write(_ alert: LiveActivityAlert, to writer: inout JSONWriter) {
        writer.object("alert") { writer in
            writer.string("title", PushText.line(alert.title, 128))
            writer.string("body", PushText.lines(alert.body, 512))
            writer.string("sound", PushText.line(alert.sound ?? "default", 64))
        }
    }
}

/// What a Live Activity that begins by push needs beside its state.
public struct LiveActivityStart: Hashable, Sendable {
    /// Where its updates will come from.
    public enum Updates: Hashable, Sendable {
        /// The app arranges that itself.
        case none
        /// The device reports an update token: `input-push-token`.
        case token
        /// The activity listens to a broadcast channel: `input-push-channel`.
        case channel(id: String)
    }

    /// The name of the app's `ActivityAttributes` type.
    public var attributesType: String
    /// What stays the same as long as it lives, all strings.
    public var attributes: [PushField]
    /// Where its updates will come from.
    public var updates: Updates

    /// Makes a start.
    public init(attributesType: String, attributes: [PushField], updates: Updates = .token) {
        self.attributesType = attributesType
        self.attributes = attributes
        self.updates = updates
    }

    func write(to writer: inout JSONWriter) {
        writer.string("attributes-type", self.attributesType)
        writer.object("attributes") { $0.strings(self.attributes.map { ($0.name, PushText.clean($0.value)) }) }
        switch self.updates {
        case .none: break
        case .token: writer.integer("input-push-token", 1)
        case .channel(let id): writer.string("input-push-channel", id)
        }
    }
}

/// Gives the pushes of one activity or channel timestamps that only grow.
///
/// A device ignores an update that is not newer than what it shows, and exchanges' clocks do step back.
public struct LiveActivityClock: Hashable, Sendable {
    /// The newest timestamp given out.
    public private(set) var last: Int64?

    /// Continues after `last`, as it was stored.
    public init(last: Int64? = nil) { self.last = last }

    /// The timestamp of a push whose price is of `time`: its second, or the one after the last if that is later.
    public mutating func stamp(_ time: Timestamp) -> Int64 {
        let stamp = max(time.unixSeconds, (self.last ?? Int64.min + 1) + (self.last == nil ? 0 : 1))
        self.last = stamp
        return stamp
    }
}
