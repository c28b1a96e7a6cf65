extension Feed {
    /// What the file lacks although it may run: a sentence for each, with the fix; empty when nothing is amiss.
    ///
    /// It looks at the whole file, its other streams included.
    public var warnings: [String] {
        var warnings: [String] = []
        if self.streams.allSatisfy({ $0.document.tests.isEmpty }) {
            warnings.append(
                "there are no 'tests': add some frames as the provider sends them, each with what it 'gives', so that a rule that stops fitting is noticed."
            )
        }
        if self.streams.allSatisfy(\.defaultSymbols.isEmpty) {
            warnings.append(
                "there are no 'defaults': the feed carries nothing until symbols are named. Add some, such as 'defaults: [BTC-USD]'."
            )
        }
        return warnings + self.streams.compactMap(\.subscriptionWarning) + self.streams.compactMap(\.backfillWarning)
    }

    private var whose: String { self.streamName.map { " of stream '\($0)'" } ?? "" }

    /// Whether nothing that is sent tells the provider which symbols are wanted.
    private var subscriptionWarning: String? {
        guard case .webSocket(let plan) = self.transport, !plan.hasSymbolsInAddress else { return nil }
        guard let subscribe = self.document.subscribe else {
            return
                "'subscribe'\(self.whose) is missing, and the address names no symbol: the provider is asked for nothing. Add 'subscribe', or put '{symbols}' into the address."
        }
        guard !subscribe.messages.contains(where: \.root.mentionsSymbols) else { return nil }
        return
            "'subscribe'\(self.whose) names no symbol, nor does the address: the same is asked for whatever is subscribed. Put '{symbol}' or '{symbols}' into one of them."
    }

    /// Whether repaired trades cannot be told from those that the stream gave.
    private var backfillWarning: String? {
        guard let backfill, self.tickMappings.trades.contains(where: { $0.id != nil }),
            backfill.feed.tickMappings.trades.contains(where: { $0.id == nil })
        else { return nil }
        return
            "a trade of 'backfill'\(self.whose) has no 'id', although the stream's trades have one: what both give would count twice. Add it."
    }
}
