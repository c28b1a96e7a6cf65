import Market

/// A feed file after reading, before compiling: every value has its type, every name is known.
struct FeedDocument: Sendable {
    var name: Venue
    var title: String
    var asset: AssetRule
    var docs: String?
    var connection: ConnectionSettings
    var symbols: SymbolRules
    var subscribe: SubscriptionTemplate?
    var unsubscribe: SubscriptionTemplate?
    var messages: [MessageRule]
    var tests: [FeedTest]
    var defaults: [Symbol]
    /// A number on every frame of a connection.
    var sequence: ValueSource?
    /// How sequence numbers count up.
    var sequencing = FeedSequencing()
    /// Numbers by symbol that `times` and `dividedBy` name.
    var tables: [String: FactorTable] = [:]
    /// Its name among the file's `streams`; `nil` for the file itself.
    var streamName: String?
    /// What the provider's terms say about using the data.
    var terms: String?
    /// The environment variables that the file names, each with its default.
    var variables: [(name: String, fallback: String?)] = []
    var backfill: BackfillSettings?
    var discovery: DiscoverySettings?
}

/// How a feed's symbols get their asset class.
enum AssetRule: Hashable, Sendable {
    case fixed(AssetClass)
    /// `BASE-QUOTE` is crypto, anything else a stock.
    case automatic

    func assetClass(of symbol: Symbol) -> AssetClass {
        switch self {
        case .fixed(let asset): asset
        case .automatic: symbol.quoteCurrency == nil ? .stock : .crypto
        }
    }
}

/// One entry of `messages`: which frames it takes and what they mean.
struct MessageRule: Sendable {
    enum Body: Sendable {
        case fixed(FixedOutcome)
        case error(ErrorMapping)
        case fatal(ErrorMapping)
        case reply(MessageTemplate)
        case acknowledgement(AcknowledgementMapping)
        case registration(RegistrationMapping)
        case outputs([OutputRule])
    }

    var mark: SourceMark
    /// All must hold; their paths start at the frame.
    var conditions: [Condition]
    /// The registered channel that the frame must belong to.
    var channel: ChannelTest?
    var body: Body
}

/// What a frame means when nothing is to be read from it.
enum FixedOutcome: Hashable, Sendable {
    case ignored, control, reconnect
}

/// One thing that a frame gives.
struct OutputRule: Sendable {
    /// All must hold; their paths start at the frame.
    var conditions: [Condition]
    /// The lists to walk through, outermost first; each path starts at the item of the one before.
    var levels: [FieldPath]
    /// The first that holds takes the item.
    var items: [ItemRule]
}

/// What one item, or a frame without `each`, gives.
struct ItemRule: Sendable {
    enum Body: Sendable {
        case ticks(TradeMapping?, QuoteMapping?)
        case status(StatusMapping)
        case ignored, control
        case error(ErrorMapping)
    }

    var mark: SourceMark
    /// All must hold; their paths start at the item.
    var conditions: [Condition]
    var body: Body
}

/// Which registered channel a frame must belong to: `channel: {id: "[0]", is: trades}`.
struct ChannelTest: Sendable {
    var id: ValueSource
    /// The kind it was registered with; `nil` is any.
    var kind: String?
}

/// What a frame tells about a channel's id: `register: {id: chanId, kind: channel, symbol: symbol}`.
struct RegistrationMapping: Sendable {
    var id: ValueSource
    var kind: ValueSource?
    var symbol: ValueSource?
}

/// Which subscriptions a frame confirms or refuses.
struct AcknowledgementMapping: Sendable {
    /// One list of symbols.
    struct Part: Sendable {
        var levels: [FieldPath]
        var symbol: ValueSource
        var message: ValueSource?
    }

    /// `nil` confirms everything that was asked for.
    var accepted: Part?
    var failed: Part?
}

/// Where a trade's fields come from.
struct TradeMapping: Sendable {
    /// `nil` is the symbol of the registered channel, or of the request that the frame answers.
    var symbol: ValueSource?
    var price: ValueSource
    var size: ValueSource?
    var side: ValueSource?
    var time: ValueSource?
    var id: ValueSource?
    var sequence: ValueSource?
    var snapshot: SnapshotRule
    /// Until a symbol's first trade younger than this, its trades count as snapshot.
    var staleFirst: Duration?
}

/// Where a quote's fields come from.
struct QuoteMapping: Sendable {
    /// `nil` is the symbol of the registered channel, or of the request that the frame answers.
    var symbol: ValueSource?
    var bid: ValueSource?
    var ask: ValueSource?
    var bidSize: ValueSource?
    var askSize: ValueSource?
    var last: ValueSource?
    var time: ValueSource?
    var sequence: ValueSource?
    var snapshot: SnapshotRule
    /// Whether a field that a frame leaves out is unchanged.
    var isMerging = false
}

/// Where the parts of a trading status come from: `status: {symbol: S, state: {from: sc, map: {H: halted, T: trading}}}`.
struct StatusMapping: Sendable {
    /// `nil` is the symbol of the registered channel, or of the request that the frame answers.
    var symbol: ValueSource?
    var state: ValueSource
    /// The state by the text on the wire.
    var states: [String: TradingState]
    /// The state of texts that `states` does not list; `nil` says nothing about them.
    var fallback: TradingState?
    var reason: ValueSource?
    var time: ValueSource?
}

/// Where the text of a provider's error message comes from.
struct ErrorMapping: Sendable {
    var message: ValueSource
    var detail: ValueSource?
    /// The symbol that the error is about.
    var symbol: ValueSource?
    /// How long to leave the provider alone.
    var retryAfter: Duration?
}

/// Whether a tick is part of a snapshot.
enum SnapshotRule: Sendable {
    case constant(Bool)
    case when([Condition])
}

/// A value and how to read it.
struct ValueSource: Sendable {
    enum TimeUnit: String, Sendable, CaseIterable {
        case auto, iso, s, ms, us, ns
    }

    /// A number to multiply with or divide by.
    enum Factor: Hashable, Sendable {
        case constant(Decimal64)
        /// By symbol, from the file's `tables`.
        case table(String)
    }

    /// A piece of a text put together from several values.
    enum TextPart: Sendable {
        case text(String)
        case path(FieldPath)
    }

    var mark: SourceMark
    /// The first that is there and not null counts.
    var paths: [FieldPath] = []
    /// A fixed text in place of a path.
    var constant: String?
    /// Put together from several values in place of a path.
    var parts: [TextPart] = []
    /// The part of the text that the star stands for.
    var like: LikePattern?
    /// The part of the text that the pattern's first group takes.
    var pattern: TextPattern?
    /// Texts that mean "no value".
    var none: [String] = []
    /// Characters to pass over in a number: `%`, `,`.
    var strip = ""
    /// Whether a number's sign does not count.
    var isAbsolute = false
    var times: Factor?
    var dividedBy: Factor?
    /// The taker's side by the text on the wire; `nil` is the usual words.
    var sides: [String: Side]?
    /// The side of texts that `sides` does not list.
    var fallbackSide: Side = .unknown
    /// Whether the usual words name the maker's side.
    var isInverted = false
    /// Whether the side is a number's sign: positive is a buy.
    var isSign = false
    var unit: TimeUnit = .auto
    /// The zone of times without one.
    var zone: ZoneRule?
    /// The time of day when date and time stand apart.
    var clock: FieldPath?
    /// How a sequence counts up.
    var step = Sequencing.increasing
}

/// Text with one star that stands for anything but nothing.
struct LikePattern: Hashable, Sendable {
    var prefix: String
    var suffix: String
}

/// A regular expression in the dialect of Swift's `Regex`.
struct TextPattern: Hashable, Sendable {
    let text: String
}

/// A test on the value at a path.
struct Condition: Hashable, Sendable {
    enum Test: Hashable, Sendable {
        case anyOf([JSONScalar])
        case noneOf([JSONScalar])
        /// There and not null, or not so.
        case exists(Bool)
        case type([JSONType])
        case like(LikePattern)
        case notLike(LikePattern)
        case matches(TextPattern)
        case notMatches(TextPattern)
    }

    var path: FieldPath
    var test: Test
}

/// The kinds of JSON values, as a feed file names them.
enum JSONType: String, Sendable, CaseIterable {
    case object, array, string, number, boolean, null
}

/// An entry of `tests`.
struct FeedTest: Sendable {
    enum Expectation: Sendable {
        case ticks([ExpectedTick])
        case ignored, control, unmatched, malformed, reconnect
        case error(String)
        case fatal(String)
        case reply(String)
        case acknowledged(symbols: [Symbol], failed: [String])
        case registered(id: String, kind: String?, symbol: Symbol?)
    }

    /// What is tried.
    enum Body: Sendable {
        /// A frame, after those of `before`.
        case frame([UInt8], before: [[UInt8]], Expectation)
        /// What subscribing to, or leaving, the test's symbols sends.
        case sends([String], isSubscribing: Bool)
    }

    var mark: SourceMark
    var body: Body
    var symbols: [Symbol]
    var receivedTime: Timestamp
}

/// The fields of a tick that a test looks at.
struct ExpectedTick: Sendable {
    var mark: SourceMark
    var kind: String
    /// Field by name; `nil` means the field must have no value.
    var fields: [(name: String, value: String?)]
}

/// Numbers by symbol: a table of `tables`.
struct FactorTable: Hashable, Sendable {
    var bySymbol: [Symbol: Decimal64]
    var fallback: Decimal64?

    func value(for symbol: Symbol) -> Decimal64? { self.bySymbol[symbol] ?? self.fallback }
}
