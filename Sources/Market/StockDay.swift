/// The trading day that a stock is in, and the official closes around it.
///
/// Closes are those of the trades seen: the last one of the regular session. Times only go forward, a new session begins with
/// the first trade that belongs to it.
struct StockDay: Sendable, Equatable {
    /// Where a trade belongs.
    enum Membership: Equatable {
        /// It is the first one of a new session.
        case beginsSession
        /// It is one more of the session.
        case ofSession
        /// It is a late one of an earlier session.
        case ofEarlierSession
    }

    /// The newest trade of a regular session.
    private struct Close: Sendable, Equatable {
        var price: Decimal64
        var time: Timestamp

        static func newer(of known: Close?, _ price: Decimal64, _ time: Timestamp) -> Close {
            if let known, time < known.time { return known }
            return Close(price: price, time: time)
        }
    }

    /// A session with the one before it.
    private struct Sessions: Sendable, Equatable {
        var current: TradingSession
        var previous: TradingSession
    }

    private let calendar: TradingCalendar
    private var sessions: Sessions?
    private var closeBefore: Close?
    private var closeSoFar: Close?

    init(calendar: TradingCalendar) { self.calendar = calendar }

    /// The last price of the regular session before this one; `nil` when no trade of it was seen.
    var previousClose: Decimal64? { self.closeBefore?.price }

    /// Takes in the time and the price of a trade.
    mutating func add(price: Decimal64, at time: Timestamp) -> Membership {
        guard let known = self.sessions, time < known.current.postClose else {
            let current = self.calendar.session(of: time)
            let previous = self.calendar.session(before: current.day)
            // A session without any trade here, for example because nothing ran, leaves the close before this one unknown.
            self.closeBefore = self.sessions?.current == previous ? self.closeSoFar : nil
            self.closeSoFar = current.isRegular(time) ? Close(price: price, time: time) : nil
            self.sessions = Sessions(current: current, previous: previous)
            return .beginsSession
        }
        if time < known.previous.postClose {
            if known.previous.isRegular(time) { self.closeBefore = .newer(of: self.closeBefore, price, time) }
            return .ofEarlierSession
        }
        if known.current.isRegular(time) { self.closeSoFar = .newer(of: self.closeSoFar, price, time) }
        return .ofSession
    }
}
