public import Market

/// What must become true for an alert to fire.
public enum AlertCondition: Hashable, Sendable {
    /// `above P`, `below P`: true while the last price is strictly beyond `threshold`.
    case level(PriceSide, threshold: Decimal64)
    /// `crosses [above|below] P`: the price passes from one side of `threshold` to the other.
    ///
    /// The threshold itself is on neither side: a price that touches it and returns has not crossed.
    case crossing(CrossingDirection, threshold: Decimal64)
    /// `between A and B`: true while the last price is in the range, bounds included.
    case inside(PriceRange)
    /// `enters A..B`: the price comes from outside the range to inside it.
    case enters(PriceRange)
    /// `leaves A..B`: the price goes from inside the range to outside it.
    case leaves(PriceRange)
    /// `moves 5% in 10m`, `up 500 in 1h`, `down 3% today`: true while the last price is at least that far from the
    /// lowest (up) or highest (down) price of the window, or from the day's reference.
    case move(MoveDirection, by: AlertAmount, over: MoveSpan)
    /// `new high of 24h`: the price is above every other of the window.
    case newHigh(window: Duration)
    /// `new low of 30d`: the price is below every other of the window.
    case newLow(window: Duration)
    /// `volume above 5x in 5m`, `volume above 1200 in 5m`: the volume of the window is above the amount, or above so many
    /// times what is usual for a window of this length.
    case volume(above: AlertAmount, window: Duration)
    /// `spread above 0.5%`: ask − bid is above the amount, or above so much of their middle.
    case spread(above: AlertAmount)
    /// `silent for 60s`: no tick arrived for so long, outside hours in which none is due not counted.
    case silence(Duration)
    /// `diverges 1% between coinbase and kraken`: the last prices of two venues are at least so far apart.
    case divergence(AlertAmount, Venue, Venue)
}

/// On which side of a threshold a price must be.
public enum PriceSide: String, Hashable, Sendable, CaseIterable {
    /// Greater than the threshold.
    case above
    /// Less than the threshold.
    case below
}

/// Which way a price must pass a threshold.
public enum CrossingDirection: Hashable, Sendable, CaseIterable {
    /// Upwards or downwards.
    case either
    /// From below the threshold to above it.
    case above
    /// From above the threshold to below it.
    case below
}

/// Which way a price must move.
public enum MoveDirection: String, Hashable, Sendable, CaseIterable {
    /// Either way.
    case either = "moves"
    /// Upwards.
    case up
    /// Downwards.
    case down
}

/// What a move is measured over.
public enum MoveSpan: Hashable, Sendable {
    /// `in 10m`: from the extreme price of the last so long.
    case window(Duration)
    /// `today`: from the day's reference: the previous official close for stocks, the first price after UTC midnight else.
    case today
}

/// Prices from `low` to `high`, both included; `low` is less than `high`.
public struct PriceRange: Hashable, Sendable {
    /// The lower bound, in the quote currency.
    public let low: Decimal64
    /// The upper bound, in the quote currency.
    public let high: Decimal64

    /// Makes a range; `nil` unless `low` is less than `high`.
    public init?(low: Decimal64, high: Decimal64) {
        guard low < high else { return nil }
        self.low = low
        self.high = high
    }

    /// Whether `price` is in the range.
    public func contains(_ price: Decimal64) -> Bool { price >= self.low && price <= self.high }
}

/// An amount with its unit; always greater than zero.
public enum AlertAmount: Hashable, Sendable {
    /// `500`: in the quote currency for prices, in the base currency or shares for volumes.
    case absolute(Decimal64)
    /// `5%`: of the price it is measured from; `.percent(5)` is 5 %.
    case percent(Decimal64)
    /// `5x`: so many times what is usual; volumes only.
    case multiple(Decimal64)
}

extension AlertCondition {
    /// The price that must be passed, for levels and crossings.
    public var threshold: Decimal64? {
        switch self {
        case .level(_, let threshold), .crossing(_, let threshold): threshold
        case .inside, .enters, .leaves, .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence: nil
        }
    }
}

extension AlertCondition {
    /// The kind in one word, for programs: `level`, `crossing`, `between`, `enters`, `leaves`, `moves`, `high`, `low`, `volume`,
    /// `spread`, `silent` or `diverges`.
    public var kind: String {
        switch self {
        case .level: "level"
        case .crossing: "crossing"
        case .inside: "between"
        case .enters: "enters"
        case .leaves: "leaves"
        case .move: "moves"
        case .newHigh: "high"
        case .newLow: "low"
        case .volume: "volume"
        case .spread: "spread"
        case .silence: "silent"
        case .divergence: "diverges"
        }
    }

    /// The amount it compares with, for those that measure one.
    public var amount: AlertAmount? {
        switch self {
        case .move(_, let amount, _), .volume(let amount, _), .spread(let amount), .divergence(let amount, _, _): amount
        case .level, .crossing, .inside, .enters, .leaves, .newHigh, .newLow, .silence: nil
        }
    }
}
