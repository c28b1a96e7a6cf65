import ArgumentParser
import Market

/// What a row of the history is: a tick, or a candle of some length.
enum IntervalArgument: ExpressibleByArgument, Equatable {
    case tick
    case candle(CandleInterval)

    /// What the help and the messages say.
    static let expected = "tick, or a number with s, m, h, d or w up to 1w, for example 1s, 1m, 5m, 10m, 1h, 4h, 1d"

    /// Lengths that people read charts in, the shortest first.
    private static let usual = [
        1, 5, 10, 15, 30, 60, 120, 180, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 604_800,
    ].compactMap { CandleInterval(seconds: $0) }

    init?(argument: String) {
        if argument == "tick" {
            self = .tick
        } else if let interval = CandleInterval(argument) {
            self = .candle(interval)
        } else {
            return nil
        }
    }

    /// The longest kept interval that still gives more than 60 candles, so that a screen is well filled.
    static func filling(_ seconds: Int) -> CandleInterval {
        CandleInterval.kept.last { seconds / $0.seconds >= 60 } ?? .second
    }

    /// The shortest usual interval that gives at most so many candles.
    static func fitting(_ seconds: Int, in columns: Int) -> CandleInterval {
        Self.usual.first { seconds / $0.seconds < columns } ?? Self.usual[Self.usual.count - 1]
    }
}
