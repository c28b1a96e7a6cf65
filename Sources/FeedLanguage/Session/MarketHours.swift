import Market

/// When a polled market can have news: `hours` of a feed file.
struct MarketHours: Sendable {
    let calendar: TradingCalendar

    /// Before the opening, in the session and after the close: there are ticks.
    func isOpen(_ time: Timestamp) -> Bool { self.calendar.phase(at: time) != .closed }

    /// From an instant at which it is closed to the next opening.
    func untilOpening(_ time: Timestamp) -> Duration {
        .nanoseconds(self.calendar.session(of: time).preOpen.nanoseconds - time.nanoseconds)
    }

    /// The part of a usual day in which there are ticks, from the first to the last of a session.
    var openShare: Double {
        let session = self.calendar.session(of: Timestamp(nanoseconds: 0))
        return Double(session.postClose.nanoseconds - session.preOpen.nanoseconds) / 86_400e9
    }
}
