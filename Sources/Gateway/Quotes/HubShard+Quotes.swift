import Channels
import NIOCore

/// Derived market channels: made on each event loop for its own subscribers, out of the events that pass there anyway.
extension HubShard {
    // MARK: Subscribers

    /// Sets up what a channel is derived from, if it is a derived one; call when somebody has joined it.
    func prepareQuotes(_ number: Int32, _ name: ChannelName) {
        guard self.channels.channels[Int(number)].derived == nil, let quote = QuoteChannel(name.text) else { return }
        let key = self.channels.channels[Int(number)].key
        let derived: DerivedChannel
        switch quote {
        case .ticker(let base, let interval, let isDelta):
            let source = self.source(self.channels.findOrMake(ChannelKey(app: key.app, name: base)))
            derived = DerivedChannel(
                channel: number, key: key, interval: interval, content: .ticker(TickerQuotes(isDelta: isDelta), source))
            source.derived.append(derived)
        case .market(let interval):
            derived = DerivedChannel(
                channel: number, key: key, interval: interval, content: .market(MarketQuotes(), []))
            self.quotes.markets.append(derived)
            self.listKnownTickers(on: derived)
        }
        self.channels.setDerived(number, derived)
    }

    /// Takes in what other nodes have said about tickers, and sends it to those who wait for it.
    func sendMarketSnapshots(_ app: Int32) {
        for derived in self.quotes.markets where derived.key.app == app {
            self.listKnownTickers(on: derived)
            for slot in self.channels.channels[Int(derived.channel)].members {
                _ = self.sendQuoteSnapshot(slot, derived.channel)
            }
        }
    }

    /// Lists every ticker that has a state and is not listed yet.
    private func listKnownTickers(on derived: DerivedChannel) {
        for (key, ticker) in self.channels.index
        where key.app == derived.key.app && QuoteChannel.source(key.name) == .primary {
            if self.channels.channels[Int(ticker)].snapshot.isEmpty { continue }
            let source = self.source(ticker)
            if source.markets.contains(where: { $0.channel === derived }) { continue }
            self.list(source, on: derived, isKnown: true)
        }
    }

    /// Sends the state that everybody on a derived channel has to somebody who joins.
    ///
    /// - Returns: `false` when the channel is not a derived one.
    func sendQuoteSnapshot(_ slot: Int32, _ number: Int32) -> Bool {
        guard let derived = self.channels.channels[Int(number)].derived else { return false }
        switch derived.content {
        case .ticker(var quotes, let source):
            derived.content = .ended  // Gives up the second reference.
            let snapshot = quotes.joined(newest: source.newest)
            derived.content = .ticker(quotes, source)
            if !snapshot.isEmpty { self.send(slot, name: "snapshot", derived.key.name, snapshot) }
        case .market(let quotes, _):
            for part in quotes.snapshot() { self.send(slot, name: "snapshot", derived.key.name, part) }
        case .ended: break
        }
        return true
    }

    /// Ends derived channels that nobody is on any more.
    func cleanQuotes() {
        let vacated = self.channels.takeVacated()
        for number in vacated {
            guard self.channels.channels[Int(number)].members.isEmpty,
                let derived = self.channels.channels[Int(number)].derived
            else { continue }
            switch derived.content {
            case .ticker(_, let source):
                source.derived.removeAll { $0 === derived }
                self.release(source)
            case .market(_, let sources):
                self.quotes.markets.removeAll { $0 === derived }
                for source in sources {
                    source.markets.removeAll { $0.channel === derived }
                    self.release(source)
                }
            case .ended: break
            }
            derived.content = .ended
            self.channels.setDerived(number, nil)
        }
    }

    private func source(_ number: Int32) -> QuoteSource {
        if let source = self.channels.channels[Int(number)].source { return source }
        let source = QuoteSource(channel: number, newest: self.channels.channels[Int(number)].snapshot)
        self.channels.setSource(number, source)
        return source
    }

    private func release(_ source: QuoteSource) {
        if source.isIdle { self.channels.setSource(source.channel, nil) }
    }

    /// Takes a ticker in among those of a market.
    private func list(_ source: QuoteSource, on derived: DerivedChannel, isKnown: Bool) {
        guard case .market(var quotes, var sources) = derived.content else { return }
        derived.content = .ended  // Gives up the second reference.
        let symbol = quotes.add(newest: isKnown ? source.newest : [])
        sources.append(source)
        derived.content = .market(quotes, sources)
        source.markets.append((derived, symbol))
    }

    // MARK: Events

    /// Gives an event of a ticker to the channels that are made of it.
    func derive(_ entry: EventBatch.Entry, _ bytes: UnsafeRawBufferPointer, _ number: Int32) {
        if entry.source == .primary, !self.quotes.markets.isEmpty { self.listOnMarkets(number) }
        guard let source = self.channels.channels[Int(number)].source else { return }
        let isTick = entry.conflation == .tick
        if isTick || entry.name == "snapshot" {
            source.newest.removeAll(keepingCapacity: true)
            source.newest.append(contentsOf: bytes[entry.data])
            let weight = isTick ? TickText.escaped.weight(UnsafeRawBufferPointer(rebasing: bytes[entry.data])) : 0
            for derived in source.derived { self.ticked(derived, weight: weight) }
            for (market, symbol) in source.markets { self.ticked(market, symbol: symbol, weight: weight) }
        } else if entry.name == "stale" || entry.name == "gap" || entry.name == "halt" {
            let data = UnsafeRawBufferPointer(rebasing: bytes[entry.data])
            for derived in source.derived { self.passOn(entry.name, data, to: derived) }
            for (market, _) in source.markets { self.passOn(entry.name, data, to: market) }
        }
    }

    /// Sends what became due within a batch, so that the newest of its ticks goes.
    func sendListedQuotes() {
        let listed = self.quotes.listed
        self.quotes.listed.removeAll(keepingCapacity: true)
        for derived in listed {
            derived.isListed = false
            self.sendFrames(of: derived)
        }
    }

    private func listOnMarkets(_ number: Int32) {
        let app = self.channels.channels[Int(number)].key.app
        for market in self.quotes.markets where market.key.app == app {
            let source = self.source(number)
            if source.markets.contains(where: { $0.channel === market }) { continue }
            self.list(source, on: market, isKnown: false)
        }
    }

    private func ticked(_ derived: DerivedChannel, weight: Int) {
        guard case .ticker(var quotes, let source) = derived.content else { return }
        derived.content = .ended  // Gives up the second reference.
        if weight == 0 { quotes.replaced() } else { quotes.ticked(weight: weight) }
        derived.content = .ticker(quotes, source)
        if derived.interval == nil { self.sendFrames(of: derived) } else { self.list(derived) }
    }

    private func ticked(_ derived: DerivedChannel, symbol: Int32, weight: Int) {
        guard case .market(var quotes, let sources) = derived.content else { return }
        derived.content = .ended  // Gives up the second reference.
        quotes.ticked(symbol, weight: weight)
        derived.content = .market(quotes, sources)
        self.list(derived)
    }

    /// A channel that has been silent for its interval sends at once; another one when that has passed.
    private func list(_ derived: DerivedChannel) {
        guard !derived.isWaiting, !derived.isListed else { return }
        derived.isListed = true
        self.quotes.listed.append(derived)
    }

    /// What a price is worth is told at once; the ticks before it go first.
    private func passOn(_ name: String, _ data: UnsafeRawBufferPointer, to derived: DerivedChannel) {
        if derived.hasFrames { self.sendFrames(of: derived) }
        self.deliver(name: name, data: data, to: derived, .none)
    }

    // MARK: Frames

    private func sendFrames(of derived: DerivedChannel) {
        switch derived.content {
        case .ticker(var quotes, let source):
            derived.content = .ended  // Gives up the second reference.
            let frame = quotes.frame(newest: source.newest)
            derived.content = .ticker(quotes, source)
            guard let frame else { return }
            derived.stateWeight = frame.merged
            let conflation: Conflation = quotes.isDelta ? .state : .tick
            frame.data.withUnsafeBytes { self.deliver(name: frame.name, data: $0, to: derived, conflation) }
        case .market(var quotes, let sources):
            derived.content = .ended  // Gives up the second reference.
            let frames = quotes.frames { sources[Int($0)].newest }
            derived.content = .market(quotes, sources)
            for frame in frames {
                derived.marketWeights = frame.merged
                frame.data.withUnsafeBytes { self.deliver(name: "market", data: $0, to: derived, .market) }
            }
            derived.marketWeights = [:]
        case .ended: return
        }
        guard let interval = derived.interval, !derived.isWaiting else { return }
        self.quotes.wait(derived, interval, now: self.eventLoop.now)
        self.setQuoteTimer(interval)
    }

    private func deliver(
        name: String, data: UnsafeRawBufferPointer, to derived: DerivedChannel, _ conflation: Conflation
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + 128)
        let (frame, inner) = Self.encode(name, derived.key.name, data, into: &bytes)
        bytes.withUnsafeBytes { bytes in
            self.fanOut(derived.channel, UnsafeRawBufferPointer(rebasing: bytes[frame]), data: inner, conflation)
        }
        self.scheduleDrain()
    }

    /// Appends one event's frame; the data's place is counted from the frame's start.
    static func encode(
        _ name: String, _ channel: String, _ data: UnsafeRawBufferPointer, into bytes: inout [UInt8]
    ) -> (frame: Range<Int>, data: Range<Int>) {
        let (frame, inner) = WebSocketHeader.appendTextFrame(to: &bytes) { output in
            ServerFrame.writeEvent(
                name: name, channel: channel, escapedData: data.bindMemory(to: UInt8.self), to: &output)
        }
        return (frame, inner.lowerBound - frame.lowerBound..<inner.upperBound - frame.lowerBound)
    }

    /// Sends an event to one connection; compressed where that is wanted and `isPackable`.
    func send(_ slot: Int32, name: String, _ channel: String, _ data: [UInt8], isPackable: Bool = false) {
        var bytes: [UInt8] = []
        let (frame, _) = data.withUnsafeBytes { Self.encode(name, channel, $0, into: &bytes) }
        bytes.withUnsafeBytes {
            let frame = UnsafeRawBufferPointer(rebasing: $0[frame])
            if isPackable { self.sendPacked(slot, frame) } else { self.send(slot, frame) }
        }
    }

    // MARK: Time

    private func setQuoteTimer(_ interval: QuoteInterval) {
        guard let due = self.quotes.timerToSet(interval) else { return }
        self.eventLoop.scheduleTask(deadline: due) { [weak self] in self?.quoteTimerFired(interval) }
    }

    private func quoteTimerFired(_ interval: QuoteInterval) {
        self.quotes.timerFired(interval)
        self.cleanQuotes()
        let now = self.eventLoop.now
        while let derived = self.quotes.popFirst(interval, now: now) {
            derived.isWaiting = false
            if derived.hasFrames, !derived.isListed { self.sendFrames(of: derived) }
        }
        self.setQuoteTimer(interval)
    }
}
