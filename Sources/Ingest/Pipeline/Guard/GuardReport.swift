import Market

/// What the guard has to say about a tick besides its verdict; nothing on the normal way.
struct GuardReport {
    /// A hole that was found.
    struct Hole: Equatable {
        /// The guard's number of it; `nil` when no late tick can close it.
        var number: Int?
        var bounds: TickBounds
        var stream: GapStream
        var reason: GapReason
        var missing: Int64?
    }

    /// What happened to holes.
    enum HoleChange: Equatable {
        case opened(Hole)
        /// A missing tick came: `remaining` are still missing.
        case filled(GapStream, number: Int, remaining: Int64)
    }

    /// What is to be counted.
    var reasons = ReasonSet()
    var holes: [HoleChange] = []
    /// Trades that were held back and are confirmed now, to be taken before the tick itself.
    var released: [HeldTrade] = []

    /// Whether there is nothing to do but to take the tick.
    var isEmpty: Bool { self.reasons.rawValue == 0 && self.holes.isEmpty && self.released.isEmpty }

    /// Counts what a tick's marks say.
    mutating func count(_ flags: TickFlags) {
        if flags.contains(.snapshot) { self.reasons.insert(.snapshot) }
        if flags.contains(.implausibleTime) { self.reasons.insert(.implausibleTime) }
        if flags.contains(.backfilled) { self.reasons.insert(.backfilled) }
    }
}

/// A few reasons at once.
struct ReasonSet: OptionSet, Equatable {
    let rawValue: UInt8
    static let reorder = ReasonSet(rawValue: 1 << 0)
    static let late = ReasonSet(rawValue: 1 << 1)
    static let implausibleTime = ReasonSet(rawValue: 1 << 2)
    static let snapshot = ReasonSet(rawValue: 1 << 3)
    static let backfilled = ReasonSet(rawValue: 1 << 4)

    /// Each with the name it is counted under.
    static let names: [(ReasonSet, GuardReason)] = [
        (.reorder, .reorder), (.late, .late), (.implausibleTime, .implausibleTime), (.snapshot, .snapshot),
        (.backfilled, .backfilled),
    ]
}
