import Market

extension Feed {
    // MARK: Frames

    /// What each rule makes of the frames that it takes.
    var understanding: [String] {
        var lines = ["The first rule that fits takes a frame."]
        for (index, rule) in self.document.messages.enumerated() {
            var head = rule.conditions.isEmpty ? "any frame" : "frames in which \(Wording.conditions(rule.conditions))"
            if let channel = rule.channel {
                let kind = channel.kind.map { " that was registered as '\($0)'" } ?? ""
                head += " of a channel\(kind), found by \(Wording.source(channel.id))"
            }
            let body = Self.body(rule.body)
            lines.append("\(index + 1). \(head): \(body.text)")
            lines += body.details.map { "   " + $0 }
        }
        lines.append(
            "A frame that no rule takes is counted as unmatched; the first five are logged and shown in 'feeds status'."
        )
        return lines
    }

    private static func body(_ body: MessageRule.Body) -> (text: String, details: [String]) {
        switch body {
        case .fixed(.ignored): return ("nothing we want.", [])
        case .fixed(.control): return ("an acknowledgement or heartbeat.", [])
        case .fixed(.reconnect): return ("connect again.", [])
        case .error(let mapping): return (self.error("the provider reports an error", mapping), [])
        case .fatal(let mapping):
            return (
                self.error("the provider refuses us", mapping)
                    + " Tried again after 10 min, then ever later up to 1 h.", []
            )
        case .reply(let message): return ("answered with \(self.reply(message))", [])
        case .acknowledgement(let mapping): return (self.acknowledgement(mapping), [])
        case .registration(let mapping): return (self.registration(mapping), [])
        case .outputs(let outputs):
            let items = outputs.flatMap { output in output.items.map { (output, $0) } }
            if items.count == 1, let (output, item) = items.first {
                let (text, details) = self.item(item)
                return ([self.levels(output.levels, output.conditions + item.conditions), text].joined(), details)
            }
            return (
                "several things:",
                items.flatMap { output, item in
                    let (text, details) = self.item(item)
                    let head = self.levels(output.levels, output.conditions + item.conditions)
                    return ["- \(head)\(text)"] + details.map { "  " + $0 }
                }
            )
        }
    }

    /// `each of data in which type is 'trade' is `, empty where the frame itself is meant without a condition.
    private static func levels(_ levels: [FieldPath], _ conditions: [Condition]) -> String {
        guard let last = levels.last else {
            return conditions.isEmpty ? "" : "if \(Wording.conditions(conditions)), "
        }
        let outer = levels.dropLast().reversed().map { " of each of \(Wording.path($0))" }.joined()
        let inner = last.isEveryEntry ? "each entry" : "each of \(Wording.path(last))"
        return inner + outer + (conditions.isEmpty ? "" : " in which \(Wording.conditions(conditions))") + " is "
    }

    private static func item(_ item: ItemRule) -> (text: String, details: [String]) {
        switch item.body {
        case .ignored: return ("nothing we want.", [])
        case .control: return ("an acknowledgement or heartbeat.", [])
        case .error(let mapping): return (self.error("an error of the provider", mapping), [])
        case .status(let status): return ("whether a symbol trades.", self.status(status))
        case .ticks(let trade, let quote):
            let kinds = [trade.map { _ in "a trade" }, quote.map { _ in "a quote" }].compactMap { $0 }
            return (Wording.list(kinds) + ".", (trade.map(self.trade) ?? []) + (quote.map(self.quote) ?? []))
        }
    }

    private static func trade(_ trade: TradeMapping) -> [String] {
        var fields = [
            ("symbol", trade.symbol.map(Wording.source) ?? "the channel's or the request's"),
            ("price", Wording.source(trade.price)), ("size", trade.size.map(Wording.source) ?? "not told"),
            ("side", trade.side.map(Wording.side) ?? "not told"),
            ("time", trade.time.map(Wording.time) ?? "when the frame came"),
            ("id", trade.id.map(Wording.source) ?? "not told"),
        ]
        if let sequence = trade.sequence { fields.append(("sequence", Wording.source(sequence))) }
        var lines = fields.map { "\($0.0): \($0.1)" }
        lines += self.snapshot(trade.snapshot)
        if let age = trade.staleFirst {
            lines.append(
                "until a symbol's first trade younger than \(Wording.duration(age)), its trades are old ones: they fire no alert"
            )
        }
        return lines
    }

    private static func quote(_ quote: QuoteMapping) -> [String] {
        let fields: [(String, String?)] = [
            ("symbol", quote.symbol.map(Wording.source) ?? "the channel's or the request's"),
            ("bid", quote.bid.map(Wording.source)), ("ask", quote.ask.map(Wording.source)),
            ("bid size", quote.bidSize.map(Wording.source)), ("ask size", quote.askSize.map(Wording.source)),
            ("last price", quote.last.map { Wording.source($0) + ", shown but never counted as a trade" }),
            ("time", quote.time.map(Wording.time) ?? "when the frame came"),
            ("sequence", quote.sequence.map(Wording.source)),
        ]
        var lines = fields.compactMap { name, source in source.map { "\(name): \($0)" } }
        if quote.isMerging { lines.append("what a frame leaves out is unchanged") }
        return lines + self.snapshot(quote.snapshot)
    }

    private static func status(_ status: StatusMapping) -> [String] {
        let states = TradingState.allCases.compactMap { state in
            let words = status.states.filter { $0.value == state }.keys.sorted()
            return words.isEmpty ? nil : "\(state.name) when \(Wording.list(words, "or"))"
        }
        let rest = status.fallback.map { "\($0.name) otherwise" } ?? "anything else says nothing about it"
        let fields: [(String, String?)] = [
            ("symbol", status.symbol.map(Wording.source) ?? "the channel's or the request's"),
            ("state", Wording.source(status.state) + ": " + Wording.list(states + [rest])),
            ("reason", status.reason.map(Wording.source)), ("time", status.time.map(Wording.time)),
        ]
        return fields.compactMap { name, source in source.map { "\(name): \($0)" } }
    }

    private static func snapshot(_ rule: SnapshotRule) -> [String] {
        switch rule {
        case .constant(false): []
        case .constant(true): ["it is part of a snapshot: recorded, but it fires no alert"]
        case .when(let conditions):
            ["it is part of a snapshot, and fires no alert, if \(Wording.conditions(conditions))"]
        }
    }

    private static func error(_ what: String, _ mapping: ErrorMapping) -> String {
        var text = "\(what), in \(Wording.source(mapping.message))"
        if let detail = mapping.detail { text += " and \(Wording.source(detail))" }
        if let symbol = mapping.symbol { text += ", about the symbol in \(Wording.source(symbol))" }
        if let pause = mapping.retryAfter { text += "; left alone for \(Wording.duration(pause))" }
        return text + "."
    }

    private static func reply(_ message: MessageTemplate) -> String {
        var context = RenderContext.fixed
        for path in message.framePaths {
            context.frame[path] = .init(text: "{\(path.description)}", json: "\"{\(path.description)}\"")
        }
        return message.render(context)
    }

    private static func acknowledgement(_ mapping: AcknowledgementMapping) -> String {
        var parts: [String] = []
        if let accepted = mapping.accepted {
            parts.append("the symbols \(Self.place(accepted)) are subscribed")
        } else {
            parts.append("everything asked for is subscribed")
        }
        if let failed = mapping.failed {
            let message = failed.message.map { ", with the reason in \(Wording.source($0))" } ?? ""
            parts.append("those \(Self.place(failed)) are refused\(message)")
        }
        return Wording.list(parts) + "."
    }

    /// `in s`, `in each of symbols`, `in name of each of list`.
    private static func place(_ part: AcknowledgementMapping.Part) -> String {
        let source = Wording.source(part.symbol)
        guard !part.levels.isEmpty else { return "in \(source)" }
        let levels = part.levels.reversed().map { level in
            level.isEveryEntry ? "each entry \(Wording.path(level))" : "each of \(Wording.path(level))"
        }
        return "in " + ((source == "." ? [] : [source]) + levels).joined(separator: " of ")
    }

    private static func registration(_ mapping: RegistrationMapping) -> String {
        var text =
            "the channel of \(mapping.symbol.map(Wording.source) ?? "a symbol") has the id in \(Wording.source(mapping.id))"
        if let kind = mapping.kind { text += " and the kind in \(Wording.source(kind))" }
        return text + "."
    }

    // MARK: Order, gaps, and what is missing

    /// The trades and quotes that the rules give.
    var tickMappings: (trades: [TradeMapping], quotes: [QuoteMapping]) {
        var trades: [TradeMapping] = []
        var quotes: [QuoteMapping] = []
        for rule in self.document.messages {
            guard case .outputs(let outputs) = rule.body else { continue }
            for item in outputs.flatMap(\.items) {
                guard case .ticks(let trade, let quote) = item.body else { continue }
                if let trade { trades.append(trade) }
                if let quote { quotes.append(quote) }
            }
        }
        return (trades, quotes)
    }

    /// What the numbers of frames and ticks promise.
    var ordering: [String] {
        let sequencing = self.document.sequencing
        var lines: [String] = []
        if let source = self.document.sequence {
            lines.append(
                "Frames of a connection are numbered by \(Wording.source(source)): \(Self.promise(sequencing.connection, "all symbols of the connection"))."
            )
        }
        for (kind, sequence) in [("Trades", sequencing.trades), ("Quotes", sequencing.quotes)] where sequence != .none {
            lines.append("\(kind) of a symbol are numbered: \(Self.promise(sequence, "that symbol")).")
        }
        if !self.tickMappings.trades.isEmpty, self.tickMappings.trades.allSatisfy({ $0.id != nil }) {
            lines.append("A trade that comes twice is recognised by its id.")
        }
        return lines + self.repairing
    }

    private static func promise(_ sequence: Sequencing, _ whose: String) -> String {
        switch sequence {
        case .none: "the numbers promise nothing"
        case .increasing: "a lower number came late, and holes mean nothing"
        case .contiguous: "a hole is a gap of \(whose)"
        }
    }

    /// What no rule of any stream tells.
    var unknowns: [String] {
        let mappings = self.streams.map(\.tickMappings)
        let trades = mappings.flatMap(\.trades)
        let quotes = mappings.flatMap(\.quotes)
        var lines: [String] = []
        if trades.isEmpty { lines.append("Trades: no rule gives any, so alerts on prices never fire from this feed.") }
        if quotes.isEmpty { lines.append("Best bid and ask: no rule gives quotes.") }
        if !trades.isEmpty {
            if trades.allSatisfy({ $0.size == nil }) {
                lines.append("How much was traded: volume and VWAP stay empty.")
            }
            if trades.allSatisfy({ $0.side == nil }) { lines.append("Whether the buyer or the seller was the taker.") }
            if trades.contains(where: { $0.id == nil }) {
                lines.append("Whether a trade came twice: not all trades have an id.")
            }
        }
        if !(trades.isEmpty && quotes.isEmpty),
            trades.contains(where: { $0.time == nil }) || quotes.contains(where: { $0.time == nil })
        {
            lines.append(
                "When some ticks happened: without a time of the venue's own the time of arrival stands in, with a flag."
            )
        }
        let sequencing = self.streams.map(\.document.sequencing)
        if sequencing.allSatisfy({
            $0.connection != .contiguous && $0.trades != .contiguous && $0.quotes != .contiguous
        }) {
            lines.append("Whether something was missed while connected: no number counts frames or ticks one by one.")
        }
        if self.backfill == nil {
            lines.append("What was missed while it was away: the file has no way to ask for it.")
        }
        return lines
    }
}
