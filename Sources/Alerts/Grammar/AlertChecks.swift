import Market

/// What no single word of an expression can be blamed for: options that cannot work together, or with the condition.
struct AlertChecks {
    let expression: AlertExpression
    /// The column of each option's value, by the option's name.
    let columns: [String: Int]

    func check() throws(AlertSyntaxError) {
        let options = self.expression.options
        if options.mode == .once, options.again != nil {
            throw self.conflict("again", "'again' needs an alert that repeats; leave out 'once' or 'again'")
        }
        if options.confirmation != nil, case .silence = self.expression.condition {
            throw self.conflict("confirm", "a silence confirms itself; make it longer instead of 'confirm'")
        }
        if let rearm = options.rearm { try self.check(rearm: rearm) }
        if let again = options.again { try self.check(again: again) }
    }

    private func check(rearm: AlertAmount) throws(AlertSyntaxError) {
        if case .multiple = rearm, case .volume(.multiple, _) = self.expression.condition {
        } else if case .multiple = rearm {
            throw self.conflict("rearm", "'\(rearm)' is no margin of this condition; write 0.5% or 100")
        }
        switch self.expression.condition {
        case .level(let side, let threshold): try self.check(rearm: rearm, side: side, threshold)
        case .crossing(let direction, let threshold):
            try self.check(rearm: rearm, side: direction == .below ? .below : .above, threshold)
        case .newHigh: try self.check(rearm: rearm, side: .above, nil)
        case .newLow: try self.check(rearm: rearm, side: .below, nil)
        case .inside(let range), .enters(let range): try self.check(rearm: rearm, side: .above, range.low)
        case .leaves(let range):
            try self.check(rearm: rearm, side: .above, range.low)
            try self.check(rearm: rearm, inside: range)
        case .move(_, let amount, _), .volume(let amount, _), .spread(let amount), .divergence(let amount, _, _):
            try self.check(rearm: rearm, of: amount)
        case .silence:
            throw self.conflict("rearm", "a silence ends with the next tick; leave out 'rearm'")
        }
    }

    /// A price must be able to come back so far below the threshold.
    private func check(
        rearm: AlertAmount, side: PriceSide, _ threshold: Decimal64?
    ) throws(AlertSyntaxError) {
        guard side == .above else { return }
        switch rearm {
        case .percent(let percent):
            if percent >= .oneHundred {
                throw self.conflict("rearm", "no price comes back by \(rearm) from above; write less than 100%")
            }
        case .absolute(let value):
            if let threshold, value >= threshold {
                throw self.conflict("rearm", "no price comes back by \(rearm) from \(threshold); write less")
            }
        case .multiple: break
        }
    }

    /// The price must be able to be so far inside the range.
    private func check(rearm: AlertAmount, inside range: PriceRange) throws(AlertSyntaxError) {
        let low: Decimal64
        let high: Decimal64
        // Numbers so long that the sums do not fit are not judged.
        switch rearm {
        case .absolute(let value):
            guard let sum = try? range.low.adding(value), let rest = try? range.high.subtracting(value) else { return }
            (low, high) = (sum, rest)
        case .percent(let percent):
            guard let ratio = try? percent.divided(by: .oneHundred, decimals: 20),
                let below = try? range.low.multiplied(by: ratio), let above = try? range.high.multiplied(by: ratio),
                let sum = try? range.low.adding(below), let rest = try? range.high.subtracting(above)
            else { return }
            (low, high) = (sum, rest)
        case .multiple: return
        }
        if low > high {
            throw self.conflict(
                "rearm", "no price is \(rearm) inside \(range.low)..\(range.high) at both ends; write less")
        }
    }

    /// What is measured must be able to come back so far: in its own unit, or in percent of an amount that is none.
    private func check(rearm: AlertAmount, of amount: AlertAmount) throws(AlertSyntaxError) {
        let pair: (margin: Decimal64, amount: Decimal64)
        switch (rearm, amount) {
        case (.absolute(let margin), .absolute(let amount)), (.percent(let margin), .percent(let amount)),
            (.multiple(let margin), .multiple(let amount)):
            pair = (margin, amount)
        case (.percent(let margin), .absolute), (.percent(let margin), .multiple): pair = (margin, .oneHundred)
        case (_, .percent): throw self.conflict("rearm", "'\(rearm)' is measured against \(amount); write it in %")
        case (_, .multiple):
            throw self.conflict("rearm", "'\(rearm)' is measured against \(amount); write it in x or %")
        case (.multiple, .absolute):
            throw self.conflict("rearm", "'\(rearm)' is measured against \(amount); write it without a unit, or in %")
        }
        if pair.margin >= pair.amount {
            let most = if case .percent = rearm { "\(pair.amount)%" } else { "\(amount)" }
            throw self.conflict("rearm", "\(amount) never comes back by \(rearm); write less than \(most)")
        }
    }

    private func check(again: AlertAmount) throws(AlertSyntaxError) {
        switch self.expression.condition {
        case .level, .crossing, .move, .newHigh, .newLow, .enters, .leaves: break
        case .inside(let range):
            if case .absolute(let value) = again, let width = try? range.high.subtracting(range.low), value > width {
                throw self.conflict(
                    "again", "no price moves by \(again) within \(range.low) and \(range.high); write less")
            }
        case .volume, .spread, .silence, .divergence:
            throw self.conflict("again", "'again' measures the price, which this condition does not; leave it out")
        }
        if case .percent(let percent) = again, percent >= .oneHundred, self.expression.condition.isFall {
            throw self.conflict("again", "no price falls by \(again); write less than 100%")
        }
    }

    private func conflict(_ option: String, _ reason: String) -> AlertSyntaxError {
        .conflict(reason, column: self.columns[option] ?? 1)
    }
}

extension AlertCondition {
    /// Whether it is about falling prices only.
    fileprivate var isFall: Bool {
        switch self {
        case .level(.below, _), .crossing(.below, _), .move(.down, _, _), .newLow: true
        case .level, .crossing, .inside, .enters, .leaves, .move, .newHigh, .volume, .spread, .silence, .divergence:
            false
        }
    }
}
