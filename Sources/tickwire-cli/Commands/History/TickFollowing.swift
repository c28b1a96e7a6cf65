import Logging
import Market
import Store

/// `history --interval tick --follow`: prints ticks for as long as it runs.
struct TickFollowing {
    let format: HistoryCommand.Format
    let zone: ZoneArgument

    func run(_ history: History, _ query: TickQuery, _: Logger) async throws {
        let printer = TickPrinter(format: self.format, zone: self.zone)
        printer.start()
        try await TickFollower(query, in: history).run { event in
            switch event {
            case .ticks(let ticks):
                for tick in ticks { printer.print(tick.tick, venueSymbol: nil) }
                printer.flush()
            case .isLive:
                if Terminal.isInteractive { Terminal.note("Live: waiting for new ticks, Ctrl-C ends.") }
            case .interrupted(let error):
                Terminal.note("\(error) Trying again; nothing will be left out.")
            case .resumed:
                Terminal.note("The database is back.")
            }
        }
    }
}
