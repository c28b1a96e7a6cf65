import NIOCore

/// The budgets of bytes of one event loop's connections.
///
/// A budget fills up steadily, to a quarter of a second's worth at most. What cannot wait may overdraw it, by two seconds' worth
/// at most: from there on it is free, so that quotes come back however many trades there were.
struct BandwidthMeter {
    /// The least budget a connection may have, in bytes a second.
    static let bytesPerSecondMin = 256

    /// Counted in millionths of a byte, so that nothing is lost to rounding.
    private struct Budget {
        let rate: Int
        var credit: Int
        var filledAt: NIODeadline
        var isOverdrawn = false

        mutating func fill(now: NIODeadline) {
            // An hour fills any budget, and cannot overflow.
            let elapsed = min((now - self.filledAt).nanoseconds / 1000, 3_600_000_000)
            guard elapsed > 0 else { return }
            self.filledAt = now
            self.credit = min(self.credit + Int(elapsed) * self.rate, self.rate * 250_000)
        }
    }

    private static let millionth = 1_000_000
    private static let rateMax = 1_000_000_000

    private var budgets: [Int32: Budget] = [:]
    /// The connections that have used up their budget.
    private(set) var overdrawn: [Int32] = []
    /// Whether somebody looks whether they are filled up again.
    var isTimerSet = false

    /// The budget that a client asks for in its query; `nil` when that means nothing.
    static func bytesPerSecond(asked text: String) -> Int? {
        guard let number = Int(text), number >= Self.bytesPerSecondMin else { return nil }
        return number
    }

    /// What a client is told whose budget means nothing.
    static func problem(with text: String) -> String {
        "bandwidth=\(text.prefix(40)) is ignored: write bytes a second, a whole number of at least \(Self.bytesPerSecondMin)"
    }

    /// Gives a connection a budget.
    mutating func add(_ slot: Int32, bytesPerSecond: Int, now: NIODeadline) {
        let rate = min(max(bytesPerSecond, Self.bytesPerSecondMin), Self.rateMax)
        self.budgets[slot] = Budget(rate: rate, credit: rate * 250_000, filledAt: now)
    }

    /// A connection's budget in bytes a second.
    func bytesPerSecond(_ slot: Int32) -> Int? { self.budgets[slot]?.rate }

    /// Forgets a connection.
    mutating func remove(_ slot: Int32) {
        if self.budgets.removeValue(forKey: slot)?.isOverdrawn == true { self.overdrawn.removeAll { $0 == slot } }
    }

    /// Bytes are sent.
    ///
    /// - Returns: Whether that used up the budget, which it had not been before.
    mutating func spend(_ slot: Int32, bytes: Int, now: NIODeadline) -> Bool {
        guard var budget = self.budgets[slot] else { return false }
        budget.fill(now: now)
        budget.credit = max(budget.credit - bytes * Self.millionth, -2 * budget.rate * Self.millionth)
        self.budgets[slot] = budget
        guard budget.credit <= 0, !budget.isOverdrawn else { return false }
        self.overdraw(slot)
        return true
    }

    /// A connection's budget is used up.
    mutating func overdraw(_ slot: Int32) {
        guard self.budgets[slot]?.isOverdrawn == false else { return }
        self.budgets[slot]?.isOverdrawn = true
        self.overdrawn.append(slot)
    }

    /// The bytes that a connection may send now.
    mutating func credit(_ slot: Int32, now: NIODeadline) -> Int {
        self.budgets[slot]?.fill(now: now)
        return (self.budgets[slot]?.credit ?? .max) / Self.millionth
    }

    /// Takes out the connections that may send again.
    mutating func takeFilled(now: NIODeadline) -> [Int32] {
        var filled: [Int32] = []
        var left: [Int32] = []
        for slot in self.overdrawn {
            if self.credit(slot, now: now) > 0 {
                self.budgets[slot]?.isOverdrawn = false
                filled.append(slot)
            } else {
                left.append(slot)
            }
        }
        self.overdrawn = left
        return filled
    }
}
