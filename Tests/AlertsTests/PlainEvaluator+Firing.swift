import Alerts
import Market

/// From a reading to a firing.
extension PlainEvaluator {
    mutating func look(
        _ index: Int, _ now: Int64, _ phase: Phase, _ fired: inout [FiredAlert], cause: FiredAlert.Cause? = nil,
        previous: Decimal64? = nil
    ) {
        let options = self.alerts[index].alert.expression.options
        let trades = self.streams[self.alerts[index].stream]?.trades ?? []
        if !self.alerts[index].isKnown, let last = trades.last {
            self.alerts[index].judge(last.price, trades.map(\.price))
            switch self.alerts[index].condition {
            case .crossing, .enters, .leaves: return
            default: break
            }
        }
        let reading = self.read(self.alerts[index], phase, now: now)
        if reading.isBack { self.alerts[index].isArmed = true }
        let isEdge = reading.isTrue && self.alerts[index].isArmed
        let isAgain = !isEdge && reading.isHeld && self.isAgainReached(self.alerts[index], trades.last?.price)
        guard isEdge || isAgain else {
            self.alerts[index].confirming = nil
            return
        }
        if phase == .time { return }
        if phase == .tick {
            switch options.confirmation {
            case nil: break
            case .ticks(let needed):
                var confirming = self.alerts[index].confirming ?? (now, 0, reading.passed, self.lateness)
                confirming.count += 1
                self.alerts[index].confirming = confirming
                if confirming.count < needed { return }
            case .time:
                if self.alerts[index].confirming == nil {
                    self.alerts[index].confirming = (now, 1, reading.passed, self.lateness)
                }
                return
            }
        }
        _ = self.decide(index, isEdge: isEdge, trades.last?.price, now, &fired, reading, cause, previous: previous)
    }

    private func isAgainReached(_ alert: PlainAlert, _ price: Int?) -> Bool {
        guard let again = alert.alert.expression.options.again, let price, let anchor = alert.lastFired?.price else {
            return false
        }
        var sides: Set<PriceSide> = [.above, .below]
        switch alert.condition {
        case .level(let side, _): sides = [side]
        case .crossing(.above, _), .newHigh, .move(.up, _, _): sides = [.above]
        case .crossing(.below, _), .newLow, .move(.down, _, _): sides = [.below]
        case .crossing(.either, _): sides = alert.sides
        default: break
        }
        return (sides.contains(.above) && PlainAlert.isAbove(price, anchor, by: again))
            || (sides.contains(.below) && PlainAlert.isBelow(price, anchor, by: again))
    }

    mutating func decide(
        _ index: Int, isEdge: Bool, _ price: Int?, _ now: Int64, _ fired: inout [FiredAlert], _ reading: Reading?,
        _ cause: FiredAlert.Cause?, previous: Decimal64? = nil
    ) -> Bool {
        var alert = self.alerts[index]
        let options = alert.alert.expression.options
        let passed = alert.confirming?.passed
        let late = alert.confirming == nil ? self.lateness : alert.confirming?.lateness
        alert.confirming = nil
        let isSuppressed = self.isSuppressed(alert, now)
        if isEdge {
            alert.isArmed = false
            if case .crossing(.either, let threshold) = alert.condition, let price {
                alert.sides = price > Self.scaled(threshold, 2) ? [.above] : [.below]
                if options.rearm == nil, options.mode == .repeat || isSuppressed { alert.isArmed = true }
            }
        }
        self.alerts[index] = alert
        if isSuppressed { return false }
        alert.lastFired = (now, price)
        alert.crossings += 1
        let window = PlainAlert.nanoseconds(self.storm.window)
        alert.firings = alert.firings.filter { $0 > now - window } + [now]
        let isStorm = alert.firings.count > self.storm.firingsMax
        self.alerts[index] = alert
        let stream = self.streams[alert.stream]
        let before = (stream?.trades ?? []).dropLast().last.map { Self.decimal($0.price, 2) }
        let heard = Timestamp(nanoseconds: stream?.heard ?? now)
        fired.append(
            FiredAlert(
                alert: alert.alert,
                cause: cause ?? stream?.lastCause
                    ?? FiredAlert.Cause(
                        venue: alert.alert.venue, price: price.map { Self.decimal($0, 2) }, eventTime: heard,
                        receivedTime: heard),
                previousPrice: cause == nil ? before : previous,
                measurement: self.measurement(alert, reading, passed, cause),
                crossing: alert.crossings, firedAt: Timestamp(nanoseconds: now),
                lateness: late, isStorm: isStorm))
        if options.mode == .once || isStorm { self.remove(alert.alert.id) }
        return true
    }

    private func isSuppressed(_ alert: PlainAlert, _ now: Int64) -> Bool {
        let options = alert.alert.expression.options
        if let cooldown = options.cooldown, let last = alert.lastFired,
            now - last.time < PlainAlert.nanoseconds(cooldown)
        {
            return true
        }
        if let until = alert.alert.snoozedUntil, now < until.nanoseconds { return true }
        guard !alert.isSilence, let calendar = self.calendars[alert.alert.symbol] else { return false }
        let phase = calendar.phase(at: Timestamp(nanoseconds: now))
        switch options.hours {
        case .all: return false
        case .regular: return phase != .regular
        case .extended: return phase == .closed
        }
    }

    private func measurement(
        _ alert: PlainAlert, _ reading: Reading?, _ passed: Int?, _ cause: FiredAlert.Cause?
    ) -> AlertMeasurement? {
        let time: (Int64?) -> Timestamp? = { $0.map { Timestamp(nanoseconds: $0) } }
        switch alert.condition {
        case .level, .crossing, .inside, .enters, .leaves: return nil
        case .silence: return AlertMeasurement(referenceTime: time(self.streams[alert.stream]?.heard))
        case .newHigh, .newLow:
            if let passed { return AlertMeasurement(reference: Self.decimal(passed, 2)) }
            if let confirmation = alert.alert.expression.options.confirmation, case .time = confirmation { return nil }
            return reading?.passed.map {
                AlertMeasurement(reference: Self.decimal($0, 2), referenceTime: time(reading?.value?.referenceTime))
            }
        case .move(_, let amount, _), .volume(let amount, _), .spread(let amount), .divergence(let amount, _, _):
            var measurement = AlertMeasurement(
                amount: reading?.value.map {
                    switch amount {
                    case .absolute: .absolute($0.rounded(7))
                    case .percent: .percent($0.rounded(4))
                    case .multiple: .multiple($0.rounded(4))
                    }
                }, reference: reading?.value?.reference.map { Self.decimal($0, 2) },
                referenceTime: time(reading?.value?.referenceTime))
            if let pair = alert.pair, let points = self.pairs[pair] {
                let other = self.newestOfPair[pair] == pair.first ? points[pair.second] : points[pair.first]
                measurement.reference = other.map { Self.decimal($0.price, 2) }
                measurement.referenceTime = time(other?.time)
            }
            return measurement
        }
    }
}
