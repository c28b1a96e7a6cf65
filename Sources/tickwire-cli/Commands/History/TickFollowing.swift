import Market
import Postgres
import Store

/// `history --interval tick --follow`: prints ticks for as long as it runs.
struct TickFollowing {
    let format: HistoryCommand.Format
    let zone: ZoneArgument

    func run(_ history: History, _ query: TickQuery) async throws {
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
                Terminal.noteInterruption(error)
            case .resumed:
                Terminal.noteReturn()
            }
        }
    }
}

extension Terminal {
    /// Says that following waits for the database.
    static func noteInterruption(_ error: PostgresError) {
        self.note("\(error) Trying again; nothing will be left out.")
    }

    /// Says that following goes on.
    static func noteReturn() { self.note("The database is back.") }
}
