import Market

/// An alert in the index: what is needed to look at it, and where the rest is.
struct AlertSlot: Sendable {
    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        /// The next time the condition is true fires.
        static let armed = Flags(rawValue: 1 << 0)
        /// It has been evaluated, or judged against a price that was known already.
        static let known = Flags(rawValue: 1 << 1)
        /// It is on a list to be looked at with the next tick.
        static let attentive = Flags(rawValue: 1 << 2)
        /// Its state changed since the last time that was asked for.
        static let changed = Flags(rawValue: 1 << 3)
        /// The price was below the threshold of `crosses P`, or at it and nothing else is known.
        static let cameFromBelow = Flags(rawValue: 1 << 4)
        /// The price was above the threshold of `crosses P`, or at it and nothing else is known.
        static let cameFromAbove = Flags(rawValue: 1 << 5)
        /// It has the point at which it fires again among its stream's prices.
        static let again = Flags(rawValue: 1 << 6)
        /// There is more about it among the rare things: webhook, template, snooze.
        static let extra = Flags(rawValue: 1 << 7)
    }

    let id: Int64
    let condition: AlertCondition
    /// When ``Flags/armed`` last changed, in nanoseconds; the far past when not since it is here.
    var armChangedAt = Int64.min
    let symbol: Int32
    /// The stream that it follows; its venue is the alert's.
    let stream: Int32
    /// Its user among all users.
    var user: Int32
    /// Its options among all options.
    var options: Int32
    /// What it remembers beyond the flags; −1 for nothing.
    var memory: Int32 = -1
    /// The number of the evaluation that looked at it last.
    var stamp: UInt32 = 0
    var flags: Flags = []

    var isArmed: Bool { self.flags.contains(.armed) }

    var isCrossingEither: Bool {
        if case .crossing(.either, _) = self.condition { return true }
        return false
    }
}

/// What few alerts have.
struct AlertExtra: Sendable, Equatable {
    var webhookURL: String?
    var template: AlertTemplate?
    var locale: String?
    var snoozedUntil: Timestamp?
    var revision: Int64 = 0

    var isEmpty: Bool { self == AlertExtra() }
}
