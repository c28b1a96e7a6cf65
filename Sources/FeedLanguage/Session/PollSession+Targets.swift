import Market

/// Which request comes next, and what becomes of one that is refused.
extension PollSession {
    /// Asked so often, every symbol gets its turn within the budget.
    var interval: Duration {
        let requests = self.targets.reduce(0) { $0 + $1.pages }
        return self.plan.budget.interval(
            requests: max(1, requests), every: self.plan.interval, openShare: self.plan.hours?.openShare ?? 1
        )
    }

    private var inFlight: Int { self.targets.count { $0.isAsking } }

    private var inFlightLimit: Int {
        // After a failure one request tries how things are. A provider's own count is known only after each answer.
        self.pause.kind != nil || self.plan.budget.weight != nil ? 1 : Self.inFlightMax
    }

    private func isOpen(_ now: Moment) -> Bool { self.plan.hours?.isOpen(now.time) ?? true }

    /// When a target may be asked, as far as its own turn goes; `nil` while it is on its way.
    private func turn(_ target: PollTarget, now: Moment) -> ContinuousClock.Instant? {
        switch target.state {
        case .asking: nil
        case .paging: now.instant
        case .idle:
            if target.isFragment {
                max(target.due, self.lastAsked.map { $0 + Self.fragmentSpacing } ?? target.due)
            } else {
                target.isNew ? target.due : max(target.due, self.nextRound ?? target.due)
            }
        }
    }

    /// The target to ask now: pages of a round that has begun, then the longest due.
    func nextTarget(now: Moment) -> Int? {
        guard self.inFlight < self.inFlightLimit, self.isOpen(now), self.pause.until ?? now.instant <= now.instant,
            self.budget.nextPermit(now: now.instant) <= now.instant
        else { return nil }
        var best: Int?
        for (index, target) in self.targets.enumerated() {
            guard let turn = self.turn(target, now: now), turn <= now.instant else { continue }
            if target.nextPage != nil { return index }
            if let known = best, self.targets[known].due <= target.due { continue }
            best = index
        }
        return best
    }

    /// When to look again; `nil` while an answer is waited for, or nothing is wanted.
    func nextWake(now: Moment) -> ContinuousClock.Instant? {
        guard self.inFlight < self.inFlightLimit,
            let turn = self.targets.compactMap({ self.turn($0, now: now) }).min()
        else { return nil }
        var wake = max(turn, self.budget.nextPermit(now: now.instant))
        if let until = self.pause.until { wake = max(wake, until) }
        guard let hours = self.plan.hours, !hours.isOpen(now.time) else { return wake }
        // The wall clock may be set: it is looked at again before long.
        return max(wake, now.instant + min(hours.untilOpening(now.time), Self.closedCheck))
    }

    // MARK: Outcomes

    /// The round is over and well.
    mutating func succeeded(_ index: Int, pages: Int) {
        self.repeats.finish(self.targets[index].id)
        self.hasAnswer = true
        self.targets[index].state = .idle
        self.targets[index].isNew = false
        self.targets[index].hasSucceeded = true
        self.targets[index].failures = 0
        self.targets[index].problem = nil
        self.targets[index].pages = pages
        self.joinFragments()
    }

    /// The round failed for a reason that concerns the whole feed.
    mutating func hold(
        _ index: Int, _ kind: FeedPause.Kind, reason: String, retryAfter: Duration?, epoch: Int, now: Moment,
        random: UInt64
    ) {
        self.lastError = reason
        self.targets[index].state = .idle
        // It was not answered: it stays the longest due, but a pause is no reason to hurry afterwards.
        self.targets[index].due = now.instant
        self.targets[index].isNew = false
        let base = min(max(self.plan.interval, .seconds(1)), .seconds(30))
        self.pause.fail(
            kind, reason: reason, retryAfter: retryAfter, sentIn: epoch, base: base, now: now.instant, random: random
        )
    }

    /// The provider does not like this request: others go on.
    mutating func refuse(_ index: Int, reason: String, symbol: Symbol?, now: Moment) {
        self.lastError = reason
        var target = self.targets[index]
        target.state = .idle
        target.isNew = false
        target.failures += 1
        target.problem = reason
        target.forgetAnswers()
        if target.symbols.count > 1, self.plan.request.mentionsSymbols {
            if let symbol, target.symbols.contains(symbol) {
                return self.split(index, [target.symbols.filter { $0 != symbol }, [symbol]], now: now)
            }
            // One unknown symbol makes some providers refuse the whole request: halves find out which. What has been
            // answered before is not taken apart for a single mishap.
            if !target.hasSucceeded || target.failures >= 3 {
                let middle = target.symbols.count / 2
                return self.split(
                    index, [Array(target.symbols[..<middle]), Array(target.symbols[middle...])], now: now
                )
            }
        }
        let factor = 1 << min(target.failures, 12)
        target.due = now.instant + max(self.interval, min(self.interval * factor, Self.refusalMax))
        self.targets[index] = target
        self.joinFragments()
    }

    private mutating func split(_ index: Int, _ parts: [[Symbol]], now: Moment) {
        self.repeats.forget(self.targets[index].id)
        let fragments = parts.map { symbols in
            var target = self.makeTarget(symbols, due: now.instant)
            target.isFragment = true
            return target
        }
        self.targets.replaceSubrange(index...index, with: fragments)
    }

    /// Puts the good parts of refused requests together again, once it is known which are good.
    private mutating func joinFragments() {
        let fragments = self.targets.filter(\.isFragment)
        guard fragments.count > 1, fragments.allSatisfy({ $0.isIdle && ($0.hasSucceeded || $0.problem != nil) })
        else { return }
        let good = fragments.filter { $0.problem == nil }
        for index in self.targets.indices where self.targets[index].problem != nil {
            self.targets[index].isFragment = false
        }
        let batches = self.plan.batches(of: good.flatMap(\.symbols))
        if batches.count < good.count, let due = good.map(\.due).min() {
            for target in good { self.repeats.forget(target.id) }
            self.targets.removeAll { $0.isFragment }
            for symbols in batches {
                var target = self.makeTarget(symbols, due: due)
                target.isNew = false
                target.hasSucceeded = true
                self.targets.append(target)
            }
        } else {
            for index in self.targets.indices { self.targets[index].isFragment = false }
        }
    }

    // MARK: Symbols

    private mutating func makeTarget(_ symbols: [Symbol], due: ContinuousClock.Instant) -> PollTarget {
        self.lastTargetID += 1
        return PollTarget(id: self.lastTargetID, symbols: symbols, due: due)
    }

    /// Begins anew with what is wanted.
    mutating func makeTargets(now: Moment) {
        self.targets = []
        self.repeats = RepeatFilter()
        self.nextRound = nil
        for symbols in self.plan.batches(of: self.plan.spelled(self.wanted)) {
            let target = self.makeTarget(symbols, due: now.instant)
            self.targets.append(target)
        }
    }

    /// Changes as few requests as possible.
    mutating func changeTargets(now: Moment) {
        let spelled = self.plan.spelled(self.wanted)
        let kept = Set(spelled)
        for index in self.targets.indices {
            let symbols = self.targets[index].symbols.filter(kept.contains)
            guard symbols.count < self.targets[index].symbols.count else { continue }
            self.targets[index].symbols = symbols
            self.targets[index].forgetAnswers()
        }
        for target in self.targets where target.symbols.isEmpty { self.repeats.forget(target.id) }
        self.targets.removeAll { $0.symbols.isEmpty }
        let known = Set(self.targets.flatMap(\.symbols))
        var added = spelled.filter { !known.contains($0) }[...]
        for index in self.targets.indices where self.targets[index].isIdle && self.targets[index].problem == nil {
            let room = self.plan.batchMax - self.targets[index].symbols.count
            guard room > 0, !added.isEmpty else { continue }
            self.targets[index].symbols += added.prefix(room)
            self.targets[index].forgetAnswers()
            self.targets[index].due = now.instant
            self.targets[index].isNew = true
            added = added.dropFirst(room)
        }
        for symbols in self.plan.batches(of: Array(added)) {
            let target = self.makeTarget(symbols, due: now.instant)
            self.targets.append(target)
        }
    }

    // MARK: What people see

    /// The state in a word.
    func status(now: Moment) -> PollStatus {
        switch self.state {
        case .stopped: return .stopped
        case .idle: return .idle
        case .running: break
        }
        if self.targets.isEmpty { return .idle }
        if let kind = self.pause.kind {
            let until = self.pause.until ?? now.instant
            switch kind {
            case .denied: return .failed(reason: self.pause.reason, retryAt: until)
            case .busy, .failing: return .waiting(reason: self.pause.reason, until: until)
            }
        }
        if !self.isOpen(now) { return .closed }
        let permit = self.budget.nextPermit(now: now.instant)
        if permit > now.instant + Self.unremarkable,
            let turn = self.targets.compactMap({ self.turn($0, now: now) }).min(), turn < permit
        {
            return .exhausted(until: permit)
        }
        return self.hasAnswer ? .live : .starting
    }

    /// The whole state, for those who watch the feed.
    public func summary(now: Moment) -> PollState {
        var refused: [Symbol: String] = [:]
        for target in self.targets {
            guard let problem = target.problem else { continue }
            for symbol in target.symbols { refused[symbol] = problem }
        }
        for symbol in self.wanted where self.plan.rules.native(for: symbol) == nil {
            refused[symbol] = "the feed file has no spelling for it: add it to the table under 'symbols'"
        }
        return PollState(
            status: self.status(now: now),
            budget: self.budget.left(now: now.instant).map {
                PollState.Budget(window: $0.window.name, limit: $0.window.limit, left: $0.left)
            },
            weightUsed: self.budget.weightUsed, nextRequest: self.nextWake(now: now), interval: self.interval,
            lastError: self.lastError, refused: refused
        )
    }
}
