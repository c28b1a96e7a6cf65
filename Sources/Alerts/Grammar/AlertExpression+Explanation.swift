public import Market

extension AlertExpression {
    /// What the alert will do, in sentences.
    ///
    /// - Parameters:
    ///   - symbol: The instrument.
    ///   - venue: The venue it is bound to; `nil` for the primary one.
    /// - Returns: One sentence for the condition, and one for each option that changes something.
    public func explanation(symbol: Symbol, venue: Venue?) -> [String] {
        var sentences = ["Fires when \(self.condition.claim(symbol: symbol, venue: venue))."]
        let options = self.options
        if let confirmation = options.confirmation {
            switch confirmation {
            case .ticks(let count):
                sentences.append("It must be true at \(count) ticks in a row; the last of them fires.")
            case .time(let time):
                sentences.append("It must stay true for \(AlertDuration.string(time)) without a break.")
            }
        }
        if options.mode == .once {
            sentences.append("Fires a single time.")
        } else {
            sentences.append("Fires again only \(self.rearming).")
            if let again = options.again {
                sentences.append(
                    "While it stays true, fires again whenever the price is \(again) away from the last firing.")
            }
        }
        if let cooldown = options.cooldown {
            sentences.append(
                "Stays silent for \(AlertDuration.string(cooldown)) after firing; what happens then is lost.")
        }
        switch options.hours {
        case .regular: sentences.append("Only in the regular session of the exchange.")
        case .extended: sentences.append("Only in the regular, pre-market and post-market sessions.")
        case .all: break
        }
        switch options.priority {
        case .passive: sentences.append("Delivered without sound.")
        case .urgent: sentences.append("Delivered through focus modes where the device allows it.")
        case .active: break
        }
        if let until = options.until { sentences.append("Ends at \(AlertTime.string(until)).") }
        return sentences
    }

    private var rearming: String {
        if case .silence = self.condition { return "after a tick has come" }
        guard let rearm = self.options.rearm else {
            switch self.condition {
            case .newHigh, .newLow: return "after the price came back by 0.1%"
            case .crossing(.either, _): return "at the next crossing"
            case .crossing: return "after the price was on the other side"
            default: return "after that was false"
            }
        }
        switch self.condition {
        case .level(_, let threshold), .crossing(_, let threshold):
            return "after the price came back by \(rearm) behind \(threshold)"
        case .inside, .enters: return "after the price was \(rearm) outside"
        case .leaves: return "after the price was \(rearm) inside"
        case .newHigh, .newLow: return "after the price came back by \(rearm)"
        case .move(_, let amount, _), .volume(let amount, _), .spread(let amount), .divergence(let amount, _, _):
            return "after what is measured was \(rearm) below \(amount)"
        case .silence: return "after a tick has come"
        }
    }
}

extension AlertCondition {
    /// What must be the case.
    fileprivate func claim(symbol: Symbol, venue: Venue?) -> String {
        let place = venue.map { "\(symbol) on \($0)" } ?? "\(symbol) on its primary venue"
        switch self {
        case .level(let side, let threshold):
            return
                "the last price of \(place) is \(side.rawValue) \(threshold); at the first price already, if it is so then"
        case .crossing(.either, let threshold): return "the price of \(place) passes \(threshold) in either direction"
        case .crossing(.above, let threshold): return "the price of \(place) goes from below \(threshold) to above it"
        case .crossing(.below, let threshold): return "the price of \(place) goes from above \(threshold) to below it"
        case .inside(let range):
            return "the last price of \(place) is between \(range.low) and \(range.high), both included; "
                + "at the first price already, if it is so then"
        case .enters(let range): return "the price of \(place) comes from outside \(range.low)..\(range.high) into it"
        case .leaves(let range): return "the price of \(place) goes from inside \(range.low)..\(range.high) out of it"
        case .move(let direction, let amount, .window(let window)):
            let from = ["up": "the lowest", "down": "the highest"][direction.rawValue] ?? "the lowest or the highest"
            let way = ["up": "above", "down": "below"][direction.rawValue] ?? "away from"
            return
                "the price of \(place) is at least \(amount) \(way) \(from) price of the last \(AlertDuration.string(window))"
        case .move(let direction, let amount, .today):
            let way = ["up": "above", "down": "below"][direction.rawValue] ?? "away from"
            return
                "the price of \(place) is at least \(amount) \(way) the day's reference: the previous official close of a "
                + "stock, else the first price after midnight UTC"
        case .newHigh(let window):
            return
                "the price of \(place) is above every other of the last \(AlertDuration.string(window)), all of which were seen"
        case .newLow(let window):
            return
                "the price of \(place) is below every other of the last \(AlertDuration.string(window)), all of which were seen"
        case .volume(.multiple(let multiple), let window):
            return
                "more than \(multiple) times the usual volume of \(place) is traded in \(AlertDuration.string(window))"
        case .volume(let amount, let window):
            return "more than \(amount) of \(place) are traded in \(AlertDuration.string(window))"
        case .spread(.percent(let percent)): return "ask − bid of \(place) is more than \(percent)% of their middle"
        case .spread(let amount): return "ask − bid of \(place) is more than \(amount)"
        case .silence(let duration):
            return
                "no trade and no quote of \(place) comes for \(AlertDuration.string(duration)) while the market is open"
        case .divergence(let amount, let first, let second):
            return
                "the last prices of \(symbol) on \(first) and on \(second) are at least \(amount) apart, both from the last 60s"
        }
    }
}
