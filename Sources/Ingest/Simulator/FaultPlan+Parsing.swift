extension FaultPlan {
    /// Every fault with an example, for messages.
    static let examples: [(name: String, example: String)] = [
        ("drop", "drop 1%"), ("duplicate", "duplicate 0.5%"), ("reorder", "reorder 0.5%"), ("garbage", "garbage 0.2%"),
        ("gap", "gap 20 every 30s"), ("stall", "stall 3s every 1m"), ("disconnect", "disconnect every 45s"),
        ("skew", "skew 2s"), ("burst", "burst 5x for 1s every 20s"),
    ]

    /// Reads a plan; the grammar is that of the type's examples, faults separated by commas.
    ///
    /// - Throws: ``FaultPlanError`` with the column where reading ended.
    public init(_ text: String) throws(FaultPlanError) {
        self.init()
        var reader = FaultReader(text)
        if reader.takes("none") {
            guard reader.isAtEnd else { throw reader.problem("nothing goes with 'none': leave either out.") }
            return
        }
        var seen: Set<String> = []
        while true {
            let name = try reader.name(of: Self.examples.map(\.name))
            guard seen.insert(name).inserted else {
                throw reader.lastProblem("'\(name)' stands there already. Leave one of them out.")
            }
            let example = Self.examples.first { $0.name == name }?.example ?? name
            try self.read(name, example, &reader)
            if reader.isAtEnd { return }
            try reader.expect(",", example: "\(example), …")
        }
    }

    private mutating func read(
        _ name: String, _ example: String, _ reader: inout FaultReader
    ) throws(FaultPlanError) {
        switch name {
        case "drop": self.drop = try reader.share(example: example)
        case "duplicate": self.duplicate = try reader.share(example: example)
        case "reorder": self.reorder = try reader.share(example: example)
        case "garbage": self.garbage = try reader.share(example: example)
        case "gap":
            let trades = try reader.count(in: 1...100_000, unit: "", example: example)
            self.gap = Gap(trades: trades, every: try reader.every(example: example))
        case "stall": self.stall = try reader.spell(example: example)
        case "disconnect": self.disconnect = try reader.every(example: example)
        case "skew": self.skew = try reader.duration(allowsNegative: true, example: example)
        case "burst":
            let factor = try reader.count(in: 2...100, unit: "x", example: example)
            try reader.expect("for", example: example)
            self.burst = Burst(factor: Int64(factor), spell: try reader.spell(example: example))
        default: preconditionFailure("'\(name)' is listed as a fault and not read")
        }
    }
}
