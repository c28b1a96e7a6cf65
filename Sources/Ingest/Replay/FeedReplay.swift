public import Market

/// A recording that runs in a feed's place.
public struct FeedReplay: Sendable {
    /// The recording.
    public var file: String
    /// How fast it is played.
    public var speed: ReplaySpeed
    /// What was subscribed when it was made, as far as is known.
    public var symbols: [Symbol]
    /// The symbols to let through; `nil` is all.
    public var wanted: Set<Symbol>?
    /// Whether its ticks may fire alerts.
    public var firesAlerts: Bool
    /// Returns when what was handed on is taken in; called often.
    public var settle: @Sendable () async -> Void
    /// Told once at the end, whatever ended it.
    public var finished: @Sendable (ReplaySummary) -> Void

    /// Names the recording and what becomes of it.
    public init(
        file: String, speed: ReplaySpeed = .max, symbols: [Symbol], wanted: Set<Symbol>? = nil,
        firesAlerts: Bool = false, settle: @escaping @Sendable () async -> Void = {},
        finished: @escaping @Sendable (ReplaySummary) -> Void
    ) {
        self.file = file
        self.speed = speed
        self.symbols = symbols
        self.wanted = wanted
        self.firesAlerts = firesAlerts
        self.settle = settle
        self.finished = finished
    }
}
