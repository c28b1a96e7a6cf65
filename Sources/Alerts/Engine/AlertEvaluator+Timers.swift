import Market

/// What becomes due without a tick: silences, confirmations by time, expiries.
extension AlertEvaluator {
    mutating func addTimer(_ symbol: Int, due: Int64, _ kind: AlertTimers.Kind, id: Int64, slot: Int32) {
        self.symbols[symbol].timers.insert(AlertTimers.Entry(due: due, id: id, slot: slot, kind: kind))
        self.announce(symbol)
    }

    /// Has the evaluator's own heap know when a symbol has something to do.
    mutating func announce(_ symbol: Int) {
        let due = self.symbols[symbol].nextDue
        guard due < self.symbols[symbol].announcedDue else { return }
        self.symbols[symbol].announcedDue = due
        self.deadlines.insert(
            AlertTimers.Entry(
                due: due, id: Int64(symbol), slot: Int32(truncatingIfNeeded: symbol), kind: .symbol))
    }

    mutating func runTimers(of symbol: Int, through now: Int64, into fired: inout [FiredAlert]) {
        while let entry = self.symbols[symbol].timers.take(through: now) {
            switch entry.kind {
            case .expiry: self.expire(entry)
            case .confirmation: self.confirm(entry, into: &fired)
            case .armedSilence: self.endArmedSilence(entry, into: &fired)
            case .silence: self.endSilence(entry, into: &fired)
            case .symbol: preconditionFailure("symbol \(symbol) has a timer for a symbol")
            }
        }
    }

    /// Firings of timers, by the time at which they were due.
    static func sortByTime(_ fired: inout [FiredAlert], from start: Int) {
        guard fired.count > start + 1 else { return }
        fired[start...].sort { ($0.firedAt, $0.alert.id) < ($1.firedAt, $1.alert.id) }
    }

    // MARK: Expiry

    private mutating func expire(_ entry: AlertTimers.Entry) {
        guard let slot = self.slots[Int(entry.slot)], slot.id == entry.id,
            self.options[slot.options].until?.nanoseconds == entry.due
        else { return }
        self.expired.append(slot.id)
        self.remove(at: entry.slot)
    }

    // MARK: Confirmation

    mutating func addConfirmation(_ index: Int32, since: Int64) {
        guard let slot = self.slots[Int(index)],
            case .time(let duration) = self.options[slot.options].confirmation
        else { return }
        let due = since.addingReportingOverflow(duration.wholeNanoseconds)
        guard !due.overflow else { return }
        self.addTimer(Int(slot.symbol), due: due.partialValue, .confirmation, id: slot.id, slot: index)
    }

    private mutating func confirm(_ entry: AlertTimers.Entry, into fired: inout [FiredAlert]) {
        guard let slot = self.slots[Int(entry.slot)], slot.id == entry.id,
            case .time(let duration) = self.options[slot.options].confirmation,
            let since = self.memory(at: entry.slot)?.confirming?.since.nanoseconds,
            since &+ duration.wholeNanoseconds == entry.due
        else { return }
        // Only the alert's own measure goes on to this time; what else waits on it is looked at with the next tick.
        self.streams[Int(slot.stream)].settle()
        self.streams[Int(slot.stream)].advanceMeasure(of: slot.condition, to: entry.due)
        let occasion = Occasion(phase: .confirmation, now: entry.due, firedAt: Timestamp(nanoseconds: entry.due))
        self.look(entry.slot, occasion, into: &fired)
    }

    // MARK: Silence

    /// A stream was heard: the silence before is over.
    @inline(__always)
    mutating func heard(_ stream: Int, at now: Int64, into touched: inout [Int32]) {
        self.streams[stream].heardAt = now
        if self.streams[stream].mustRestartSilences { self.restartSilences(stream, at: now) }
    }

    /// The time at which the stream was heard has become known.
    mutating func timeSilences(_ stream: Int) {
        for group in self.streams[stream].silences.indices where self.streams[stream].silences[group].timedDue == nil {
            self.timeSilence(stream, group)
        }
    }

    private mutating func restartSilences(_ stream: Int, at now: Int64) {
        self.streams[stream].mustRestartSilences = false
        for group in self.streams[stream].silences.indices {
            if self.streams[stream].silences[group].isSilent {
                self.streams[stream].silences[group].isSilent = false
                for index in self.streams[stream].silences[group].members.keys.sorted() {
                    guard self.slots[Int(index)]?.isArmed == false else { continue }
                    self.slots[Int(index)]?.flags.insert(.armed)
                    self.slots[Int(index)]?.armChangedAt = now
                    self.noteChange(index)
                }
            }
            if self.streams[stream].silences[group].timedDue == nil { self.timeSilence(stream, group) }
        }
    }

    /// Starts the shared timer of a group from the time at which the stream was heard.
    private mutating func timeSilence(_ stream: Int, _ group: Int) {
        let key = self.streams[stream].silences[group].key
        guard let heard = self.streams[stream].heardAt,
            let due = self.silenceEnd(from: heard, key, symbol: Int(self.streams[stream].symbol))
        else { return }
        self.streams[stream].silences[group].timedDue = due
        self.addTimer(
            Int(self.streams[stream].symbol), due: due, .silence, id: key.id,
            slot: Int32(truncatingIfNeeded: stream))
    }

    /// An alert on silence is new: its silence counts from now, or from the last tick if nothing is known of now.
    mutating func startSilence(_ index: Int32, armedAt: Int64?) {
        guard let slot = self.slots[Int(index)], let (stream, group) = self.silenceGroup(of: slot) else { return }
        self.slots[Int(index)]?.flags.insert(.known)
        self.streams[stream].mustRestartSilences = true
        if !slot.isArmed { self.streams[stream].silences[group].isSilent = true }
        if let armedAt { self.streams[stream].silences[group].members[index] = armedAt }
        if let heard = self.streams[stream].heardAt, heard >= armedAt ?? .min {
            if self.streams[stream].silences[group].timedDue == nil { self.timeSilence(stream, group) }
        } else if let armedAt {
            let key = self.streams[stream].silences[group].key
            guard let due = self.silenceEnd(from: armedAt, key, symbol: Int(slot.symbol)) else { return }
            self.addTimer(Int(slot.symbol), due: due, .armedSilence, id: slot.id, slot: index)
        } else {
            self.unstarted.append(index)
        }
    }

    mutating func startWaitingSilences(_ now: Int64) {
        let waiting = self.unstarted
        self.unstarted = []
        for index in waiting where self.slots[Int(index)] != nil {
            guard let slot = self.slots[Int(index)], let (stream, group) = self.silenceGroup(of: slot),
                self.streams[stream].silences[group].members[index] == .min
            else { continue }
            // What was silent before the start still is.
            self.startSilence(index, armedAt: self.streams[stream].heardAt == nil ? now : nil)
        }
    }

    private func silenceGroup(of slot: AlertSlot) -> (stream: Int, group: Int)? {
        guard case .silence(let duration) = slot.condition else { return nil }
        let hours: AlertHours = self.options[slot.options].hours == .extended ? .extended : .regular
        let key = SilenceGroup.Key(duration: duration.wholeNanoseconds, hours: hours)
        let stream = Int(slot.stream)
        return self.streams[stream].silences.firstIndex { $0.key == key }.map { (stream, $0) }
    }

    private mutating func endArmedSilence(_ entry: AlertTimers.Entry, into fired: inout [FiredAlert]) {
        guard let slot = self.slots[Int(entry.slot)], slot.id == entry.id,
            let (stream, group) = self.silenceGroup(of: slot),
            let armedAt = self.streams[stream].silences[group].members[entry.slot],
            self.streams[stream].heardAt.map({ $0 < armedAt }) ?? true,
            self.silenceEnd(from: armedAt, self.streams[stream].silences[group].key, symbol: Int(slot.symbol))
                == entry.due
        else { return }
        self.streams[stream].silences[group].isSilent = true
        self.streams[stream].mustRestartSilences = true
        self.fireSilence(entry.slot, due: entry.due, into: &fired)
    }

    private mutating func endSilence(_ entry: AlertTimers.Entry, into fired: inout [FiredAlert]) {
        let stream = Int(entry.slot)
        guard let group = self.streams[stream].silences.firstIndex(where: { $0.key.id == entry.id }),
            self.streams[stream].silences[group].timedDue == entry.due, let heard = self.streams[stream].heardAt
        else { return }
        let key = self.streams[stream].silences[group].key
        self.streams[stream].silences[group].timedDue = nil
        self.streams[stream].mustRestartSilences = true
        if self.silenceEnd(from: heard, key, symbol: Int(self.streams[stream].symbol)) != entry.due {
            return self.timeSilence(stream, group)
        }
        self.streams[stream].silences[group].isSilent = true
        // Whoever was armed after the last tick has a timer of its own.
        let members = self.streams[stream].silences[group].members.filter { $0.value <= heard }.keys.sorted()
        for index in members { self.fireSilence(index, due: entry.due, into: &fired) }
    }

    private mutating func fireSilence(_ index: Int32, due: Int64, into fired: inout [FiredAlert]) {
        guard let slot = self.slots[Int(index)], slot.isArmed else { return }
        let occasion = Occasion(phase: .confirmation, now: due, firedAt: Timestamp(nanoseconds: due))
        _ = self.decide(index, isEdge: true, self.streams[Int(slot.stream)].last, occasion, into: &fired)
    }

    /// When a silence that began at `start` has lasted long enough; `nil` beyond the year 2262.
    ///
    /// Of a symbol with a calendar only the time inside its sessions counts.
    func silenceEnd(from start: Int64, _ key: SilenceGroup.Key, symbol: Int) -> Int64? {
        guard let calendar = self.symbols[symbol].calendar else {
            let (due, overflow) = start.addingReportingOverflow(key.duration)
            return overflow ? nil : due
        }
        var left = key.duration
        var session = calendar.session(of: Timestamp(nanoseconds: start))
        // A year has 252 sessions of 6.5 hours: 365 days of them are five and a half years.
        for _ in 0..<3_000 {
            let open = (key.hours == .extended ? session.preOpen : session.open).nanoseconds
            let close = (key.hours == .extended ? session.postClose : session.close).nanoseconds
            let from = max(open, start)
            if from < close {
                if left <= close - from { return from + left }
                left -= close - from
            }
            session = calendar.session(after: session.day)
        }
        return nil
    }
}

extension AlertStream {
    /// Lets leave the window of one condition what is too old, without comparing.
    mutating func advanceMeasure(of condition: AlertCondition, to now: Int64) {
        let length: Int64
        switch condition {
        case .move(_, _, let span): length = span.length
        case .newHigh(let window), .newLow(let window): length = window.wholeNanoseconds
        case .volume(_, let window):
            for index in self.volumes.indices where self.volumes[index].length == window.wholeNanoseconds {
                self.volumes[index].advance(to: now)
                self.volumes[index].isUnmeasured = true
            }
            return
        case .level, .crossing, .inside, .enters, .leaves, .spread, .silence, .divergence: return
        }
        for index in self.moves.indices where self.moves[index].length == length {
            self.moves[index].advance(to: now)
            self.moves[index].isUnmeasured = true
        }
    }
}
