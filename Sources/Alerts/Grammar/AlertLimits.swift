/// What an alert expression may ask for at most.
///
/// A window is kept in at most 600 steps whatever its length, so its limit is not memory but what the steps still say: the
/// longest move is exact to 72 minutes, the longest high to 15 hours.
public enum AlertLimits {
    /// The longest expression, in characters.
    public static let expressionCharacters = 500
    /// The longest window of `moves`, `up` and `down`: 30 days.
    public static let moveWindow = Duration.seconds(30 * 86_400)
    /// The longest window of `new high` and `new low`: 365 days.
    public static let extremeWindow = Duration.seconds(365 * 86_400)
    /// The longest window of `volume`: one day, so that 20 of them fit into the 30 days its mean is taken of.
    public static let volumeWindow = Duration.seconds(86_400)
    /// The longest silence: 30 days.
    public static let silence = Duration.seconds(30 * 86_400)
    /// The longest `cooldown`: 365 days.
    public static let cooldown = Duration.seconds(365 * 86_400)
    /// The longest `confirm` by time: one day.
    public static let confirmTime = Duration.seconds(86_400)
    /// The most ticks of `confirm`.
    public static let confirmTicks = 1_000
    /// The longest relative `until`: 365 days.
    public static let relativeUntil = Duration.seconds(365 * 86_400)
    /// The greatest percentage and the greatest multiple.
    public static let ratioMax: Int64 = 1_000_000
    /// The decimal places of a price or an amount.
    public static let decimals = 18
    /// The digits before the decimal point of a price or an amount.
    public static let integerDigits = 18
}
