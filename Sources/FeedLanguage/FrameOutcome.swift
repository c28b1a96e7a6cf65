public import Market

/// What became of a frame: each ends in exactly one of these.
public enum FrameOutcome: Equatable, Sendable {
    /// So many ticks were appended, at least one.
    case ticks(Int)
    /// An acknowledgement, heartbeat, greeting, or the trading status of a symbol.
    case control
    /// A rule says that it carries nothing wanted, or its items held no values.
    case ignored
    /// No rule takes it: the feed file does not know this message.
    case unmatched
    /// The venue asks for a new connection.
    case reconnect
    /// The venue wants this answer; counts as control.
    case reply(String)
    /// The venue says which symbols it has subscribed; counts as control.
    indirect case acknowledged(Acknowledgement)
    /// The venue has given a channel an id; counts as control.
    indirect case registered(RegisteredChannel)
    /// The venue reports an error, in its own words.
    indirect case providerError(ProviderError)
    /// The venue refuses us, in its own words: trying again soon would only annoy it; counts as an error.
    case fatal(String)
    /// It is not JSON, or a value that a rule needs is missing or unreadable; says what and where.
    ///
    /// Ticks from the frame's other items have been appended all the same.
    case malformed(String)
}

/// Which subscriptions a venue says it has taken and which it refuses.
public struct Acknowledgement: Hashable, Sendable {
    /// A symbol that was refused.
    public struct Failure: Hashable, Sendable {
        /// The symbol, where the venue's spelling tells.
        public var symbol: Symbol?
        /// The venue's spelling.
        public var native: String
        /// The venue's reason, empty when it gives none.
        public var reason: String

        /// Names a refused symbol.
        public init(symbol: Symbol?, native: String, reason: String) {
            self.symbol = symbol
            self.native = native
            self.reason = reason
        }
    }

    /// What was subscribed.
    public var symbols: [Symbol]
    /// What was refused.
    public var failed: [Failure]
    /// Whether it speaks of everything asked for so far, without naming symbols.
    public var isAll: Bool

    /// Makes an acknowledgement.
    public init(symbols: [Symbol] = [], failed: [Failure] = [], isAll: Bool = false) {
        self.symbols = symbols
        self.failed = failed
        self.isAll = isAll
    }
}

/// A channel id that a venue has given out and will use in place of the symbol's name.
public struct RegisteredChannel: Hashable, Sendable {
    /// The id as the frame writes it.
    public var id: String
    /// What the channel carries, where the file maps it.
    public var kind: String?
    /// The symbol it carries, where the file maps it.
    public var symbol: Symbol?

    /// Makes a registered channel.
    public init(id: String, kind: String? = nil, symbol: Symbol? = nil) {
        self.id = id
        self.kind = kind
        self.symbol = symbol
    }
}

/// An error that a venue reports.
public struct ProviderError: Hashable, Sendable {
    /// The venue's own words.
    public var message: String
    /// The symbol it concerns; `nil` when it concerns the connection or names none.
    public var symbol: Symbol?
    /// How long the venue, or the file, wants us to wait.
    public var retryAfter: Duration?

    /// Makes an error.
    public init(message: String, symbol: Symbol? = nil, retryAfter: Duration? = nil) {
        self.message = message
        self.symbol = symbol
        self.retryAfter = retryAfter
    }
}
