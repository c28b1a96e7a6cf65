public import Market

/// What must become true for an alert to fire: a price level or a crossing of one.
public struct AlertCondition: Hashable, Sendable {
    /// Which way a price must pass a threshold.
    public enum Direction: Hashable, Sendable {
        /// Upwards or downwards.
        case either
        /// From below the threshold to above it.
        case above
        /// From above the threshold to below it.
        case below
    }

    /// The shape of the condition.
    public enum Kind: Hashable, Sendable {
        /// True while the last price is above the threshold.
        case above
        /// True while the last price is below the threshold.
        case below
        /// Becomes true when the price passes from one side of the threshold to the other.
        ///
        /// The threshold itself is on neither side: a price that touches it and returns has not crossed.
        case crosses(Direction)
    }

    /// The shape of the condition.
    public let kind: Kind
    /// The price it compares with, in the quote currency.
    public let threshold: Decimal64

    /// Makes a condition from its parts.
    public init(kind: Kind, threshold: Decimal64) {
        self.kind = kind
        self.threshold = threshold
    }

    /// Reads `above P`, `below P` or `crosses [above|below] P`, in any letter case.
    ///
    /// - Throws: ``AlertSyntaxError`` with the column and what fits there.
    public init(parsing text: String) throws(AlertSyntaxError) {
        var parser = AlertParser(text)
        self = try parser.parseCondition()
        try parser.parseEnd()
    }

    /// Whether a rise through the threshold can fire it.
    var firesOnRise: Bool {
        switch self.kind {
        case .above, .crosses(.above), .crosses(.either): true
        case .below, .crosses(.below): false
        }
    }

    /// Whether a fall through the threshold can fire it.
    var firesOnFall: Bool {
        switch self.kind {
        case .below, .crosses(.below), .crosses(.either): true
        case .above, .crosses(.above): false
        }
    }

    /// For a level, whether `price` is beyond it; `nil` for crossings, which need two prices.
    func isBeyond(_ price: Decimal64) -> Bool? {
        switch self.kind {
        case .above: price > self.threshold
        case .below: price < self.threshold
        case .crosses: nil
        }
    }
}

extension AlertCondition: CustomStringConvertible {
    /// The canonical spelling, which ``init(parsing:)`` reads back: `crosses above 70000`.
    public var description: String {
        switch self.kind {
        case .above: "above \(self.threshold)"
        case .below: "below \(self.threshold)"
        case .crosses(.either): "crosses \(self.threshold)"
        case .crosses(.above): "crosses above \(self.threshold)"
        case .crosses(.below): "crosses below \(self.threshold)"
        }
    }
}
