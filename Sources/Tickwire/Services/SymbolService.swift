import FeedLanguage
import Ingest
import Logging
import Market
import Postgres
import ServiceLifecycle
import Store

/// Keeps the feeds' symbols those that users have added and removed in the database.
final class SymbolService: Service {
    private let choices: SymbolChoices
    private let client: PostgresClient
    private let supervisor: FeedSupervisor
    private let logger: Logger

    init(choices: SymbolChoices, client: PostgresClient, supervisor: FeedSupervisor, logger: Logger) {
        self.choices = choices
        self.client = client
        self.supervisor = supervisor
        self.logger = logger
    }

    /// Reads what is stored before the first feed connects, and says what of the settings it holds out.
    func start(with feeds: [SelectedFeed]) async throws {
        let choices = try await self.choices.load()
        await self.supervisor.setChoices(choices)
        for (choice, names) in Self.heldOut(of: feeds, by: choices) {
            let fix = "tickwire symbols add \(choice.symbol)" + (choice.feed.map { " --feed \($0)" } ?? "")
            self.logger.warning(
                "A symbol of the settings is left out because it was removed",
                metadata: [
                    "symbol": "\(choice.symbol)", "feeds": "\(names.map(\.name).joined(separator: ", "))",
                    "fix": "\(fix)",
                ]
            )
        }
    }

    /// The removals that hold out a symbol of `--symbols`, with the feeds where they do.
    static func heldOut(
        of feeds: [SelectedFeed], by choices: [SymbolChoice]
    ) -> [(choice: SymbolChoice, feeds: [Venue])] {
        var found: [(choice: SymbolChoice, feeds: [Venue])] = []
        for selected in feeds where selected.recording == nil && selected.selection.base != .defaults {
            for choice in selected.selection.removals(for: selected.feed, choices: choices) {
                if let index = found.firstIndex(where: { $0.choice == choice }) {
                    found[index].feeds.append(selected.feed.name)
                } else {
                    found.append((choice: choice, feeds: [selected.feed.name]))
                }
            }
        }
        return found
    }

    func run() async throws { await cancelWhenGracefulShutdown { await self.followChanges() } }

    private func followChanges() async {
        let listener = PostgresListener(
            channels: [SymbolChoices.changesChannel], client: self.client, logger: self.logger
        )
        do {
            try await listener.run { _ in await self.reload() }
        } catch {
            if Task.isCancelled { return }
            self.logger.error(
                "Added and removed symbols are not followed until the next start", metadata: ["error": "\(error)"])
            // A service that returns ends the process, and the feeds go on well with the symbols that they have.
            while !Task.isCancelled { do { try await Task.sleep(for: .seconds(3600)) } catch { return } }
        }
    }

    /// Reads what is stored, again and again while PostgreSQL is away: nothing would tell of the change once more.
    private func reload() async {
        var backOff = BackOff()
        while !Task.isCancelled {
            do {
                let choices = try await self.choices.load()
                await self.supervisor.setChoices(choices)
                self.logger.debug("Added and removed symbols read", metadata: ["symbols": "\(choices.count)"])
                return
            } catch {
                self.logger.warning("Added and removed symbols not read", metadata: ["error": "\(error)"])
                guard (error as? PostgresError)?.isTransient == true else { return }
            }
            do { try await Task.sleep(for: backOff.next()) } catch { return }
        }
    }
}
