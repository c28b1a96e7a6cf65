import FeedLanguage
import Foundation
import Ingest
import Logging
import Market

/// A feed that will run, with its symbols.
struct SelectedFeed: Sendable {
    let feed: Feed
    let file: String
    /// What the settings and the file ask for.
    let selection: SymbolSelection
    let url: String?
    /// The recording that is played in its place.
    var recording: String?

    /// The symbols that the settings, or else the file, ask for.
    var symbols: [Symbol] { self.selection.entries(for: self.feed, choices: []).map(\.symbol) }
}

/// Chooses the feeds and symbols that the settings ask for.
enum FeedSelection {
    /// The simulator's feed.
    static let simulator = "sim"

    /// Loads every chosen feed; one that is not fit to run keeps the service from starting.
    ///
    /// A feed that lacks its keys is left out, which the log says, as long as another remains.
    ///
    /// - Throws: ``SetupError`` for names that no file has, `FeedProblem` for a file with faults, `MarketError` for a bad symbol.
    static func load(_ settings: Settings, logger: Logger) throws -> [SelectedFeed] {
        for name in settings.feedURLs.keys { _ = try self.file(of: name, settings) }
        let replays = settings.replays.keys.sorted()
        // Recordings alone, unless live feeds are named beside them.
        let proposed = replays.isEmpty ? Settings.defaultFeeds : []
        let names = (settings.isDemo ? [] : settings.feeds ?? proposed).filter { !replays.contains($0) }
        var selected: [SelectedFeed] = []
        var refusals: [SetupError] = []
        for name in names {
            do {
                selected.append(try self.load(name, settings))
            } catch let error as SetupError {
                guard case .missingKeys = error else { throw error }
                refusals.append(error)
            }
        }
        selected += try replays.map { try self.replay($0, settings) }
        if selected.isEmpty, let refusal = refusals.first { throw refusal }
        for refusal in refusals { logger.error("Feed left out", metadata: ["error": "\(refusal)"]) }
        return selected
    }

    /// Loads one feed by name.
    static func load(_ name: String, _ settings: Settings) throws -> SelectedFeed {
        let file = try self.file(of: name, settings)
        let feed = try FeedLibrary.load(file: file).get()
        guard feed.missingVariables.isEmpty else {
            throw SetupError.missingKeys(feed: name, variables: feed.missingVariables)
        }
        return SelectedFeed(
            feed: feed, file: file, selection: try settings.symbolSelection(), url: settings.feedURLs[name])
    }

    /// A recording needs no keys, and no connection.
    private static func replay(_ name: String, _ settings: Settings) throws -> SelectedFeed {
        let file = try self.file(of: name, settings)
        let feed = try FeedLibrary.load(file: file).get()
        return SelectedFeed(
            feed: feed, file: file, selection: try settings.symbolSelection(), url: nil,
            recording: settings.replays[name])
    }

    private static func file(of name: String, _ settings: Settings) throws -> String {
        try Settings.feedFile(of: name, in: settings.feedsDirectory)
    }
}

extension Settings {
    /// What every feed is asked for before users have their say.
    ///
    /// - Throws: `MarketError` for a symbol outside the grammar.
    func symbolSelection() throws -> SymbolSelection {
        SymbolSelection(try self.symbols.map { .list(try $0.map { try Symbol($0) }) } ?? .defaults)
    }

    /// The file of a feed.
    ///
    /// - Throws: ``SetupError`` with the nearest name when no file has this one.
    public static func feedFile(of name: String, in directory: String) throws -> String {
        let files = try FeedLibrary.files(in: directory)
        let names = files.map { URL(fileURLWithPath: $0).deletingPathExtension().lastPathComponent }
        guard let index = names.firstIndex(of: name) else {
            let hint = Spelling.nearest(to: name, among: names).first.map { " (did you mean '\($0)'?)" } ?? ""
            throw SetupError.badSetting(
                name: "feeds", value: name, expected: "one of \(names.joined(separator: ", "))\(hint)"
            )
        }
        return files[index]
    }
}
