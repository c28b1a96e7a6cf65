import Alerts
import Market

/// Conditions from their definitions.
extension PlainEvaluator {
    struct Reading {
        var isTrue = false
        var isBack = true
        var isHeld = false
        var value: PlainValue?
        var passed: Int?
    }

    /// The trades of a window at `now`: those whose step is not older than the window.
    private func trades(_ key: WindowKey, length: Int64, now: Int64) -> [Tick] {
        let all = self.streams[key.stream]?.trades ?? []
        let step = max(length / 600, 1_000_000_000)
        let first = self.windows[key] ?? all.count
        var start = all.count
        // Times never go back, so that looking from the newest one is enough.
        while start > first, (all[start - 1].time / step + 1) * step + length > now { start -= 1 }
        return Array(all[start...])
    }

    /// Since when a window knows everything: the first trade it saw.
    private func since(_ key: WindowKey) -> Int64? {
        let all = self.streams[key.stream]?.trades ?? []
        return all[(self.windows[key] ?? all.count)...].first?.time
    }

    func read(_ alert: PlainAlert, _ phase: Phase, now: Int64) -> Reading {
        let all = self.streams[alert.stream]?.trades ?? []
        let rearm = alert.alert.expression.options.rearm
        let key = alert.windows.first
        switch alert.condition {
        case .spread(let amount):
            guard let stream = self.streams[alert.stream], let bid = stream.bid, let ask = stream.ask else {
                return Reading()
            }
            if case .absolute = amount {
                return Self.measured(
                    PlainValue(numerator: ask - bid, denominator: 100, reference: bid), amount, rearm, true)
            }
            guard ask + bid > 0 else { return Reading() }
            return Self.measured(
                PlainValue(numerator: 200 * (ask - bid), denominator: ask + bid, reference: bid), amount, rearm, true)
        case .divergence(let amount, let first, let second):
            guard let pair = alert.pair, let left = self.pairs[pair]?[first], let right = self.pairs[pair]?[second],
                now - left.time <= 60_000_000_000, now - right.time <= 60_000_000_000
            else { return Reading() }
            let low = min(left.price, right.price)
            let high = max(left.price, right.price)
            var value = PlainValue(numerator: high - low, denominator: 100)
            if case .percent = amount { value = PlainValue(numerator: (high - low) * 100, denominator: low) }
            return Self.measured(value, amount, rearm, false)
        case .volume(let amount, _):
            guard let key else { return Reading() }
            let sum = self.trades(key, length: key.length, now: now).reduce(0) { $0 + $1.size }
            switch amount {
            case .absolute: return Self.measured(PlainValue(numerator: sum, denominator: 1_000), amount, rearm, true)
            case .multiple: return Self.measured(self.multiple(alert, key, sum, now), amount, rearm, true)
            case .percent: return Reading()
            }
        default: break
        }
        guard let price = all.last?.price else { return Reading() }
        switch alert.condition {
        case .level, .crossing, .inside, .enters, .leaves: return Self.price(alert, price, rearm)
        case .move(let direction, let amount, let span):
            guard let key else { return Reading() }
            var seen = self.trades(key, length: key.length, now: now)
            if case .today = span {
                guard let reference = self.dayReference(alert, key, now) else { return Reading() }
                seen = [reference]
            } else {
                seen.append(Tick(time: .min, price: price, size: 0))
            }
            guard let low = seen.map(\.price).min(), let high = seen.map(\.price).max() else { return Reading() }
            let lowTime = seen.last { $0.price == low && $0.time != .min }?.time
            let highTime = seen.last { $0.price == high && $0.time != .min }?.time
            var up = PlainValue(numerator: price - low, denominator: 100, reference: low, referenceTime: lowTime)
            var down = PlainValue(numerator: high - price, denominator: 100, reference: high, referenceTime: highTime)
            if case .percent = amount {
                up.numerator *= 100
                up.denominator = low
                down.numerator *= 100
                down.denominator = high
            }
            let rise = Self.measured(up, amount, rearm, false)
            let fall = Self.measured(down, amount, rearm, false)
            switch direction {
            case .up: return rise
            case .down: return fall
            case .either:
                return Reading(
                    isTrue: rise.isTrue || fall.isTrue, isBack: rise.isBack && fall.isBack,
                    isHeld: rise.isTrue || fall.isTrue,
                    value: rise.isTrue || !fall.isTrue ? rise.value : fall.value)
            }
        case .newHigh, .newLow:
            guard let key else { return Reading() }
            return self.extreme(alert, key, price, rearm ?? .percent(Self.decimal(1, 1)), phase, now)
        default: return Reading()
        }
    }

    private static func price(_ alert: PlainAlert, _ price: Int, _ rearm: AlertAmount?) -> Reading {
        switch alert.condition {
        case .level(let side, let threshold):
            let threshold = Self.scaled(threshold, 2)
            let isTrue = side == .above ? price > threshold : price < threshold
            let isBack =
                rearm.map {
                    side == .above
                        ? PlainAlert.isBelow(price, threshold, by: $0) : PlainAlert.isAbove(price, threshold, by: $0)
                } ?? !isTrue
            return Reading(isTrue: isTrue, isBack: isBack, isHeld: isTrue)
        case .crossing(.above, let threshold):
            let threshold = Self.scaled(threshold, 2)
            let isBack = rearm.map { PlainAlert.isBelow(price, threshold, by: $0) } ?? (price < threshold)
            return Reading(isTrue: price > threshold, isBack: isBack, isHeld: price > threshold)
        case .crossing(.below, let threshold):
            let threshold = Self.scaled(threshold, 2)
            let isBack = rearm.map { PlainAlert.isAbove(price, threshold, by: $0) } ?? (price > threshold)
            return Reading(isTrue: price < threshold, isBack: isBack, isHeld: price < threshold)
        case .crossing(.either, let threshold):
            let threshold = Self.scaled(threshold, 2)
            let rises = price > threshold && alert.sides.contains(.below)
            let falls = price < threshold && alert.sides.contains(.above)
            var isBack = rises || falls
            if let rearm {
                isBack =
                    (rises && PlainAlert.isAbove(price, threshold, by: rearm))
                    || (falls && PlainAlert.isBelow(price, threshold, by: rearm))
            }
            let isHeld =
                (price > threshold && !alert.sides.contains(.below))
                || (price < threshold && !alert.sides.contains(.above))
            return Reading(isTrue: (rises || falls) && (alert.isArmed || isBack), isBack: isBack, isHeld: isHeld)
        case .inside(let range), .enters(let range):
            let (low, high) = (Self.scaled(range.low, 2), Self.scaled(range.high, 2))
            let isTrue = price >= low && price <= high
            let isBack =
                rearm.map { PlainAlert.isBelow(price, low, by: $0) || PlainAlert.isAbove(price, high, by: $0) }
                ?? !isTrue
            return Reading(isTrue: isTrue, isBack: isBack, isHeld: isTrue)
        case .leaves(let range):
            let (low, high) = (Self.scaled(range.low, 2), Self.scaled(range.high, 2))
            let isTrue = price < low || price > high
            let isBack =
                rearm.map {
                    !isTrue && PlainAlert.isAbove(price, low, by: $0) && PlainAlert.isBelow(price, high, by: $0)
                } ?? !isTrue
            return Reading(isTrue: isTrue, isBack: isBack, isHeld: isTrue)
        default: return Reading()
        }
    }

    /// A measured value against its amount; amounts of volume are thousandths, all others hundredths.
    private static func measured(
        _ value: PlainValue?, _ amount: AlertAmount, _ rearm: AlertAmount?, _ isStrict: Bool
    ) -> Reading {
        guard let value else { return Reading() }
        let number: Decimal64
        switch amount {
        case .absolute(let value), .percent(let value), .multiple(let value): number = value
        }
        let scale = 10_000_000
        let threshold = Self.scaled(number, 7)
        let isTrue = isStrict ? value.isAbove(threshold, over: scale) : value.isAtLeast(threshold, over: scale)
        var back: Int?
        switch (amount, rearm) {
        case (.absolute, .absolute(let less)), (.percent, .percent(let less)), (.multiple, .multiple(let less)):
            back = max(0, threshold - Self.scaled(less, 7))
        case (.absolute, .percent(let less)), (.multiple, .percent(let less)):
            back = threshold / 10_000 * (10_000 - Self.scaled(less, 2))
        default: back = nil
        }
        let isBack = back.map { !value.isAbove($0, over: scale) } ?? !isTrue
        return Reading(isTrue: isTrue, isBack: isBack, isHeld: isTrue, value: value)
    }

    /// The volume in multiples of the mean of the windows before.
    private func multiple(_ alert: PlainAlert, _ key: WindowKey, _ own: Int, _ now: Int64) -> PlainValue? {
        let day: Int64 = 86_400_000_000_000
        let usual = max(min(max(day, 20 * key.length), 30 * day), key.length)
        let usualKey = WindowKey(stream: key.stream, kind: .usual, length: key.length)
        guard let since = self.since(usualKey) else { return nil }
        let known = min(usual, now - since - key.length) / 1_000_000_000
        guard known >= 20 * key.length / 1_000_000_000 else { return nil }
        let whole = self.trades(usualKey, length: usual + key.length, now: now).reduce(0) { $0 + $1.size }
        guard whole > own else { return nil }
        return PlainValue(
            numerator: own * Int(known), denominator: (whole - own) * Int(key.length / 1_000_000_000))
    }

    private func dayReference(_ alert: PlainAlert, _ key: WindowKey, _ now: Int64) -> Tick? {
        let all = self.streams[key.stream]?.trades ?? []
        let seen = all[(self.windows[key] ?? all.count)...]
        guard let calendar = self.calendars[alert.alert.symbol] else {
            return seen.first { $0.time / 86_400_000_000_000 == now / 86_400_000_000_000 }
        }
        let session = calendar.session(of: Timestamp(nanoseconds: now))
        let before = calendar.session(before: session.day)
        return seen.last { before.isRegular(Timestamp(nanoseconds: $0.time)) }
    }

    private func extreme(
        _ alert: PlainAlert, _ key: WindowKey, _ price: Int, _ rearm: AlertAmount, _ phase: Phase, _ now: Int64
    ) -> Reading {
        let isHigh = if case .newHigh = alert.condition { true } else { false }
        let seen = self.trades(key, length: key.length, now: now)
        // With a tick the newest trade is compared with those before it.
        let before = phase == .tick ? seen.dropLast() : seen[...]
        let sign = isHigh ? 1 : -1
        let passed = before.map { $0.price * sign }.max().map { $0 * sign }
        let isCovered = self.since(key).map { $0 <= now - key.length } ?? false
        let newest = ((seen.map { $0.price * sign } + [price * sign]).max() ?? 0) * sign
        var isBack =
            isHigh ? PlainAlert.isBelow(price, newest, by: rearm) : PlainAlert.isAbove(price, newest, by: rearm)
        if case .multiple = rearm { isBack = price != newest }
        let threshold = alert.confirming?.passed ?? (isCovered ? passed : nil)
        let isTrue = threshold.map { isHigh ? price > $0 : price < $0 } ?? false
        let time = passed.flatMap { passed in before.last { $0.price == passed }?.time }
        return Reading(
            isTrue: isTrue && !isBack, isBack: isBack, isHeld: !isBack && !alert.isArmed,
            value: PlainValue(numerator: 0, denominator: 1, reference: passed, referenceTime: time), passed: passed)
    }
}
