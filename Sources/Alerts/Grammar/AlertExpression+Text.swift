import Market

extension AlertCondition: CustomStringConvertible {
    /// The canonical spelling, which ``init(parsing:)`` reads back: `crosses above 70000`.
    public var description: String {
        switch self {
        case .level(let side, let threshold): "\(side.rawValue) \(threshold)"
        case .crossing(.either, let threshold): "crosses \(threshold)"
        case .crossing(.above, let threshold): "crosses above \(threshold)"
        case .crossing(.below, let threshold): "crosses below \(threshold)"
        case .inside(let range): "between \(range.low) and \(range.high)"
        case .enters(let range): "enters \(range.low)..\(range.high)"
        case .leaves(let range): "leaves \(range.low)..\(range.high)"
        case .move(let direction, let amount, .window(let window)):
            "\(direction.rawValue) \(amount) in \(AlertDuration.string(window))"
        case .move(let direction, let amount, .today): "\(direction.rawValue) \(amount) today"
        case .newHigh(let window): "new high of \(AlertDuration.string(window))"
        case .newLow(let window): "new low of \(AlertDuration.string(window))"
        case .volume(let amount, let window): "volume above \(amount) in \(AlertDuration.string(window))"
        case .spread(let amount): "spread above \(amount)"
        case .silence(let duration): "silent for \(AlertDuration.string(duration))"
        case .divergence(let amount, let first, let second): "diverges \(amount) between \(first) and \(second)"
        }
    }
}

extension AlertAmount: CustomStringConvertible {
    /// `500`, `5%` or `5x`.
    public var description: String {
        switch self {
        case .absolute(let value): "\(value)"
        case .percent(let value): "\(value)%"
        case .multiple(let value): "\(value)x"
        }
    }
}

extension AlertConfirmation: CustomStringConvertible {
    /// `2 ticks` or `5s`.
    public var description: String {
        switch self {
        case .ticks(let count): "\(count) ticks"
        case .time(let duration): AlertDuration.string(duration)
        }
    }
}

extension AlertExpression: CustomStringConvertible {
    /// The canonical spelling, which ``init(parsing:)`` reads back; what is the default is left out.
    public var description: String {
        var text = self.condition.description
        let options = self.options
        if options.mode == .once { text += " once" }
        if let cooldown = options.cooldown { text += " cooldown \(AlertDuration.string(cooldown))" }
        if let rearm = options.rearm { text += " rearm \(rearm)" }
        if let confirmation = options.confirmation { text += " confirm \(confirmation)" }
        if let again = options.again { text += " again \(again)" }
        if let until = options.until { text += " until \(AlertTime.string(until))" }
        if options.priority != .active { text += " priority \(options.priority.rawValue)" }
        if options.hours != .all { text += " hours \(options.hours.rawValue)" }
        return text
    }
}
