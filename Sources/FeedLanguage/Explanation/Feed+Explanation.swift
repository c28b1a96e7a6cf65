public import Market

extension Feed {
    /// How many messages or names of a kind are shown before "and so on".
    private static let shownMax = 3

    /// What the file will do when it runs, in plain words; without the values of environment variables.
    ///
    /// - Parameter symbols: What would be subscribed; `nil` takes the file's own list.
    /// - Returns: Sections in the order in which things happen.
    public func explanation(for symbols: [Symbol]? = nil) -> FeedExplanation {
        let symbols = symbols ?? self.defaultSymbols
        var sections = [self.introduction]
        for stream in self.streams {
            let mark = stream.streamName.map { " (stream \($0))" } ?? ""
            sections.append(.init(title: "Connecting" + mark, lines: stream.connecting(symbols)))
            sections.append(.init(title: "Asking for symbols" + mark, lines: stream.subscribing(symbols)))
            sections.append(.init(title: "Staying connected" + mark, lines: stream.staying))
            sections.append(.init(title: "Understanding frames" + mark, lines: stream.understanding))
            sections.append(.init(title: "Order and gaps" + mark, lines: stream.ordering))
        }
        sections.append(.init(title: "What it cannot know", lines: self.unknowns))
        return FeedExplanation(
            sections: sections.filter { !$0.lines.isEmpty }.map { section in
                .init(title: section.title, lines: section.lines.map(self.redacted))
            }
        )
    }

    /// What it carries: `crypto`, `stock`, `fx`, or `auto` where each symbol's form tells.
    public var assetLabel: String {
        switch self.document.asset {
        case .fixed(let asset): asset.rawValue
        case .automatic: "auto"
        }
    }

    private var introduction: FeedExplanation.Section {
        let asset =
            switch self.document.asset {
            case .fixed(.crypto): "cryptocurrencies, around the clock"
            case .fixed(.stock): "stocks, in trading sessions"
            case .fixed(.fx): "currencies"
            case .automatic: "BASE-QUOTE names are crypto, any other is a stock"
            }
        var lines = ["Ticks are labelled as venue '\(self.name)'. Instruments: \(asset)."]
        if let docs { lines.append("The provider's documentation: \(docs)") }
        if let terms { lines.append("Terms: \(terms)") }
        for variable in self.variables {
            let state =
                variable.isSet
                ? "set" : variable.isRequired ? "not set: the feed will not start" : "not set, has a default"
            lines.append("Uses the environment variable \(variable.name) (\(state)).")
        }
        if let discovery {
            // Keys stand behind the host, or come from the environment and are shown by name.
            let address = Wording.template(discovery.request.url)
            let host = address.split(separator: "/").dropFirst().first.map(String.init) ?? address
            lines.append(
                "The list of its instruments comes from \(host), and is kept for \(Wording.duration(discovery.lifetime))."
            )
        }
        return .init(title: self.title, lines: lines)
    }

    // MARK: Connecting

    /// Placeholders that only a connection can fill are shown as they are written.
    private var context: RenderContext {
        var context = RenderContext.fixed
        for name in self.document.connection.bootstrap?.steps.flatMap(\.captures).map(\.name) ?? [] {
            context.captures[name] = "{\(name)}"
        }
        context.channel = "{channel}"
        return context
    }

    /// An address with its placeholders as the file writes them.
    private static func shown(_ url: String) -> String {
        url.replacing("%24%7B", with: "${").replacing("%7B", with: "{").replacing("%7D", with: "}")
    }

    private func connecting(_ symbols: [Symbol]) -> [String] {
        switch self.transport {
        case .poll(let plan): self.polling(plan, symbols)
        case .webSocket(let plan): self.opening(plan, symbols)
        }
    }

    private func polling(_ plan: PollPlan, _ symbols: [Symbol]) -> [String] {
        let batches = plan.batches(of: plan.spelled(symbols))
        let interval = plan.budget.interval(
            requests: max(1, batches.count), every: plan.interval, openShare: plan.hours?.openShare ?? 1)
        let room =
            plan.request.mentionsSymbols
            ? "for up to \(Wording.count(plan.symbolsPerRequest, "symbol")) at once" : "for all symbols at once"
        var lines = ["Asks over HTTP every \(Wording.duration(plan.interval)), \(room):"]
        lines += self.examples(batches.map { Self.shown(self.exchange(plan.request, $0).url) })
        lines += Self.budget(plan.budget)
        if interval > plan.interval {
            lines.append("That allowance stretches it to \(Wording.duration(interval)) for these symbols.")
        }
        if plan.hours != nil { lines.append("Asks only while the market is open, before and after hours included.") }
        if plan.isConditional { lines.append("Sends ETag and Last-Modified back, so that nothing new costs little.") }
        if plan.dropsRepeats { lines.append("What an answer only repeats gives no tick.") }
        if plan.paging != nil { lines.append("Follows the pages of an answer.") }
        return lines
    }

    private func exchange(_ request: RequestTemplate, _ symbols: [Symbol]) -> HTTPExchange {
        var context = self.context
        context.symbols = symbols.compactMap(self.nativeSymbol(for:))
        context.symbol = context.symbols.first ?? ""
        return request.render(context)
    }

    private static func budget(_ budget: BudgetRules) -> [String] {
        guard !budget.windows.isEmpty else { return [] }
        let windows = budget.windows.map { "\(Wording.count($0.limit, "request")) in \(Wording.duration($0.length))" }
        return ["Never sends more than \(Wording.list(windows))."]
    }

    /// How missed trades are fetched.
    var repairing: [String] {
        guard let backfill else { return [] }
        let way =
            switch backfill.direction {
            case .forward: "from the beginning of the gap on"
            case .backward: "back from the end of the gap"
            case .within: "exactly the gap"
            }
        return [
            "Trades that were missed are asked for over HTTP, \(way):",
            "  \(backfill.request.method) \(Wording.template(backfill.request.url))", Self.paging(backfill.paging),
        ] + Self.budget(backfill.budget)
    }

    /// How the pages of an answer go on.
    private static func paging(_ paging: Paging?) -> String {
        guard let paging else { return "One answer is all: the file names no further pages." }
        let next =
            switch paging.form {
            case .cursor(let path): "what stands at \(Wording.path(path)) of the page before"
            case .header(let name): "the header \(name) of the page before"
            case .offset: "the number of items so far"
            case .lastID: "the id of the last trade"
            case .lastTime: "the time of the last trade"
            }
        return
            "The next page is asked for with \(next) as '\(paging.parameter)', up to \(Wording.count(paging.pagesMax, "page"))."
    }

    private func opening(_ plan: WebSocketPlan, _ symbols: [Symbol]) -> [String] {
        let connection = self.document.connection
        var lines: [String] = []
        if let bootstrap = connection.bootstrap {
            for step in bootstrap.steps {
                let request = step.request.render(self.context)
                let kept = step.captures.map { capture in
                    "\(capture.name) from \(capture.path.map(Wording.path) ?? "the whole answer")"
                }
                let keeps = kept.isEmpty ? "" : " and keeps \(Wording.list(kept))"
                lines.append("First asks \(request.method) \(Self.shown(request.url))\(keeps).")
            }
            lines.append(
                bootstrap.validFor.map { "What it keeps serves for \(Wording.duration($0))." }
                    ?? "It asks again before each connection.")
        }
        let shards = self.shards(of: symbols)
        lines.append("Opens a WebSocket to \(Self.shown(plan.url(for: shards.first ?? [], self.context))).")
        let names = plan.headerTemplates.map(\.name)
        if !names.isEmpty { lines.append("Sends the headers \(Wording.list(names)) with it.") }
        var room = "A connection carries up to \(Wording.count(self.limits.symbolsPerConnection, "symbol"))"
        if let most = self.limits.connections { room += "; at most \(Wording.count(most, "connection"))" }
        lines.append(
            room
                + ": \(Wording.count(symbols.count, "symbol")) on \(Wording.count(max(1, shards.count), "connection"))."
        )
        if let most = self.limits.connectsPerMinute { lines.append("Tries to connect at most \(most) times a minute.") }
        for step in connection.opening { lines.append(self.openingStep(step)) }
        switch self.encoding {
        case .text: break
        case .binary: lines.append("Frames are text in binary frames.")
        case .gzip, .deflate: lines.append("Frames are compressed with \(self.encoding.rawValue).")
        case .csv: lines.append("Frames are lines of comma-separated values.")
        case .ndjson: lines.append("A frame may hold several JSON values, one a line.")
        }
        return lines
    }

    private func openingStep(_ step: OpeningStep) -> String {
        switch step {
        case .send(let message): return "Then sends \(message.render(self.context))"
        case .sleep(let time): return "Then waits \(Wording.duration(time))."
        case .expect(let number, let within):
            let expectations = self.document.connection.expectations
            let conditions = expectations.indices.contains(number) ? expectations[number].conditions : []
            return
                "Then waits up to \(Wording.duration(within)) for a frame in which \(Wording.conditions(conditions)); without it, it connects again."
        }
    }

    // MARK: Subscribing

    private func subscribing(_ symbols: [Symbol]) -> [String] {
        var lines: [String] = []
        let named = symbols.compactMap { symbol in
            self.nativeSymbol(for: symbol).map { "\(symbol) as \($0)" }
        }
        if !named.isEmpty {
            let more = named.count > Self.shownMax ? [Wording.count(named.count - Self.shownMax, "other")] : []
            lines.append("The venue knows \(Wording.list(named.prefix(Self.shownMax) + more)).")
        }
        for (symbol, reason) in self.symbolsWithoutPlace(symbols) { lines.append("\(symbol) is left out: \(reason).") }
        guard case .webSocket(let plan) = self.transport else { return lines }
        if plan.hasSymbolsInAddress {
            lines.append("The address names the symbols: other symbols need a new connection.")
        }
        let drafts = self.subscribeDrafts(for: self.shards(of: symbols).first ?? [])
        var context = self.context
        let messages = drafts.enumerated().map { index, draft in
            context.counter = index + 1
            return draft.render(context)
        }
        if messages.isEmpty {
            lines.append("Sends nothing to subscribe.")
        } else {
            lines.append("Sends to subscribe:")
            lines += self.examples(messages)
            if self.document.subscribe?.mode == .replace {
                lines.append("Each such message replaces the subscription before it: a change sends the whole list.")
            }
            if self.document.unsubscribe == nil, self.document.subscribe?.mode != .replace, !plan.hasSymbolsInAddress {
                lines.append("There is no message to leave a symbol: taking one away needs a new connection.")
            }
        }
        var pace = "Sends at most \(Wording.count(self.limits.messagesPerSecond, "message")) a second"
        if let hourly = self.limits.messagesPerHour { pace += " and \(hourly) an hour" }
        lines.append(pace + ".")
        return lines
    }

    private func examples(_ texts: [String]) -> [String] {
        var lines = texts.prefix(Self.shownMax).map { "  " + $0 }
        if texts.count > Self.shownMax { lines.append("  and \(texts.count - Self.shownMax) more like these") }
        return lines
    }

    // MARK: Staying connected

    private var staying: [String] {
        guard case .webSocket = self.transport else {
            return ["After a failure it asks ever more rarely, and as the provider's Retry-After says."]
        }
        let connection = self.document.connection
        var lines: [String] = []
        if let keepAlive = connection.keepAlive {
            let interval =
                switch keepAlive.interval {
                case .fixed(let interval): Wording.duration(interval)
                case .captured(let name, _, let fallback): "{\(name)} (or \(Wording.duration(fallback)))"
                }
            let content =
                switch keepAlive.content {
                case .message(let message): message.render(self.context)
                case .ping: "a WebSocket ping"
                case .resubscribe: "the subscription once more"
                }
            let when = keepAlive.isOnlyWhenQuiet ? " when nothing has come for so long" : ""
            lines.append("Sends every \(interval)\(when): \(content)")
        }
        lines.append("Connects again when nothing at all has come for \(Wording.duration(self.idleTimeout)).")
        if let timeout = connection.dataTimeout {
            lines.append("Connects again when frames come but no tick has for \(Wording.duration(timeout)).")
        }
        if let age = connection.maximumAge {
            lines.append(
                "Changes over to a new connection after \(Wording.duration(age)), before the old one is closed.")
        }
        for rule in self.document.messages {
            guard case .fixed(.reconnect) = rule.body else { continue }
            lines.append("Connects again after a frame in which \(Wording.conditions(rule.conditions)).")
        }
        lines.append("Tries again after 0.25 s to 0.5 s, then twice as long each time, up to 30 s.")
        return lines
    }
}
