/// `backfill` of a feed file, before its rules are compiled.
struct BackfillSettings: Sendable {
    var request: RequestTemplate
    var paging: Paging?
    var budget: BudgetRules
    /// How the history spells symbols, where it does otherwise than the stream.
    var symbols: SymbolRules?
    /// Answers over HTTP are plain text even where the stream is compressed.
    var encoding = FrameEncoding.text
    /// `nil` takes the file's own.
    var messages: [MessageRule]?
    var tests: [FeedTest] = []
}

/// `discover` of a feed file.
struct DiscoverySettings: Sendable {
    /// A sample of a list, and what it must give.
    struct Test: Sendable {
        var mark: SourceMark
        var body: [UInt8]
        var listings: [Listing]
    }

    var plan: DiscoveryPlan
    var tests: [Test]
}
