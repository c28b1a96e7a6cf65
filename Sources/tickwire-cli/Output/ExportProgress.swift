import Market

/// Says on standard error how far a long export has come: nothing in the first second, and nothing without a terminal.
struct ExportProgress {
    private let isShown: Bool
    private let started = ContinuousClock.now
    private var lastShown = ContinuousClock.now
    private var rows: Int64 = 0
    private var hasText = false
    private var clock: ClockText

    /// - Parameters:
    ///   - isShown: Whether the output leaves the terminal free.
    ///   - zone: How times are shown.
    init(isShown: Bool, zone: ZoneArgument) {
        self.isShown = isShown
        self.clock = ClockText(zone)
    }

    /// So many more rows are out, the last one of which is of `time`; `nil` where that is not known.
    mutating func add(_ count: Int, at time: Timestamp?) {
        self.rows += Int64(count)
        let now = ContinuousClock.now
        guard self.isShown, now - self.lastShown > .milliseconds(self.hasText ? 250 : 1_000) else { return }
        self.lastShown = now
        self.hasText = true
        let place = time.map { ", at \(self.clock.plain($0))" } ?? ""
        Terminal.showProgress("\(DecimalText.grouped(self.rows)) rows, \(self.rate(now))\(place)")
    }

    /// Takes the line away.
    func finish() {
        if self.hasText { Terminal.showProgress("") }
    }

    private func rate(_ now: ContinuousClock.Instant) -> String {
        let seconds = max(0.001, (now - self.started) / .seconds(1))
        return "\(DecimalText.grouped(Int64(Double(self.rows) / seconds))) rows/s"
    }
}
