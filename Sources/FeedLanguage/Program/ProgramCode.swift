import Market

/// Where a field's value is and how to read it; plain data, so that building a tick counts no references.
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
    /// Whether the file names a source for the field.
    var isMapped = false
    var unit = TimeUnitCode.auto
    /// What stands around the part of the text that counts.
    var captured: Affix?
    /// The taker's side by wire text.
    var sides: KeyTable?
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
    /// Further places, when the value is missing at the first.
    var alternatives: [SlotReference]
    var constant: String?
    var like: LikePattern?
    /// Texts and numbers that mean "no value".
    var none: [String]
    var noneDecimals: [Decimal64]
}

/// Tests on captured values, all of which must hold.
struct ConditionList {
    var conditions: UnsafeMutablePointer<ConditionCode>
    var count: Int
}

/// A test on a captured value.
struct ConditionCode {
    enum Operation {
        case anyOf, noneOf, exists, absent, type, like
    }

    var scope: Int
    var slot: Int
    var operation: Operation
    var strings: KeyTable
    var literals: KeyTable
    /// One bit for each ``ValueKind``.
    var kinds: UInt16
    var affix: Affix
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
}

/// What one item gives.
struct ItemCode {
    var conditions: ConditionList
    var trade: UnsafeMutablePointer<TradeCode>?
    var quote: UnsafeMutablePointer<QuoteCode>?
}

/// A message rule.
struct RuleCode {
    enum Body {
        case ignored, control, reconnect, error, items
    }

    var body: Body
    var items: UnsafeMutablePointer<ItemCode>
    var itemCount: Int
    /// The scopes from the frame to the innermost `each`.
    var scopes: UnsafeMutablePointer<Int>
    var scopeCount: Int
    /// For ``Body/error``.
    var message = FieldCode()
    var detail = FieldCode()
}
