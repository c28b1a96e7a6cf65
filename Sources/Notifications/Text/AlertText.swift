import Alerts
import Market

/// A firing in words: the standard title and body, and the values of a template's fields.
///
/// Computed when it is sent, from the firing alone.
struct AlertText {
    /// What a title and a body have at most, in bytes; longer ones end in `…`.
    static let titleBytesMax = 256
    static let bodyBytesMax = 1_200

    private let fired: FiredAlert
    private let format: PriceFormat

    init(_ fired: FiredAlert, format: PriceFormat) {
        self.fired = fired
        let prices = [fired.cause.price, fired.previousPrice, fired.measurement?.reference].compactMap { $0 }
        self.format = format.fitting(prices)
    }

    private var condition: AlertCondition { self.fired.alert.expression.condition }
    private var symbol: String { self.fired.alert.symbol.name }

    /// The headline, the user's own or the standard one.
    var title: String {
        let text = self.filled(self.fired.alert.template?.title) ?? self.standardTitle
        return Self.cut(text.replacing("\n", with: " "), Self.titleBytesMax)
    }

    /// The text below it.
    var body: String { Self.cut(self.filled(self.fired.alert.template?.body) ?? self.standardBody, Self.bodyBytesMax) }

    /// A template that an earlier version took and this one does not falls back to the standard text.
    private func filled(_ template: String?) -> String? {
        guard let template, let parsed = try? MessageTemplate(parsing: template) else { return nil }
        return parsed.text { self.value(of: $0) }
    }

    static func cut(_ text: String, _ bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var cut = ""
        var bytes = 3
        for character in text {
            bytes += character.utf8.count
            if bytes > bytesMax { break }
            cut.append(character)
        }
        return cut + "…"
    }
}

// MARK: Standard texts

extension AlertText {
    private var standardTitle: String {
        let text = self.statement
        return self.fired.isStorm ? "\(text) (paused)" : text
    }

    private var statement: String {
        switch self.condition {
        case .level(_, let threshold):
            return "\(self.symbol) is \(self.direction) \(self.format.text(threshold: threshold))"
        case .crossing(_, let threshold):
            return "\(self.symbol) crossed \(self.direction) \(self.format.text(threshold: threshold))"
        case .inside(let range): return "\(self.symbol) is between \(self.bounds(range, " and "))"
        case .enters(let range): return "\(self.symbol) entered \(self.bounds(range, "–"))"
        case .leaves(let range):
            let way = ["above": " upwards", "below": " downwards"][self.direction] ?? ""
            return "\(self.symbol) left \(self.bounds(range, "–"))\(way)"
        case .move(let direction, let amount, let span):
            let value = self.format.text(self.fired.measurement?.amount ?? amount)
            let when = if case .window(let window) = span { "in \(AlertDuration.string(window))" } else { "today" }
            let moved =
                self.direction == "neither"
                ? (direction == .either ? "moved" : "is \(direction.rawValue)") : "is \(self.direction)"
            return "\(self.symbol) \(moved) \(value) \(when)"
        case .newHigh(let window): return "\(self.symbol) has a new high of \(AlertDuration.string(window))"
        case .newLow(let window): return "\(self.symbol) has a new low of \(AlertDuration.string(window))"
        case .volume(let amount, let window):
            let value = self.volume(self.fired.measurement?.amount ?? amount)
            return "\(self.symbol) volume is \(value) in \(AlertDuration.string(window))"
        case .spread(let amount):
            return "\(self.symbol) spread is \(self.format.text(self.fired.measurement?.amount ?? amount))"
        case .silence(let duration): return "\(self.symbol) is silent for \(AlertDuration.string(duration))"
        case .divergence(let amount, let first, let second):
            let value = self.format.text(self.fired.measurement?.amount ?? amount)
            return "\(self.symbol) differs by \(value) between \(first) and \(second)"
        }
    }

    private func bounds(_ range: PriceRange, _ separator: String) -> String {
        self.format.text(threshold: range.low) + separator + self.format.text(threshold: range.high)
    }

    private func volume(_ amount: AlertAmount) -> String {
        switch amount {
        case .absolute(let value): self.format.short(value)
        case .percent, .multiple: "\(self.format.text(amount)) the usual"
        }
    }

    private var standardBody: String {
        var text = self.fact
        if let late = self.late { text += "; \(late)" }
        if self.fired.isStorm { text += ". It fired too often: the alert is paused until it is resumed" }
        return text
    }

    private var fact: String {
        let cause = self.fired.cause
        let venue = cause.venue?.name ?? "no venue"
        let reference = self.fired.measurement?.reference
        if case .silence = self.condition {
            guard cause.venue != nil || cause.price != nil else { return "Nothing was heard since the alert was set" }
            let price = cause.price.map { ", last price \(self.format.text($0))" } ?? ""
            return "Last heard at \(self.clock(cause.receivedTime)) on \(venue)\(price)"
        }
        var text = "\(self.price) on \(venue) at \(self.clock(cause.eventTime))"
        switch self.condition {
        case .move:
            if let reference { text += ", from \(self.format.text(reference))\(self.referenceClock)" }
        case .newHigh:
            if let reference { text += ", the high before \(self.format.text(reference))\(self.referenceClock)" }
        case .newLow:
            if let reference { text += ", the low before \(self.format.text(reference))\(self.referenceClock)" }
        case .spread:
            if let reference { text += ", bid \(self.format.text(reference))" }
        case .divergence(_, let first, let second):
            if let reference { text += ", \(self.format.text(reference)) on \(cause.venue == first ? second : first)" }
        case .level, .crossing, .inside, .enters, .leaves, .volume, .silence:
            if let previous = self.fired.previousPrice { text += ", before \(self.format.text(previous))" }
        }
        return text
    }

    private var price: String {
        self.fired.cause.price.map { self.format.text($0, against: self.nearestThreshold($0)) } ?? "no price"
    }

    /// The threshold or the bound of a range that a price must be told from.
    private func nearestThreshold(_ price: Decimal64) -> Decimal64? {
        switch self.condition {
        case .level(_, let threshold), .crossing(_, let threshold): threshold
        case .enters(let range), .leaves(let range):
            price < range.low ? range.low : price > range.high ? range.high : nil
        case .inside, .move, .newHigh, .newLow, .volume, .spread, .silence, .divergence:
            self.fired.measurement?.reference
        }
    }

    private var referenceClock: String {
        self.fired.measurement?.referenceTime.map { " at \(self.clock($0))" } ?? ""
    }

    /// `12:00:00 UTC`, with the date when it is not that of the firing.
    private func clock(_ time: Timestamp) -> String {
        let text = time.description
        let clock = "\(text.dropFirst(11).prefix(8)) UTC"
        return text.prefix(10) == self.fired.firedAt.description.prefix(10) ? clock : "\(text.prefix(10)) \(clock)"
    }

    private var late: String? {
        self.fired.lateness.map { lateness in
            switch lateness.reason {
            case .gap: "late: the feed had a gap since \(self.clock(lateness.since))"
            case .restart: "late: the service was not watching since \(self.clock(lateness.since))"
            }
        }
    }
}

// MARK: Fields

extension AlertText {
    /// Where the price is, or where it went.
    var direction: String {
        guard let price = self.fired.cause.price else { return "neither" }
        switch self.condition {
        case .level(_, let threshold), .crossing(_, let threshold): return price > threshold ? "above" : "below"
        case .inside(let range), .enters(let range), .leaves(let range):
            return price < range.low ? "below" : price > range.high ? "above" : "inside"
        case .move(let direction, _, _):
            if direction != .either { return direction.rawValue }
            guard let reference = self.fired.measurement?.reference, reference != price else { return "neither" }
            return price > reference ? "up" : "down"
        case .newHigh: return "up"
        case .newLow: return "down"
        case .volume, .spread, .silence, .divergence: return "neither"
        }
    }

    /// From what it was measured, or else from the price before, in percent.
    private var change: Decimal64? {
        guard let price = self.fired.cause.price,
            let start = self.fired.measurement?.reference ?? self.fired.previousPrice, !start.isZero,
            // Numbers so long that they cannot be subtracted have no change.
            let difference = try? price.subtracting(start), let ratio = difference.dividedKeepingDigits(by: start)
        else { return nil }
        return try? ratio.value.multiplied(by: Decimal64(100))
    }

    private var threshold: String? {
        switch self.condition {
        case .level(_, let threshold), .crossing(_, let threshold): self.format.text(threshold: threshold)
        case .inside(let range), .enters(let range), .leaves(let range): self.bounds(range, "–")
        case .move, .volume, .spread, .divergence: self.condition.amount.map { self.format.text($0) }
        case .newHigh(let window), .newLow(let window), .silence(let window): AlertDuration.string(window)
        }
    }

    private var value: String? {
        if let amount = self.fired.measurement?.amount {
            if case .volume = self.condition { return self.volume(amount) }
            return self.format.text(amount)
        }
        if case .silence(let duration) = self.condition { return AlertDuration.string(duration) }
        return self.fired.cause.price.map { self.format.text($0, against: self.nearestThreshold($0)) }
    }

    /// What stands for a field; a dash when it is not known.
    private func value(of field: MessageTemplate.Field) -> String {
        let known: String? =
            switch field {
            case .symbol: self.symbol
            case .price: self.fired.cause.price.map { self.format.text($0, against: self.nearestThreshold($0)) }
            case .change: self.change.map { self.format.signed(percent: $0) }
            case .condition: self.condition.description
            case .threshold: self.threshold
            case .direction: self.direction
            case .value: self.value
            case .reference: self.fired.measurement?.reference.map { self.format.text($0) }
            case .previous: self.fired.previousPrice.map { self.format.text($0) }
            case .venue: self.fired.cause.venue?.name
            case .time: "\(self.fired.cause.eventTime.description.prefix(19).replacing("T", with: " ")) UTC"
            case .late: self.late ?? ""
            case .crossing: String(self.fired.crossing)
            case .user: self.fired.alert.user
            }
        return known ?? "–"
    }
}
