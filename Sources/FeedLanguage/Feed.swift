public import Market

/// A feed adapter: a file of `Feeds/`, checked and compiled.
public final class Feed: Sendable {
    /// The venue's name, which its ticks carry.
    public let name: Venue
    /// The venue's name for people.
    public let title: String
    /// The address of the provider's documentation.
    public let docs: String?
    /// What the provider's terms say about using the data.
    public let terms: String?
    /// How frames come in.
    public let transport: Transport
    /// What the venue allows.
    public let limits: FeedLimits
    /// After so long without a frame a connection counts as dead.
    public let idleTimeout: Duration
    /// How long a connection may take to open.
    public let connectTimeout: Duration
    /// How a frame's bytes become text.
    public let encoding: FrameEncoding
    /// What the file proposes to subscribe to when the user names nothing.
    public let defaultSymbols: [Symbol]
    /// The environment variables that the file names, by name.
    public let variables: [FeedVariable]
    /// Which of the file's `streams` this is; `nil` for the file itself.
    public let streamName: String?
    /// How trades that were missed are fetched; `nil` where the file does not say.
    public let backfill: BackfillPlan?
    /// How the provider's list of instruments is read; `nil` where the file does not say.
    public let discovery: DiscoveryPlan?
    /// How many `tests` the file carries, those of its other streams and its requests included.
    public var testCount: Int { self.streams.reduce(0) { $0 + $1.ownTestCount } }
    /// Everything that the file connects to.
    ///
    /// Itself, then its other `streams`. All give ticks of the same venue.
    public var streams: [Feed] { [self] + self.otherStreams }
    /// The variables without a default that the environment lacks: until they are set the feed must not start.
    public var missingVariables: [String] { self.variables.filter { $0.isRequired && !$0.isSet }.map(\.name) }

    /// What the venue's sequence numbers promise.
    public var sequencing: FeedSequencing { self.document.sequencing }

    let document: FeedDocument
    let program: Program
    /// The values of the environment variables that are set.
    let environment: [String: String]
    /// What `onOpen.expect` waits for, each as a feed whose only rule takes the frame.
    let expectations: [Feed]
    private let otherStreams: [Feed]
    private let secrets: Secrets
    private var ownTestCount: Int {
        self.document.tests.count + (self.document.backfill?.tests.count ?? 0)
            + (self.document.discovery?.tests.count ?? 0)
    }
    var symbolRules: SymbolRules { self.document.symbols }

    /// Loads a feed file.
    ///
    /// Strict: unknown keys, wrong types, bad paths, durations and templates are errors. It does not run the file's tests.
    ///
    /// - Parameters:
    ///   - yaml: The file's text.
    ///   - file: Its name, for messages.
    ///   - environment: The value of an environment variable; an empty one counts as not set.
    ///   - otherFile: The text of another file of the same folder by its name without the ending, for `extends`.
    /// - Returns: The feed, ready to decode. It may connect unless ``missingVariables`` names something.
    /// - Throws: ``FeedFileError`` with line, column and the fix.
    public static func load(
        yaml: String, file: String, environment: (String) -> String? = { _ in nil },
        otherFile: (String) -> String? = { _ in nil }
    ) throws(FeedFileError) -> Feed {
        var others: [Feed] = []
        for document in try FeedFileParser.parse(yaml: yaml, file: file, otherFile: otherFile).reversed() {
            let feed = try Feed(document, file: file, environment: environment, others: [])
            others.insert(feed, at: 0)
        }
        let first = others.removeFirst()
        return others.isEmpty ? first : try Feed(first.document, file: file, environment: environment, others: others)
    }

    private convenience init(
        _ document: FeedDocument, file: String, environment: (String) -> String?, others: [Feed]
    ) throws(FeedFileError) {
        var values: [String: String] = [:]
        for variable in document.variables {
            if let value = environment(variable.name), !value.isEmpty { values[variable.name] = value }
        }
        var expectations: [Feed] = []
        for rule in document.connection.expectations {
            var copy = document
            copy.messages = [rule]
            copy.connection.expectations = []
            expectations.append(
                Feed(copy, program: try ProgramBuilder.build([rule], file: file), values, expectations: [], others: []))
        }
        let program = try ProgramBuilder.build(
            document.messages, sequence: document.sequence, tables: document.tables, file: file)
        var backfill: BackfillPlan?
        if let settings = document.backfill {
            var copy = document
            copy.messages = settings.messages ?? document.messages
            copy.tests = settings.tests
            copy.symbols = settings.symbols ?? document.symbols
            copy.connection.encoding = settings.encoding
            copy.connection.expectations = []
            copy.backfill = nil
            copy.discovery = nil
            // The connection's own sequence does not count answers to requests.
            copy.sequence = nil
            let answers = try ProgramBuilder.build(copy.messages, tables: document.tables, file: file)
            backfill = BackfillPlan(
                request: settings.request, paging: settings.paging, budget: settings.budget,
                feed: Feed(copy, program: answers, values, expectations: [], others: [])
            )
        }
        self.init(
            document, program: program, values, expectations: expectations, others: others, backfill: backfill)
    }

    private init(
        _ document: FeedDocument, program: Program, _ environment: [String: String], expectations: [Feed],
        others: [Feed], backfill: BackfillPlan? = nil
    ) {
        self.document = document
        self.backfill = backfill
        self.discovery = document.discovery.map { settings in
            var plan = settings.plan
            plan.environment = environment
            return plan
        }
        self.program = program
        self.environment = environment
        self.expectations = expectations
        self.otherStreams = others
        self.name = document.name
        self.title = document.title
        self.docs = document.docs
        self.terms = document.terms
        self.limits = document.connection.limits
        self.idleTimeout = document.connection.idleTimeout
        self.connectTimeout = document.connection.connectTimeout
        self.encoding = document.connection.encoding
        self.defaultSymbols = document.defaults
        self.streamName = document.streamName
        self.variables = document.variables.map {
            FeedVariable(name: $0.name, isRequired: $0.fallback == nil, isSet: environment[$0.name] != nil)
        }
        let fallbacks = Set(document.variables.compactMap(\.fallback))
        self.secrets = Secrets(environment.values.filter { !fallbacks.contains($0) })
        switch document.connection.transport {
        case .webSocket: self.transport = document.connection.transport
        case .poll(var plan):
            plan.environment = environment
            self.transport = .poll(plan)
        }
    }

    /// `text` without the values of the environment variables that the file uses: `***` stands in their place.
    ///
    /// Everything that is logged or shown of a feed goes through it. Values of fewer than four bytes stay.
    public func redacted(_ text: String) -> String {
        self.otherStreams.reduce(self.secrets.redacted(text)) { $1.secrets.redacted($0) }
    }

    // MARK: Symbols

    /// What kind of instrument a symbol is on this feed.
    public func assetClass(of symbol: Symbol) -> AssetClass { self.document.asset.assetClass(of: symbol) }

    /// The venue's spelling of a symbol; `nil` when the file has none for it.
    public func nativeSymbol(for symbol: Symbol) -> String? { self.symbolRules.native(for: symbol) }

    /// The symbol that the venue spells `native`, as far as the file's rules can tell without a subscription list.
    public func symbol(forNative native: String) -> Symbol? { self.symbolRules.symbol(native: native) }

    /// Splits symbols over connections by what the venue allows.
    ///
    /// Those it cannot spell are left out, and those beyond ``FeedLimits/connections``: see ``symbolsWithoutPlace(_:)``.
    public func shards(of symbols: [Symbol]) -> [[Symbol]] {
        let known = symbols.filter { self.nativeSymbol(for: $0) != nil }
        let shards = stride(from: 0, to: known.count, by: self.limits.symbolsPerConnection).map { start in
            Array(known[start..<min(start + self.limits.symbolsPerConnection, known.count)])
        }
        return Array(shards.prefix(self.limits.connections ?? shards.count))
    }

    /// The symbols that ``shards(of:)`` leaves out, each with the reason.
    public func symbolsWithoutPlace(_ symbols: [Symbol]) -> [(symbol: Symbol, reason: String)] {
        let placed = Set(self.shards(of: symbols).joined())
        return symbols.filter { !placed.contains($0) }.map { symbol in
            guard self.nativeSymbol(for: symbol) != nil else {
                return (symbol: symbol, reason: "the feed file has no name for it: add it to the table of 'symbols'")
            }
            let most = (self.limits.connections ?? 1) * self.limits.symbolsPerConnection
            return (symbol: symbol, reason: "\(self.name) allows \(most) symbols on all connections together")
        }
    }

    // MARK: Messages

    /// The messages that subscribe to `symbols`, as they would be sent but for what only a connection knows.
    ///
    /// - Parameters:
    ///   - symbols: What to subscribe to; those that the venue cannot spell are left out.
    ///   - counter: Messages sent so far on the connection; counted up.
    /// - Returns: Text frames in the order to send; empty for a polled feed.
    public func subscribeMessages(for symbols: [Symbol], counter: inout Int) -> [String] {
        self.render(self.subscribeDrafts(for: symbols), &counter)
    }

    /// The messages that end the subscription of `symbols`, as they would be sent but for what only a connection knows.
    ///
    /// - Parameters:
    ///   - symbols: What to leave.
    ///   - channels: The ids under which the venue has registered them, where the file's messages name one.
    ///   - counter: Messages sent so far on the connection; counted up.
    /// - Returns: Text frames in the order to send; empty where the venue has no such message.
    public func unsubscribeMessages(
        for symbols: [Symbol], channels: [Symbol: [String]] = [:], counter: inout Int
    ) -> [String] {
        self.render(self.unsubscribeDrafts(for: symbols, channels: channels), &counter)
    }

    func subscribeDrafts(for symbols: [Symbol]) -> [SubscriptionTemplate.Draft] {
        let natives = symbols.compactMap(self.nativeSymbol(for:))
        guard let template = self.document.subscribe, !natives.isEmpty else { return [] }
        return template.drafts(for: natives, perMessage: self.limits.symbolsPerMessage)
    }

    func unsubscribeDrafts(
        for symbols: [Symbol], channels: [Symbol: [String]]
    ) -> [SubscriptionTemplate.Draft] {
        let natives = symbols.compactMap(self.nativeSymbol(for:))
        guard let template = self.document.unsubscribe, !natives.isEmpty else { return [] }
        var ids: [String: [String]] = [:]
        for (symbol, list) in channels {
            if let native = self.nativeSymbol(for: symbol) { ids[native] = list }
        }
        return template.drafts(for: natives, perMessage: self.limits.symbolsPerMessage, channels: ids)
    }

    private func render(_ drafts: [SubscriptionTemplate.Draft], _ counter: inout Int) -> [String] {
        var context = RenderContext.fixed
        return drafts.map { draft in
            counter += 1
            context.counter = counter
            return draft.render(context)
        }
    }
}
