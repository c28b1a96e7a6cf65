public import Market

/// Where an alert stands: what `alerts show` tells.
public struct AlertExplanation: Hashable, Sendable {
    /// What an alert waits for.
    public enum Waiting: Hashable, Sendable {
        /// For the first tick since it is here.
        case firstTick
        /// For its condition to become true.
        case condition
        /// For the price to be on the other side of the threshold first, or outside the range, or inside it.
        case otherSide
        /// For the measured value to come back behind the threshold; for `nil` the condition only has to be false.
        case rearm(AlertAmount?)
        /// For so many more evaluations in a row.
        case confirmation(ticks: Int)
        /// For the condition to last until then.
        case confirmed(at: Timestamp)
        /// For enough history: what is known, and what is needed.
        case history(known: Duration, needed: Duration)
        /// For the silence to last until then.
        case silence(until: Timestamp)
        /// For the end of its snooze.
        case snooze(until: Timestamp)
        /// For the end of its cooldown; until then it stays silent.
        case cooldown(until: Timestamp)
        /// For the exchange to open.
        case hours(AlertHours)
    }

    /// The alert with what it remembers.
    public var alert: Alert
    /// What the condition measures now, in the unit of its amount; `nil` where that is the price, or nothing is known.
    public var value: AlertAmount?
    /// The last price of its stream; `nil` before the first.
    public var price: Decimal64?
    /// What the value or the price is compared with: the threshold, the nearer bound of a range, the extreme of a window.
    public var threshold: Decimal64?
    /// Threshold − value, in the unit of the value or the price; `nil` when either is not known.
    public var distance: Decimal64?
    /// The distance in percent of the value or the price, four decimals.
    public var distancePercent: Decimal64?
    /// How much of its window is known, at most all of it; `nil` without a window.
    public var coverage: Duration?
    /// The length of its window, for a multiple with the time that "usual" is taken from.
    public var window: Duration?
    /// Whether the condition is true now.
    public var isTrue: Bool
    /// What it waits for, in the order in which a user would want to know.
    public var waiting: [Waiting]

    /// What became of the last times the condition was true, newest last.
    public var evaluations: [AlertEvaluation] { self.alert.state.evaluations }
}
