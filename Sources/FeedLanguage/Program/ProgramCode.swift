import Market

/// Where a field's value is and how to read it; plain and small, so that building a tick counts no references.
struct FieldCode {
    /// The first place to look at; a slot of −1 is none.
    var scope: Int32 = 0
    var slot: Int32 = -1
    /// More about it in ``Program/details``, or −1.
    var detail: Int32 = -1
    /// Whether the value at the first place, if there is one, is read as it stands.
    var isSimple = true
    /// Whether zero means "no value".
    var zeroIsNone = false
    /// Whether a number's sign does not count.
    var isAbsolute = false
    /// Whether a side is a number's sign.
    var isSign = false
    /// Whether the usual words name the other side.
    var isInverted = false
    /// Whether a time needs its details: a zone, or a time of day of its own.
    var isUnusualTime = false
    /// Whether the file names a source for the field.
    var isMapped = false
    var unit = TimeUnitCode.auto
    /// What stands around the part of the text that counts.
    var captured: UnsafeMutablePointer<Affix>?
    /// The taker's side by wire text.
    var sides: UnsafeMutablePointer<KeyTable>?
    /// The raw value of the ``Side`` of other texts.
    var fallbackSide = Side.unknown.rawValue
}

/// The unit of a time on the wire.
enum TimeUnitCode: UInt8 {
    case auto, iso, s, ms, us, ns

    init(_ unit: ValueSource.TimeUnit) {
        switch unit {
        case .auto: self = .auto
        case .iso: self = .iso
        case .s: self = .s
        case .ms: self = .ms
        case .us: self = .us
        case .ns: self = .ns
        }
    }
}

/// What a field has beyond one place.
struct FieldDetail: Sendable {
    /// A number to multiply with or divide by.
    enum Factor: Sendable {
        case constant(Decimal64)
        /// The number of ``Program/tables``.
        case table(Int)
    }

    /// A piece of a text put together from several values.
    enum Part: Sendable {
        case text(String)
        case slot(SlotReference)
    }

    /// Further places, when the value is missing at the first.
    var alternatives: [SlotReference]
    var constant: String?
    var parts: [Part]
    var like: LikePattern?
    /// The number of the regular expression in ``Program/patterns``.
    var pattern: Int?
    /// Texts and numbers that mean "no value".
    var none: [String]
    var noneDecimals: [Decimal64]
    /// Bytes to pass over in a number.
    var strip: [UInt8]
    var times: Factor?
    var dividedBy: Factor?
    var zone: ZoneRule?
    var clock: SlotReference?
}

/// Tests on captured values, all of which must hold.
struct ConditionList {
    var conditions: UnsafeMutablePointer<ConditionCode>
    var count: Int
}

/// A test on a captured value.
struct ConditionCode {
    enum Operation {
        case anyOf, noneOf, exists, absent, type, like, notLike, matches, notMatches
    }

    var scope: Int
    var slot: Int
    var operation: Operation
    var strings: KeyTable
    var literals: KeyTable
    /// One bit for each ``ValueKind``.
    var kinds: UInt16
    var affix: Affix
    /// The number of the regular expression in ``Program/patterns``, or −1.
    var pattern: Int
}

/// Whether a tick is part of a snapshot.
struct SnapshotCode {
    var isAlways: Bool
    /// Tests on the frame, by number, that the scanner has made already; zero is none.
    var needs: UInt64
    /// Looked at when there are any and the scanner could not make them.
    var conditions: ConditionList
}

/// How to build a trade.
struct TradeCode {
    var symbol: FieldCode
    var price: FieldCode
    var size: FieldCode
    var side: FieldCode
    var time: FieldCode
    var id: FieldCode
    var sequence: FieldCode
    var snapshot: SnapshotCode
    /// Nanoseconds; zero is none.
    var staleFirst: Int64
}

/// How to build a quote.
struct QuoteCode {
    var symbol: FieldCode
    var bid: FieldCode
    var ask: FieldCode
    var bidSize: FieldCode
    var askSize: FieldCode
    var last: FieldCode
    var time: FieldCode
    var sequence: FieldCode
    var snapshot: SnapshotCode
    var isMerging: Bool
}

/// How to read a trading status.
struct StatusCode {
    var symbol: FieldCode
    var state: FieldCode
    /// From the text on the wire to the raw value of a ``TradingState``.
    var states: KeyTable
    /// The raw value for other texts, or −1 when they say nothing.
    var fallback: Int32
    var reason: FieldCode
    var time: FieldCode
}

/// What one item gives.
struct ItemCode {
    enum Body {
        case ticks, status, ignored, control, error
    }

    var conditions: ConditionList
    var body: Body
    var trade: UnsafeMutablePointer<TradeCode>?
    var quote: UnsafeMutablePointer<QuoteCode>?
    /// For ``Body/status``.
    var status: UnsafeMutablePointer<StatusCode>?
    /// For ``Body/error``.
    var error = ErrorCode()
}

/// Where an error's parts come from.
struct ErrorCode {
    var message = FieldCode()
    var detail = FieldCode()
    var symbol = FieldCode()
    /// Nanoseconds; zero is none.
    var retryAfter: Int64 = 0
}

/// The scopes from the frame to the innermost `each`.
struct ScopeChain {
    var scopes: UnsafeMutablePointer<Int>
    var count: Int
}

/// One thing that a frame gives.
struct OutputCode {
    /// On the frame.
    var conditions: ConditionList
    var chain: ScopeChain
    var items: UnsafeMutablePointer<ItemCode>
    var itemCount: Int
}

/// A list of symbols in an acknowledgement.
struct AcknowledgementPart {
    var chain: ScopeChain
    var symbol = FieldCode()
    var message = FieldCode()
}

/// A message rule.
struct RuleCode {
    enum Body {
        case ignored, control, reconnect, error, fatal, reply, acknowledgement, registration, outputs
    }

    var body: Body
    var outputs: UnsafeMutablePointer<OutputCode>
    var outputCount = 0
    /// For ``Body/error`` and ``Body/fatal``.
    var error = ErrorCode()
    /// The number of the reply in ``Program/replies``.
    var reply = -1
    /// For ``Body/registration``.
    var id = FieldCode()
    var kind = FieldCode()
    var symbol = FieldCode()
    /// For ``Body/acknowledgement``; neither confirms everything.
    var accepted: UnsafeMutablePointer<AcknowledgementPart>?
    var failed: UnsafeMutablePointer<AcknowledgementPart>?
    /// Where the id of the registered channel stands that the frame must belong to.
    var channel = FieldCode()
    /// The number of the channel's kind in ``Program/channelKinds``; −1 is any.
    var channelKind = -1
}

/// An answer with values of the question in it.
struct ReplyCode: Sendable {
    var template: MessageTemplate
    /// The values that the template names.
    var values: [(path: FieldPath, slot: SlotReference)]
}
