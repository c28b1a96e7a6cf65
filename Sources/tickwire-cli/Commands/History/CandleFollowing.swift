import Market
import Store

/// `history --follow` with an interval: prints each candle when it is closed; on a terminal the open one moves below them.
struct CandleFollowing {
    let format: HistoryCommand.Format
    let zone: ZoneArgument

    func run(_ history: History, _ query: CandleQuery) async throws {
        var printer = CandlePrinter(format: self.format, zone: self.zone)
        var clock = ClockText(self.zone)
        let drawsOpen = self.format == .table && Terminal.isInteractive
        var hasOpenLine = false
        func clear() {
            if hasOpenLine { Terminal.write("\r\u{1B}[K") }
            hasOpenLine = false
        }
        printer.flush()
        try await CandleFollower(query, in: history).run { event in
            switch event {
            case .closed(let candles):
                clear()
                printer.print(candles)
                printer.flush()
            case .open(let candle):
                guard drawsOpen else { return }
                clear()
                // Cut, because a line that wraps cannot be redrawn.
                Terminal.write(String(printer.tableLine(candle).prefix(Terminal.columns - 1)))
                hasOpenLine = true
            case .changed(let old, let new):
                clear()
                Terminal.note("Changed: \(Self.difference(old, new, &clock))")
            case .interrupted(let error):
                clear()
                Terminal.noteInterruption(error)
            case .resumed:
                Terminal.noteReturn()
            }
        }
    }

    /// What a late tick or a repair has changed, for a person.
    private static func difference(_ old: RecordedCandle, _ new: RecordedCandle, _ clock: inout ClockText) -> String {
        var parts: [String] = []
        func add(_ name: String, _ before: String, _ after: String) {
            if before != after { parts.append("\(name) \(before) is now \(after)") }
        }
        add("open", "\(old.open)", "\(new.open)")
        add("high", "\(old.high)", "\(new.high)")
        add("low", "\(old.low)", "\(new.low)")
        add("close", "\(old.close)", "\(new.close)")
        add("volume", "\(old.volume)", "\(new.volume)")
        add("trades", "\(old.tradeCount)", "\(new.tradeCount)")
        if old.hasGap != new.hasGap { parts.append(new.hasGap ? "now has a gap" : "its gap is repaired") }
        return "\(clock.text(new.start)): \(parts.joined(separator: ", "))"
    }
}
