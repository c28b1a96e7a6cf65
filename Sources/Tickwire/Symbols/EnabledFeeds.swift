public import FeedLanguage
public import Ingest
public import Market

/// The feeds that a command speaks of: those that a service runs, or else those that the settings enable.
public struct EnabledFeeds: Sendable {
    /// The feeds, best first.
    public let feeds: [Feed]
    /// Those that are enabled and cannot run here, a line for each.
    public let problems: [String]
    private let selection: SymbolSelection
    private let directory: String

    /// Loads the feeds' files.
    ///
    /// - Parameters:
    ///   - settings: Where the files are, and what is enabled.
    ///   - reports: What a running service says of its feeds; `nil` where none answers.
    /// - Throws: ``SetupError`` for a name that no file has, `MarketError` for a bad symbol of the settings.
    public init(_ settings: Settings, running reports: [FeedReport]? = nil) throws {
        self.selection = try settings.symbolSelection()
        self.directory = settings.feedsDirectory
        let enabled = settings.isDemo ? [FeedSelection.simulator] : settings.feeds ?? Settings.defaultFeeds
        var feeds: [Feed] = []
        var problems: [String] = []
        for name in reports?.map(\.feed) ?? enabled {
            let file: String
            do {
                file = try Settings.feedFile(of: name, in: settings.feedsDirectory)
            } catch {
                // What the settings misspell stops a service too; one that runs may have another folder of files, and a folder
                // of one's own need not have the usual feeds.
                guard reports != nil || settings.feeds == nil else { throw error }
                problems.append("\(error)")
                continue
            }
            switch FeedLibrary.load(file: file) {
            case .failure(let problem): problems.append("\(problem)")
            case .success(let feed):
                guard reports != nil || feed.missingVariables.isEmpty else {
                    problems.append("\(SetupError.missingKeys(feed: name, variables: feed.missingVariables))")
                    continue
                }
                feeds.append(feed)
            }
        }
        self.feeds = feeds
        self.problems = problems
    }

    /// What a feed is asked for by the settings and its file, with what users have added and removed on top.
    func entries(of feed: Feed, choices: [SymbolChoice]) -> [SymbolSelection.Entry] {
        self.selection.entries(for: feed, choices: choices)
    }

    /// Whether the settings or the feed's file ask for a symbol.
    func asks(_ feed: Feed, for symbol: Symbol) -> Bool {
        self.entries(of: feed, choices: []).contains { $0.symbol == symbol }
    }

    /// The names of all symbols that the feeds' files or the settings name.
    public var symbolNames: [String] {
        let named = self.feeds.flatMap { $0.namedSymbols + self.entries(of: $0, choices: []).map(\.symbol) }
        return Set(named).sorted().map(\.name)
    }

    /// The feed of a name.
    ///
    /// - Throws: ``SetupError`` when there is none, or it is not enabled.
    public func feed(named name: String) throws -> Feed {
        if let feed = self.feeds.first(where: { $0.name.name == name }) { return feed }
        _ = try self.file(of: name)
        let enabled = self.feeds.map(\.name.name).joined(separator: ", ")
        throw SetupError.unknown(
            "Feed '\(name)' is not enabled: enabled are \(enabled.isEmpty ? "none" : enabled). Enable it (feeds.enabled, or TICKWIRE_FEEDS), or name the service that runs it with --url."
        )
    }

    /// The feed of a name, enabled or not.
    ///
    /// - Throws: ``SetupError`` when there is none, `FeedProblem` when its file has faults.
    public func anyFeed(named name: String) throws -> Feed {
        if let feed = self.feeds.first(where: { $0.name.name == name }) { return feed }
        return try FeedLibrary.load(file: try self.file(of: name)).get()
    }

    /// The feeds of all files, the enabled ones first.
    ///
    /// - Parameter problem: Takes a line about each file that cannot be read.
    /// - Returns: Every feed whose file is fit to run.
    public func allFeeds(_ problem: (String) -> Void) -> [Feed] {
        var feeds = self.feeds
        let enabled = Set(feeds.map(\.name))
        do {
            for file in try FeedLibrary.files(in: self.directory) {
                switch FeedLibrary.load(file: file) {
                case .success(let feed): if !enabled.contains(feed.name) { feeds.append(feed) }
                case .failure(let error): problem("\(error)")
                }
            }
        } catch {
            problem("\(error)")
        }
        return feeds
    }

    private func file(of name: String) throws -> String {
        do {
            return try Settings.feedFile(of: name, in: self.directory)
        } catch SetupError.badSetting(_, _, let expected) {
            // No setting is wrong, but an argument.
            throw SetupError.unknown("There is no feed '\(name)': expected \(expected).")
        }
    }

    /// The symbols of what a user wrote.
    ///
    /// - Throws: ``SetupError/unknown(_:)`` with what may have been meant when one breaks the grammar.
    public func symbols(_ texts: [String]) throws -> [Symbol] {
        try texts.map { text in
            do {
                return try Symbol(text)
            } catch {
                let plain = text.uppercased().replacing("/", with: "-").replacing("_", with: "-")
                var nearest = Spelling.nearest(to: text, among: self.symbolNames)
                // What only is in other letters needs no guess.
                if let symbol = try? Symbol(plain) { nearest = [symbol.name] + nearest.filter { $0 != symbol.name } }
                throw SetupError.unknown("\(error)" + Self.question(nearest))
            }
        }
    }

    /// The feeds that take a symbol which was added for all of them.
    public func takers(of symbol: Symbol) -> [Feed] { self.feeds.filter { $0.mayHave(symbol) } }

    /// Why nothing comes of adding a symbol, and what to do about it.
    public func refusal(of symbol: Symbol, at feed: Feed?) -> String {
        let names = self.feeds.map(\.name.name).joined(separator: ", ")
        var text =
            feed.map { "Feed \($0.name) has no name for \(symbol)." }
            ?? "No enabled feed has \(symbol): \(names.isEmpty ? "none is enabled" : "enabled are \(names)")."
        text += Self.question(Spelling.nearest(to: symbol.name, among: self.symbolNames))
        let others = self.othersNaming(symbol)
        if !others.isEmpty {
            text +=
                " \(others.joined(separator: ", ")) \(others.count == 1 ? "has" : "have") it: enable one (feeds.enabled)."
        }
        return text + " Or add it to the table of 'symbols' in a feed file. Nothing was stored."
    }

    /// The feeds that are not enabled and whose files name a symbol, those that need no key first.
    private func othersNaming(_ symbol: Symbol) -> [String] {
        // A file that cannot be read has no advice to give.
        let others = self.allFeeds { _ in }.dropFirst(self.feeds.count)
            .filter { $0.name.name != FeedSelection.simulator && $0.namedSymbols.contains(symbol) }
        let ready = others.filter(\.missingVariables.isEmpty)
        return (ready + others.filter { !$0.missingVariables.isEmpty }).prefix(5).map(\.name.name)
    }

    private static func question(_ names: [String]) -> String {
        names.isEmpty ? "" : " Did you mean \(names.prefix(3).joined(separator: " or "))?"
    }
}
