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
        case items([ItemRule])
    }

    var mark: SourceMark
    /// All must hold; their paths start at the frame.
    var conditions: [Condition]
    /// The lists to walk through, outermost first; each path starts at the item of the one before.
    var levels: [FieldPath]
    var body: Body
}

/// What a frame means when nothing is to be read from it.
enum FixedOutcome: Hashable, Sendable {
    case ignored, control, reconnect
}

/// What one item, or a frame without `each`, gives.
struct ItemRule: Sendable {
    var mark: SourceMark
    /// All must hold; their paths start at the item.
    var conditions: [Condition]
    var trade: TradeMapping?
    var quote: QuoteMapping?
}

/// Where a trade's fields come from.
struct TradeMapping: Sendable {
    var symbol: ValueSource
    var price: ValueSource
    var size: ValueSource?
    var side: ValueSource?
    var time: ValueSource?
    var id: ValueSource?
    var sequence: ValueSource?
    var snapshot: SnapshotRule
}

/// Where a quote's fields come from.
struct QuoteMapping: Sendable {
    var symbol: ValueSource
    var bid: ValueSource?
    var ask: ValueSource?
    var bidSize: ValueSource?
    var askSize: ValueSource?
    var last: ValueSource?
    var time: ValueSource?
    var sequence: ValueSource?
    var snapshot: SnapshotRule
}

/// Where the text of a provider's error message comes from.
struct ErrorMapping: Sendable {
    var message: ValueSource
    var detail: ValueSource?
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

    var mark: SourceMark
    /// The first that is there and not null counts.
    var paths: [FieldPath] = []
    /// A fixed text in place of a path.
    var constant: String?
    /// The part of the text that the star stands for.
    var like: LikePattern?
    /// Texts that mean "no value".
    var none: [String] = []
    /// The taker's side by the text on the wire; `nil` is the usual words.
    var sides: [String: Side]?
    /// The side of texts that `sides` does not list.
    var fallbackSide: Side = .unknown
    var unit: TimeUnit = .auto
}

/// Text with one star that stands for anything but nothing.
struct LikePattern: Hashable, Sendable {
    var prefix: String
    var suffix: String
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
    }

    var mark: SourceMark
    var frame: [UInt8]
    var symbols: [Symbol]
    var receivedTime: Timestamp
    var expectation: Expectation
}

/// The fields of a tick that a test looks at.
struct ExpectedTick: Sendable {
    var mark: SourceMark
    var kind: String
    /// Field by name; `nil` means the field must have no value.
    var fields: [(name: String, value: String?)]
}
