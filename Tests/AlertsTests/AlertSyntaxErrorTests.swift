import Alerts
import Market
import Testing

@Suite("Messages about alert expressions")
struct AlertSyntaxErrorTests {
    private static let conditions =
        "'above', 'below', 'crosses', 'between', 'enters', 'leaves', 'moves', 'up', 'down', 'new', 'volume', 'spread', "
        + "'silent' or 'diverges'"
    private static let options =
        "'once', 'repeat', 'cooldown', 'rearm', 'confirm', 'again', 'until', 'priority', 'hours' or the end"
    private static let duration = "a duration such as 30s, 15m, 2h or 1d"
    private static let amount = "an amount such as 500 or 5%"

    @Test("A message points at the column, says what fits there, and what was probably meant", arguments: Self.cases)
    func messages(text: String, message: String) {
        let now = Timestamp(nanoseconds: 1_795_435_200_000_000_000)
        let error = #expect(throws: AlertSyntaxError.self) { try AlertExpression(parsing: text, now: now) }
        #expect(error?.description == message)
    }

    private static let cases: [(String, String)] =
        Self.conditionCases + Self.numberCases + Self.shapeCases + Self.optionCases + Self.conflictCases

    /// The first word.
    private static let conditionCases: [(String, String)] = [
        ("", "column 1: expected \(conditions), found the end"),
        ("   ", "column 1: expected \(conditions), found the end"),
        ("abvoe 70000", "column 1: expected \(conditions), found 'abvoe'; did you mean 'above'?"),
        (" over 70000", "column 2: expected \(conditions), found 'over'; did you mean 'above'?"),
        ("> 70000", "column 1: expected \(conditions), found '>'; did you mean 'above'?"),
        ("drops 5% in 1h", "column 1: expected \(conditions), found 'drops'; did you mean 'down'?"),
        ("xyzzy 1", "column 1: expected \(conditions), found 'xyzzy'"),
        ("70000", "column 1: expected \(conditions), found '70000'; write 'above 70000' or 'crosses 70000'"),
        ("±5% in 10m", "column 1: expected \(conditions), found '±5%'; write 'moves ±5% in 10m'"),
        ("once above 1", "column 1: expected \(conditions), found 'once'; options follow the condition"),
        ("ab¬ve 1", "column 1: expected \(conditions), found 'ab¬ve'; did you mean 'above'?"),
    ]

    /// Prices and amounts.
    private static let numberCases: [(String, String)] = [
        ("above", "column 7: expected a price, found the end"),
        ("above seventy", "column 7: expected a price, found 'seventy'"),
        ("above $70000", "column 7: expected a price, found '$70000'; write 70000"),
        ("above 70,000", "column 7: expected a price, found '70,000'; write 70000"),
        ("above 1.234.567,50", "column 7: expected a price, found '1.234.567,50'; write 1234567.5"),
        ("above 0,25", "column 7: expected a price, found '0,25'; write 0.25"),
        ("above 70_000", "column 7: expected a price, found '70_000'; write 70000"),
        ("above 70k", "column 7: expected a price, found '70k'; write 70000"),
        ("above -5", "column 7: expected a price above zero, found '-5'"),
        ("above 0", "column 7: expected a price above zero, found '0'"),
        (
            "above 1.2345678901234567891",
            "column 7: expected a price of at most 18 digits, found '1.2345678901234567891'"
        ),
        (
            "above 1e40",
            "column 7: expected a price with at most 18 digits before and 18 behind the point, found '1e40'"
        ),
        ("above 5%", "column 7: expected a price, found '5%'; for a change in percent write 'moves 5% in 1h'"),
        ("crosses seventy", "column 9: expected a price, 'above' or 'below', found 'seventy'"),
        ("crosses abov 5", "column 9: expected a price, 'above' or 'below', found 'abov'; did you mean 'above'?"),
        ("crosses up 5", "column 9: expected a price, 'above' or 'below', found 'up'; did you mean 'above'?"),
        ("crosses above", "column 15: expected a price, found the end"),
        ("moves 5x in 10m", "column 7: expected \(amount), found '5x'; only volumes are measured in 'x'"),
        ("moves -5% in 10m", "column 7: expected \(amount), found '-5%'; write 'down 5%' for one direction"),
        ("up +5% in 10m", "column 4: expected \(amount), found '+5%'; write 'up 5%', without a sign"),
        ("up 5 percent in 1h", "column 4: expected \(amount), found '5'; write 5%"),
        ("down 100% in 1h", "column 6: expected less than 100%, found '100%'; no price falls to zero or below"),
        ("up 2000000% in 1h", "column 4: expected at most 1000000%, found '2000000%'"),
        (
            "volume above 50% in 5m",
            "column 14: expected a volume such as 1200 or 5x, found '50%'; write 5x for five times what is usual"
        ),
        ("spread above x", "column 14: expected \(amount), found 'x'; only volumes are measured in 'x'"),
        ("spread above y", "column 14: expected \(amount), found 'y'"),
    ]

    /// What stands between the numbers.
    private static let shapeCases: [(String, String)] = [
        ("enters 5", "column 10: expected '..' and the upper price, found the end"),
        ("enters 5 to 7", "column 10: expected '..' and the upper price, found 'to'; write 5..7"),
        ("enters 5-7", "column 8: expected a price, found '5-7'; write 5..7"),
        ("enters 5...7", "column 9: expected '..' and the upper price, found '...'; write 5..7"),
        ("enters 7..5", "column 11: expected a price above 7, found '5'; write 5..7"),
        ("leaves 7..7", "column 11: expected a price above 7, found '7'; for a single price write 'crosses 7'"),
        ("between 5..7", "column 10: expected 'and' and the upper price, found '..'; write 5 and 7"),
        ("moves 5%", "column 10: expected 'in' and a window such as 10m, or 'today', found the end"),
        ("moves 5% 10m", "column 10: expected 'in' and a window such as 10m, or 'today', found '10m'; write 'in 10m'"),
        (
            "moves 5% within 10m",
            "column 10: expected 'in' and a window such as 10m, or 'today', found 'within'; did you mean 'in'?"
        ),
        (
            "moves 5% tody",
            "column 10: expected 'in' and a window such as 10m, or 'today', found 'tody'; did you mean 'today'?"
        ),
        ("up 3% in today", "column 10: expected \(duration), found 'today'; write 'today' without 'in'"),
        ("moves 5% in 10min", "column 13: expected \(duration), at most 30d, found '10min'; write 10m"),
        ("moves 5% in 1.5h", "column 13: expected \(duration), at most 30d, found '1.5h'; write 90m"),
        ("moves 5% in 1h30m", "column 13: expected \(duration), at most 30d, found '1h30m'; write 90m"),
        ("moves 5% in 2 hours", "column 13: expected \(duration), at most 30d, found '2'; write 2h"),
        ("moves 5% in 31d", "column 13: expected at most 30d for a move, found '31d'"),
        ("new peak of 1d", "column 5: expected 'high' or 'low', found 'peak'"),
        ("new hihg of 1d", "column 5: expected 'high' or 'low', found 'hihg'; did you mean 'high'?"),
        ("new high 24h", "column 10: expected 'of' and a window such as 24h, found '24h'; write 'of 24h'"),
        ("new high in 24h", "column 10: expected 'of' and a window such as 24h, found 'in'; did you mean 'of'?"),
        ("new low of 1y", "column 12: expected \(duration), at most 365d, found '1y'; write 365d"),
        ("volume 5x in 5m", "column 8: expected 'above', found '5x'"),
        ("volume above 5x", "column 17: expected 'in' and a window such as 5m, found the end"),
        ("volume above 5x in 2d", "column 20: expected at most 1d for a volume, found '2d'"),
        ("silent 60s", "column 8: expected 'for', found '60s'"),
        (
            "silent for 60",
            "column 12: expected \(duration), at most 30d, found '60'; a duration needs a unit: 60s, 60m, 60h or 60d"
        ),
        ("diverges 1% between coinbase", "column 30: expected 'and', found the end"),
        (
            "diverges 1% between coin.base and kraken",
            "column 21: expected a venue such as coinbase, found 'coin.base'; a venue is 1 to 24 of a-z, 0-9, '-' and '_'"
        ),
        (
            "diverges 1% between kraken and Kraken",
            "column 32: 'kraken' is compared with itself; name two venues"
        ),
    ]

    /// Options.
    private static let optionCases: [(String, String)] = [
        ("above 1 twice", "column 9: expected \(options), found 'twice'"),
        ("above 1 cooldwn 5m", "column 9: expected \(options), found 'cooldwn'; did you mean 'cooldown'?"),
        (
            "above 1 USD",
            "column 9: expected \(options), found 'USD'; prices are in the symbol's quote currency; leave it out"
        ),
        (
            "above 1 and below 2",
            "column 9: expected \(options), found 'and'; an alert has one condition; add a second alert"
        ),
        ("above 1 once repeat", "column 14: 'repeat' is given twice; keep one"),
        ("above 1 cooldown 1m cooldown 2m", "column 21: 'cooldown' is given twice; keep one"),
        ("above 1 cooldown", "column 18: expected \(duration), found the end"),
        (
            "above 1 cooldown 15",
            "column 18: expected \(duration), at most 365d, found '15'; a duration needs a unit: 15s, 15m, 15h or 15d"
        ),
        ("above 1 cooldown 366d", "column 18: expected \(duration), at most 365d, found '366d'"),
        ("above 1 rearm", "column 15: expected a margin such as 0.5% or 100, found the end"),
        (
            "above 1 confirm 2",
            "column 17: expected a number of ticks such as '2 ticks', or a duration such as 5s, found '2'; "
                + "write '2 ticks' or '2s'"
        ),
        ("above 1 confirm 0 ticks", "column 17: expected 2 to 1000 ticks, found '0'"),
        ("above 1 confirm 2d", "column 17: expected at most 1d for a confirmation, found '2d'"),
        (
            "above 1 until tomorrow",
            "column 15: expected a time such as 2026-12-31 or 2026-12-31T15:00Z, or 7d, found 'tomorrow'; write the date"
        ),
        (
            "above 1 until 31.12.2026",
            "column 15: expected a time such as 2026-12-31 or 2026-12-31T15:00Z, or 7d, found '31.12.2026'; "
                + "write the year first: 2026-MM-DD"
        ),
        (
            "above 1 until 2026-02-30",
            "column 15: expected a time such as 2026-12-31 or 2026-12-31T15:00Z, or 7d, found '2026-02-30'; "
                + "a date is YEAR-MONTH-DAY with two digits each, and must exist"
        ),
        (
            "above 1 priority hihg",
            "column 18: expected 'passive', 'active' or 'urgent', found 'hihg'"
        ),
        (
            "above 1 priority high",
            "column 18: expected 'passive', 'active' or 'urgent', found 'high'; did you mean 'urgent'?"
        ),
        ("above 1 hours open", "column 15: expected 'regular', 'extended' or 'all', found 'open'"),
        (
            "above 1 \u{7}\u{1B}[2Jonce",
            "column 9: expected \(options), found '\u{FFFD}\u{FFFD}[2Jonce'"
        ),
        (
            "above 1 " + String(repeating: "z", count: 50),
            "column 9: expected \(options), found '\(String(repeating: "z", count: 40))…'"
        ),
        (
            "above 1" + String(repeating: " ", count: 500),
            "column 501: the expression has 507 characters; at most 500 are read"
        ),
    ]

    /// Options that are right by themselves but cannot work together.
    private static let conflictCases: [(String, String)] = [
        (
            "above 1 confirm 1 ticks",
            "column 17: one tick confirms nothing; write at least 'confirm 2 ticks' or leave it out"
        ),
        (
            "above 1 again 2% once",
            "column 15: 'again' needs an alert that repeats; leave out 'once' or 'again'"
        ),
        ("above 100 rearm 100%", "column 17: no price comes back by 100% from above; write less than 100%"),
        ("above 100 rearm 100", "column 17: no price comes back by 100 from 100; write less"),
        ("above 100 rearm 2x", "column 17: '2x' is no margin of this condition; write 0.5% or 100"),
        ("moves 5% in 1h rearm 5%", "column 22: 5% never comes back by 5%; write less than 5%"),
        ("moves 5% in 1h rearm 100", "column 22: '100' is measured against 5%; write it in %"),
        ("spread above 5 rearm 100%", "column 22: 5 never comes back by 100%; write less than 100%"),
        ("volume above 5x in 5m rearm 2", "column 29: '2' is measured against 5x; write it in x or %"),
        ("leaves 10..12 rearm 1.5", "column 21: no price is 1.5 inside 10..12 at both ends; write less"),
        ("silent for 60s rearm 1%", "column 22: a silence ends with the next tick; leave out 'rearm'"),
        (
            "silent for 60s confirm 5s",
            "column 24: a silence confirms itself; make it longer instead of 'confirm'"
        ),
        (
            "spread above 1% again 2%",
            "column 23: 'again' measures the price, which this condition does not; leave it out"
        ),
        ("below 100 again 100%", "column 17: no price falls by 100%; write less than 100%"),
        ("between 10 and 12 again 3", "column 25: no price moves by 3 within 10 and 12; write less"),
        ("above 1 until 2020-01-01", "column 15: 'until 2020-01-01T00:00Z' is past; it is 2026-11-23T12:00Z now"),
    ]
}
