public import Market

extension FeedSession {
    /// The armed instant has come.
    public mutating func timerFired(at moment: Moment) -> [Action] {
        switch self.state {
        case .idle, .stopped: return []
        case .bootstrapping(_, let exchange, let deadline):
            guard moment.instant >= deadline else { return [.armTimer(at: deadline)] }
            // The answer, if it still comes, belongs to no request any more.
            self.requestCount += 1
            return self.wait(
                moment, wasStable: false,
                reason: "bootstrap: no answer from \(exchange.shownAddress) within \(self.settings.connectTimeout)")
        case .connecting(let deadline):
            guard moment.instant >= deadline else { return [.armTimer(at: deadline)] }
            self.capturesUntil = nil
            return self.close(
                moment, .wait(wasStable: false, reason: "no connection within \(self.settings.connectTimeout)"))
        case .opening(let connection, let step, let until):
            guard moment.instant >= until else { return [.armTimer(at: until)] }
            return self.stepDue(connection, step, moment)
        case .open(let connection): return self.openDue(connection, moment)
        case .closing(let deadline, let next):
            guard moment.instant >= deadline else { return [.armTimer(at: deadline)] }
            return self.closed(next, moment)
        case .waiting(let until), .failed(let until):
            guard moment.instant >= until else { return [.armTimer(at: until)] }
            return self.begin(moment)
        }
    }

    /// Other symbols are wanted on this connection.
    ///
    /// An open connection gets messages for the difference, or for the whole where the venue takes only that; where it has no
    /// message for leaving, or the address names the symbols, the connection is renewed. The decoder is the caller's to tell.
    public mutating func replaceSymbols(_ symbols: [Symbol], at moment: Moment) -> [Action] {
        let new = Set(symbols)
        let added = symbols.filter { self.symbolStates[$0] == nil }
        let removed = self.symbols.filter { !new.contains($0) }
        self.symbols = symbols
        guard !added.isEmpty || !removed.isEmpty else { return [] }
        for symbol in removed where self.symbolStates.removeValue(forKey: symbol) == .pending { self.pendingCount -= 1 }
        for symbol in added { self.symbolStates[symbol] = .pending }
        self.pendingCount += added.count
        let isInAddress = self.plan?.hasSymbolsInAddress ?? false
        let reason = "the list of symbols changed"
        switch self.state {
        case .open(let connection):
            if isInAddress { return [.symbolsChanged] + self.renew(connection, moment, reason: reason) }
            return [.symbolsChanged] + self.change(connection, added: added, removed: removed, moment, reason: reason)
        case .connecting, .opening:
            guard isInAddress else { return [.symbolsChanged] }
            return [.symbolsChanged] + self.close(moment, .wait(wasStable: false, reason: reason))
        case .idle, .bootstrapping, .closing, .waiting, .failed, .stopped: return [.symbolsChanged]
        }
    }

    private mutating func change(
        _ connection: FeedConnection, added: [Symbol], removed: [Symbol], _ moment: Moment, reason: String
    ) -> [Action] {
        var connection = connection
        if self.feed.document.subscribe?.mode == .replace {
            connection.queue.removeAll { outgoing in
                if case .subscription = outgoing { return true }
                return false
            }
            let isLeavingAll = self.symbols.isEmpty
            connection.enqueue(
                isLeavingAll
                    ? self.feed.unsubscribeDrafts(for: removed, channels: connection.channels)
                    : self.feed.subscribeDrafts(for: self.symbols))
        } else {
            if !removed.isEmpty, self.feed.document.unsubscribe == nil {
                return self.renew(connection, moment, reason: reason)
            }
            connection.enqueue(self.feed.unsubscribeDrafts(for: removed, channels: connection.channels))
            for symbol in removed { connection.channels[symbol] = nil }
            connection.enqueue(self.feed.subscribeDrafts(for: added))
        }
        return self.settle(connection, moment)
    }

    // MARK: Connecting

    /// Starts a try: with a bootstrap where the feed has one and what it gave does not serve any more.
    mutating func begin(_ moment: Moment) -> [Action] {
        guard self.plan != nil else { return [] }
        guard let bootstrap = self.settings.bootstrap, (self.capturesUntil.map { $0 <= moment.instant } ?? true) else {
            return self.connect(moment)
        }
        return [.report(.connecting)] + self.ask(BootstrapRun(plan: bootstrap), moment)
    }

    mutating func ask(_ run: BootstrapRun, _ moment: Moment) -> [Action] {
        let exchange = run.request(self.context(moment))
        let deadline = moment.instant + self.settings.connectTimeout
        self.requestCount += 1
        self.state = .bootstrapping(run, exchange: exchange, deadline: deadline)
        return [.request(exchange, id: self.requestCount), .armTimer(at: deadline)]
    }

    mutating func connect(_ moment: Moment) -> [Action] {
        guard let plan = self.plan else { return [] }
        let context = self.context(moment)
        let url = plan.url(for: self.symbols, context)
        guard url.hasPrefix("ws://") || url.hasPrefix("wss://") else {
            self.capturesUntil = nil
            return self.wait(
                moment, wasStable: false,
                reason: "the bootstrap gave no WebSocket address: it must start with ws:// or wss://")
        }
        var headers = plan.headerTemplates.map { $0.render(context) }
        if let cookie = self.cookies.header(for: url) { headers.append(cookie) }
        let deadline = moment.instant + self.settings.connectTimeout
        // Captures that were asked for a moment ago have already told that we are connecting.
        let isTold = if case .bootstrapping = self.state { true } else { false }
        self.state = .connecting(deadline: deadline)
        return (isTold ? [] : [.report(.connecting)]) + [.connect(url: url, headers: headers), .armTimer(at: deadline)]
    }

    func context(_ moment: Moment) -> RenderContext {
        var context = RenderContext(now: moment.time, random: moment.random, environment: self.feed.environment)
        context.captures = self.captures
        return context
    }

    // MARK: onOpen

    /// Goes through the steps of `onOpen` from one on, as far as they need no waiting, and then subscribes.
    mutating func proceed(_ connection: FeedConnection, from first: Int, _ moment: Moment) -> [Action] {
        var connection = connection
        var actions: [Action] = []
        let steps = self.settings.opening
        for index in steps.indices.dropFirst(first) {
            let until: ContinuousClock.Instant
            switch steps[index] {
            case .send(let message):
                let permit = connection.pace.permit(isCounted: true)
                if permit <= moment.instant {
                    connection.pace.take(isCounted: true, now: moment.instant)
                    connection.counter += 1
                    var context = self.context(moment)
                    context.counter = connection.counter
                    actions.append(.send(message.render(context)))
                    continue
                }
                until = permit
            case .expect(let number, let within):
                if self.metExpectations.contains(number) { continue }
                until = moment.instant + within
            case .sleep(let pause): until = moment.instant + pause
            }
            self.state = .opening(connection, step: index, until: until)
            return actions + [.armTimer(at: until)]
        }
        return actions + self.subscribe(connection, moment)
    }

    /// The time of a step of `onOpen` is over.
    private mutating func stepDue(_ connection: FeedConnection, _ step: Int, _ moment: Moment) -> [Action] {
        switch self.settings.opening[step] {
        case .send: return self.proceed(connection, from: step, moment)
        case .sleep: return self.proceed(connection, from: step + 1, moment)
        case .expect(let number, let within):
            self.capturesUntil = nil
            let said = connection.lastError.map { "; the venue said: \($0)" } ?? ""
            let reason = "no frame within \(within) meets expectation \(number + 1) of onOpen\(said)"
            return self.close(moment, .wait(wasStable: false, reason: reason))
        }
    }

    private mutating func subscribe(_ connection: FeedConnection, _ moment: Moment) -> [Action] {
        var connection = connection
        connection.enqueue(self.feed.subscribeDrafts(for: self.symbols))
        if let keepAlive = self.settings.keepAlive {
            connection.nextKeepAlive = moment.instant + keepAlive.interval(captures: self.captures)
        }
        return self.settle(connection, moment)
    }

    // MARK: Open

    /// What is due on an open connection.
    private mutating func openDue(_ connection: FeedConnection, _ moment: Moment) -> [Action] {
        let now = moment.instant
        if now >= connection.lastFrame + self.feed.idleTimeout {
            return self.lost(connection, moment, reason: "silent for \(self.feed.idleTimeout)")
        }
        if let limit = self.settings.dataTimeout, let mute = self.muteDeadline(connection), now >= mute {
            return self.lost(connection, moment, reason: "connected but mute: no tick for \(limit)")
        }
        if let deadline = connection.successorDeadline {
            if now >= deadline { return self.handOver(isOpen: true) }
        } else if let age = self.settings.maximumAge, now >= connection.openedAt + age {
            return self.renew(connection, moment, reason: "open for \(age), the longest this venue allows")
        }
        var connection = connection
        let keepAlive = self.keepAlive(&connection, now: now)
        return keepAlive + self.settle(connection, moment)
    }

    /// A connection that has gone dead; a successor, if there is one, is on its own.
    private mutating func lost(_ connection: FeedConnection, _ moment: Moment, reason: String) -> [Action] {
        guard connection.successorDeadline == nil else { return self.handOver(isOpen: true) }
        return [.report(.stalled(reason: reason))] + self.disconnect(connection, moment, reason: reason)
    }

    private func keepAlive(_ connection: inout FeedConnection, now: ContinuousClock.Instant) -> [Action] {
        guard let keepAlive = self.settings.keepAlive, let due = connection.nextKeepAlive, now >= due else { return [] }
        let interval = keepAlive.interval(captures: self.captures)
        if keepAlive.isOnlyWhenQuiet, now < connection.lastFrame + interval {
            connection.nextKeepAlive = connection.lastFrame + interval
            return []
        }
        connection.nextKeepAlive = now + interval
        // Put last in the queue, it goes first: a long subscription must not keep it waiting.
        switch keepAlive.content {
        case .ping: return [.sendPing]
        case .message(let message): connection.queue.append(.keepAlive(message))
        case .resubscribe:
            let drafts = self.feed.subscribeDrafts(for: self.symbols)
            // What still waits to be sent need not be sent again.
            if connection.queue.isEmpty {
                connection.queue += drafts.reversed().map(FeedConnection.Outgoing.subscription)
            }
        }
        return []
    }

    /// Sends what may go out, sees whether the connection is established, and sets the timer.
    mutating func settle(_ connection: FeedConnection, _ moment: Moment) -> [Action] {
        var connection = connection
        var context = self.context(moment)
        var actions = connection.sendDue(now: moment.instant) { outgoing, counter in
            context.counter = counter
            switch outgoing {
            case .subscription(let draft): return draft.render(context)
            case .keepAlive(let message): return message.render(context)
            }
        }.map(Action.send)
        if !connection.isEstablished, connection.isLive, let subscribedAt = connection.subscribedAt,
            !self.isAwaitingSymbols || moment.instant >= subscribedAt + Self.settleTime
        {
            connection.isEstablished = true
            actions.append(.established)
        }
        self.state = .open(connection)
        return actions + [.armTimer(at: self.nextTimer(connection))]
    }

    private func nextTimer(_ connection: FeedConnection) -> ContinuousClock.Instant {
        var next = connection.lastFrame + self.feed.idleTimeout
        if let send = connection.nextSend { next = min(next, send) }
        if let keepAlive = connection.nextKeepAlive { next = min(next, keepAlive) }
        if let mute = self.muteDeadline(connection) { next = min(next, mute) }
        if let deadline = connection.successorDeadline {
            next = min(next, deadline)
        } else if let age = self.settings.maximumAge {
            next = min(next, connection.openedAt + age)
        }
        if !connection.isEstablished, connection.isLive, let subscribedAt = connection.subscribedAt {
            next = min(next, subscribedAt + Self.settleTime)
        }
        return next
    }

    /// When a connection without ticks counts as mute; `nil` while there is nothing to be heard.
    private func muteDeadline(_ connection: FeedConnection) -> ContinuousClock.Instant? {
        guard let limit = self.settings.dataTimeout, connection.subscribedAt != nil, !self.symbols.isEmpty else {
            return nil
        }
        return connection.lastTick + limit
    }
}
