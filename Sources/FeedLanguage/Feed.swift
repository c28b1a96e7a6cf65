public import Market

/// A feed adapter: a file of `Feeds/`, checked and compiled.
public final class Feed: Sendable {
    /// The venue's name, which its ticks carry.
    public let name: Venue
    /// The venue's name for people.
    public let title: String
    /// The address of the provider's documentation.
    public let docs: String?
    /// How frames come in.
    public let transport: Transport
    /// What the venue allows on one connection.
    public let limits: FeedLimits
    /// After so long without a frame a connection counts as dead.
    public let idleTimeout: Duration
    /// What the file proposes to subscribe to when the user names nothing.
    public let defaultSymbols: [Symbol]
    /// How many `tests` the file carries.
    public var testCount: Int { self.document.tests.count }

    /// What the venue's sequence numbers promise.
    public var sequencing: FeedSequencing { self.document.sequencing }
    /// What frames are packed into.
    var encoding: FrameEncoding { .text }

    let document: FeedDocument
    let program: Program
    var symbolRules: SymbolRules { self.document.symbols }

    /// Loads a feed file.
    ///
    /// Strict: unknown keys, wrong types, bad paths, durations and templates are errors. It does not run the file's tests.
    ///
    /// - Parameters:
    ///   - yaml: The file's text.
    ///   - file: Its name, for messages.
    /// - Returns: The feed, ready to decode.
    /// - Throws: ``FeedFileError`` with line, column and the fix.
    public static func load(yaml: String, file: String) throws(FeedFileError) -> Feed {
        let document = try FeedFileParser.parse(yaml: yaml, file: file)
        return Feed(document, program: try ProgramBuilder.build(document.messages, sequence: document.sequence, tables: document.tables, file: file))
    }

    private init(_ document: FeedDocument, program: Program) {
        self.document = document
        self.program = program
        self.name = document.name
        self.title = document.title
        self.docs = document.docs
        self.transport = document.connection.transport
        self.limits = document.connection.limits
        self.idleTimeout = document.connection.idleTimeout
        self.defaultSymbols = document.defaults
    }

    /// What kind of instrument a symbol is on this feed.
    public func assetClass(of symbol: Symbol) -> AssetClass { self.document.asset.assetClass(of: symbol) }

    /// The venue's spelling of a symbol; `nil` when the file has none for it.
    public func nativeSymbol(for symbol: Symbol) -> String? { self.symbolRules.native(for: symbol) }

    /// The symbol that the venue spells `native`, as far as the file's rules can tell without a subscription list.
    public func symbol(forNative native: String) -> Symbol? { self.symbolRules.symbol(native: native) }

    /// Splits symbols over connections by what the venue allows on one; those it cannot spell are left out.
    public func shards(of symbols: [Symbol]) -> [[Symbol]] {
        let known = symbols.filter { self.nativeSymbol(for: $0) != nil }
        return stride(from: 0, to: known.count, by: self.limits.symbolsPerConnection).map { start in
            Array(known[start..<min(start + self.limits.symbolsPerConnection, known.count)])
        }
    }

    /// The messages that subscribe to `symbols`.
    ///
    /// - Parameters:
    ///   - symbols: What to subscribe to; those that the venue cannot spell are left out.
    ///   - counter: Messages sent so far on the connection; counted up.
    /// - Returns: Text frames in the order to send; empty for a polled feed.
    public func subscribeMessages(for symbols: [Symbol], counter: inout Int) -> [String] {
        self.render(self.document.subscribe, symbols, &counter)
    }

    /// The messages that end the subscription of `symbols`.
    ///
    /// - Parameters:
    ///   - symbols: What to leave.
    ///   - counter: Messages sent so far on the connection; counted up.
    /// - Returns: Text frames in the order to send; empty where the venue has no such message.
    public func unsubscribeMessages(for symbols: [Symbol], counter: inout Int) -> [String] {
        self.render(self.document.unsubscribe, symbols, &counter)
    }

    private func render(_ template: SubscriptionTemplate?, _ symbols: [Symbol], _ counter: inout Int) -> [String] {
        let natives = symbols.compactMap(self.nativeSymbol(for:))
        guard let template, !natives.isEmpty else { return [] }
        return template.render(symbols: natives, perMessage: self.limits.symbolsPerMessage, counter: &counter)
    }
}
