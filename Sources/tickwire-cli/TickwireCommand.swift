import ArgumentParser
import Foundation
import Logging
import NIOCore
import Tickwire

/// The `tickwire` program.
struct TickwireCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tickwire",
        abstract:
            "Live market data: feeds in, ticks into PostgreSQL, prices on Pusher channels, alerts to your devices.",
        discussion: """
            START HERE
              tickwire up --demo                      run everything on a simulated market
              tickwire watch BTC-USD AAPL             see prices move, in a second terminal
              tickwire history BTC-USD --since 5m     candles of what was recorded
              tickwire alerts add BTC-USD "crosses above 70000"
            """,
        version: TickwireVersion.current,
        subcommands: [
            UpCommand.self, IngestCommand.self, GatewayCommand.self, WatchCommand.self, HistoryCommand.self,
            ImportCommand.self, CandlesCommand.self, AlertsCommand.self, DeliverCommand.self, DevicesCommand.self,
            PushCommand.self, UsersCommand.self,
            TokensCommand.self, FeedsCommand.self, SymbolsCommand.self,
            SessionsCommand.self, JournalCommand.self, DoctorCommand.self, SimulateCommand.self, MigrateCommand.self,
            VersionCommand.self,
        ]
    )
}

@main
enum Program {
    static func main() async {
        // A reader that has gone (`| head`) shows as an error of write, not as a signal.
        signal(SIGPIPE, SIG_IGN)
        LoggingSystem.bootstrap(StreamLogHandler.standardError)
        // Two loops on one processor would take turns in the middle of a broadcast.
        NIOSingletons.groupLoopCountSuggestion = ProcessorCount.available
        do {
            var command = try TickwireCommand.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            Self.exit(with: error)
        }
    }

    /// Ends with the message and exit code of sysexits.h that the error asks for.
    private static func exit(with error: any Error) -> Never {
        let code = CommandError.exitCode(for: error)
        let isOurs = code != 70
        if !isOurs, TickwireCommand.exitCode(for: error) != .failure || error is CleanExit || error is ExitCode {
            TickwireCommand.exit(withError: error)
        }
        for line in "\(error)".split(separator: "\n") { Terminal.note("tickwire: \(line)") }
        Foundation.exit(code)
    }
}
