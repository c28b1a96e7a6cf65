public import FeedLanguage
public import Market

/// How the guard judges and when a venue counts as silent.
public struct GuardSettings: Sendable {
    /// What the numbers of each feed promise; feeds that are not listed promise nothing.
    public var sequencing: [Venue: FeedSequencing]
    /// The band of crypto and FX.
    public var cryptoBand: GuardBand
    /// The band of stocks.
    public var stockBand: GuardBand
    /// How long reordered ticks may take before a hole counts as a gap; default 1 s.
    public var reorderGrace: Duration
    /// How long a venue that misses trades is passed over as primary at most, while they are asked for; default 60 s.
    public var gapHold: Duration
    /// Whether nothing need come of a symbol at an instant, for example because its market is closed.
    public var isQuietNormal: @Sendable (Symbol, Timestamp) -> Bool

    /// Makes settings; without arguments the defaults, under which a stock may always be quiet.
    public init(
        sequencing: [Venue: FeedSequencing] = [:], cryptoBand: GuardBand = .crypto, stockBand: GuardBand = .stock,
        reorderGrace: Duration = .seconds(1), gapHold: Duration = .seconds(60),
        isQuietNormal: @escaping @Sendable (Symbol, Timestamp) -> Bool = { symbol, _ in symbol.quoteCurrency == nil }
    ) {
        self.sequencing = sequencing
        self.cryptoBand = cryptoBand
        self.stockBand = stockBand
        self.reorderGrace = reorderGrace
        self.gapHold = gapHold
        self.isQuietNormal = isQuietNormal
    }

    func band(of symbol: Symbol) -> GuardBand { symbol.quoteCurrency == nil ? self.stockBand : self.cryptoBand }
}
