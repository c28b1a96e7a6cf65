public import Market

extension FeedSession {
    /// A frame was decoded.
    ///
    /// - Parameters:
    ///   - outcome: What became of it.
    ///   - sequence: Its number, where the feed's frames are numbered.
    ///   - moment: When it came.
    /// - Returns: What to do, in order.
    public mutating func received(
        _ outcome: FrameOutcome, sequence: Int64? = nil, at moment: Moment
    ) -> [Action] {
        switch self.state {
        case .open(var connection):
            connection.lastFrame = moment.instant
            let gap = sequence.flatMap { connection.note(sequence: $0) }
            let isRoutine: Bool
            switch outcome {
            case .ticks:
                connection.lastTick = moment.instant
                isRoutine = true
            case .ignored, .unmatched, .malformed, .control: isRoutine = true
            case .reply, .acknowledged, .registered, .providerError, .fatal, .reconnect: isRoutine = false
            }
            let wakes = !connection.isLive && outcome.showsLife
            guard !isRoutine || wakes || gap != nil else {
                self.state = .open(connection)
                return []
            }
            let gaps = gap.map { [Action.gap(from: $0.from, to: $0.to)] } ?? []
            return gaps + self.took(outcome, connection, moment)
        case .opening(var connection, let step, let until):
            connection.lastFrame = moment.instant
            if let sequence { _ = connection.note(sequence: sequence) }
            return self.took(outcome, connection, step: step, until: until, moment)
        case .idle, .bootstrapping, .connecting, .closing, .waiting, .failed, .stopped:
            return []
        }
    }

    /// A ping or pong came: the socket is alive, whatever the market does.
    public mutating func heard(at moment: Moment) {
        switch self.state {
        case .open(var connection):
            connection.lastFrame = moment.instant
            self.state = .open(connection)
        case .idle, .bootstrapping, .connecting, .opening, .closing, .waiting, .failed, .stopped: break
        }
    }

    /// A frame met an expectation of `onOpen`: see ``expectation``.
    public mutating func expectationMet(_ number: Int, at moment: Moment) -> [Action] {
        switch self.state {
        case .opening(let connection, let step, _):
            self.metExpectations.insert(number)
            guard case .expect(number, _) = self.settings.opening[step] else { return [] }
            return self.proceed(connection, from: step + 1, moment)
        case .idle, .bootstrapping, .connecting, .open, .closing, .waiting, .failed, .stopped: return []
        }
    }

    /// Ticks of these symbols came: they are subscribed, whatever the venue says about it.
    ///
    /// Worth calling only while ``isAwaitingSymbols``.
    public mutating func ticked(_ symbols: some Sequence<Symbol>) -> [Action] {
        switch self.state {
        case .open: return self.mark(symbols.map { ($0, .subscribed) }, onlyPending: true)
        case .idle, .bootstrapping, .connecting, .opening, .closing, .waiting, .failed, .stopped: return []
        }
    }

    // MARK: What frames mean

    /// A frame that asks for something, or the first that shows life.
    private mutating func took(
        _ outcome: FrameOutcome, _ connection: FeedConnection, _ moment: Moment
    ) -> [Action] {
        var connection = connection
        var actions: [Action] = []
        if !connection.isLive, outcome.showsLife {
            connection.isLive = true
            actions.append(.report(.live))
        }
        switch outcome {
        case .ticks, .control, .ignored, .unmatched, .malformed: break
        case .reply(let text): actions.append(.send(text))
        case .acknowledged(let acknowledgement):
            actions += self.mark(self.states(acknowledgement, waiting: connection.queuedNames), onlyPending: false)
        case .registered(let channel): actions += self.register(channel, &connection)
        case .providerError(let error):
            if let symbol = error.symbol {
                actions += self.mark([(symbol, .refused(error.message))], onlyPending: false)
            }
            if let pause = error.retryAfter { connection.pace.pause(until: moment.instant + pause) }
        case .fatal(let message):
            return actions + self.close(moment, .fail(wasStable: Self.isStable(connection, moment), reason: message))
        case .reconnect:
            return actions + self.renew(connection, moment, reason: "the venue asked for a new connection")
        }
        return actions + self.settle(connection, moment)
    }

    /// A frame during `onOpen`.
    private mutating func took(
        _ outcome: FrameOutcome, _ connection: FeedConnection, step: Int, until: ContinuousClock.Instant,
        _ moment: Moment
    ) -> [Action] {
        var connection = connection
        var actions: [Action] = []
        switch outcome {
        case .ticks, .control, .ignored, .unmatched, .malformed, .acknowledged: break
        case .reply(let text): actions.append(.send(text))
        case .registered(let channel): actions += self.register(channel, &connection)
        case .providerError(let error): connection.lastError = error.message
        case .fatal(let message): return self.close(moment, .fail(wasStable: false, reason: message))
        case .reconnect:
            return self.close(
                moment, .wait(wasStable: false, reason: "the venue asked for a new connection"))
        }
        self.state = .opening(connection, step: step, until: until)
        return actions
    }

    private mutating func register(_ channel: RegisteredChannel, _ connection: inout FeedConnection) -> [Action] {
        guard let symbol = channel.symbol else { return [] }
        if connection.channels[symbol]?.contains(channel.id) != true {
            connection.channels[symbol, default: []].append(channel.id)
        }
        if self.symbolStates[symbol] == nil {
            // It was left before its id was known.
            connection.enqueue(self.feed.unsubscribeDrafts(for: [symbol], channels: [symbol: [channel.id]]))
            return []
        }
        return self.mark([(symbol, .subscribed)], onlyPending: false)
    }

    private func states(
        _ acknowledgement: Acknowledgement, waiting: Set<String>
    ) -> [(Symbol, SymbolState)] {
        var states: [(Symbol, SymbolState)] = acknowledgement.symbols.map { ($0, .subscribed) }
        for failure in acknowledgement.failed {
            let reason = failure.reason.isEmpty ? "the venue refuses '\(failure.native)'" : failure.reason
            let symbol = failure.symbol ?? self.symbols.first { self.feed.nativeSymbol(for: $0) == failure.native }
            if let symbol { states.append((symbol, .refused(reason))) }
        }
        guard acknowledgement.isAll else { return states }
        let named = Set(states.map(\.0))
        for symbol in self.symbols where self.symbolStates[symbol] == .pending && !named.contains(symbol) {
            guard let native = self.feed.nativeSymbol(for: symbol), !waiting.contains(native) else { continue }
            states.append((symbol, .subscribed))
        }
        return states
    }

    /// Notes what is known of symbols; those that the connection does not carry are passed over.
    mutating func mark(_ states: [(Symbol, SymbolState)], onlyPending: Bool) -> [Action] {
        var isChanged = false
        for (symbol, state) in states {
            guard let known = self.symbolStates[symbol], known != state, !onlyPending || known == .pending else {
                continue
            }
            self.symbolStates[symbol] = state
            if known == .pending { self.pendingCount -= 1 }
            isChanged = true
        }
        return isChanged ? [.symbolsChanged] : []
    }

    /// Forgets what was known of all symbols: a connection has just opened.
    mutating func resetSymbols() -> [Action] {
        let before = self.symbolStates
        self.symbolStates = Dictionary(self.symbols.map { ($0, .pending) }, uniquingKeysWith: { $1 })
        self.pendingCount = self.symbolStates.count
        return self.symbolStates == before ? [] : [.symbolsChanged]
    }
}

extension FrameOutcome {
    /// Whether it shows that the venue takes us seriously.
    fileprivate var showsLife: Bool {
        switch self {
        case .ticks, .control, .reply, .acknowledged, .registered: true
        case .ignored, .unmatched, .malformed, .providerError, .fatal, .reconnect: false
        }
    }
}
