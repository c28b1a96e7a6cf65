/// What can be wrong with a value of the market vocabulary.
public enum MarketError: Error, Equatable, CustomStringConvertible {
    /// The text is not a canonical symbol.
    case invalidSymbol(String)
    /// The text is not a venue's name.
    case invalidVenue(String)
    /// The exact result has more than 18 significant digits, or an exponent beyond ±64.
    case decimalOverflow(String)
    /// A quotient with a divisor of zero.
    case divisionByZero
    /// The text is neither a time zone that ``ZoneRule`` knows nor an offset.
    case unknownZone(String)
    /// The text is not a calendar that ``TradingCalendar`` knows.
    case unknownCalendar(String)

    /// One line for an operator.
    public var description: String {
        switch self {
        case .invalidSymbol(let text):
            "'\(text)' is not a symbol. Write 1 to 24 of A-Z, 0-9, '-' and '.', for example BTC-USD or BRK.B."
        case .invalidVenue(let text):
            "'\(text)' is not a venue. Write 1 to 24 of a-z, 0-9, '-' and '_', for example coinbase."
        case .decimalOverflow(let text):
            "The number \(text) needs more than 18 significant digits."
        case .divisionByZero:
            "Division by zero."
        case .unknownZone(let text):
            "'\(text)' is not a known time zone. Write an offset such as +09:00, or one of \(ZoneRule.names.joined(separator: ", "))."
        case .unknownCalendar(let text):
            "'\(text)' is not a known trading calendar. Write one of \(TradingCalendar.names.joined(separator: ", "))."
        }
    }
}
