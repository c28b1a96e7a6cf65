import Market

extension FeedFileParser {
    /// `status: {symbol: S, state: {from: sc, map: {H: halted, T: trading}}, reason: rm, time: t}`.
    func status(_ value: YAMLValue, hasChannel: Bool) throws(FeedFileError) -> StatusMapping {
        let section = try self.reader.section(value, "status", keys: ["symbol", "state", "reason", "time"])
        let state = try self.reader.section(section.required("state"), "state", keys: ["from", "map", "default"])
        var source = ValueSource(mark: state.mark)
        source.paths = try self.paths(state.required("from"), "state")
        var states: [String: TradingState] = [:]
        for (key, value) in try self.pairs(state.required("map"), "'map' of state") {
            states[try self.reader.text(key, "'map' of state")] = try self.tradingState(value)
        }
        return StatusMapping(
            symbol: try self.symbolSource(section, hasChannel: hasChannel), state: source, states: states,
            fallback: try state["default"].map { value throws(FeedFileError) in try self.tradingState(value) },
            reason: try self.optional(section, "reason", keys: ["from", "none", "text", "matches"]),
            time: try self.optional(section, "time", keys: Self.timeKeys)
        )
    }

    func tradingState(_ value: YAMLValue) throws(FeedFileError) -> TradingState {
        let text = try self.reader.text(value, "a state")
        guard let state = TradingState(name: text) else {
            let names = TradingState.allCases.map(\.name)
            throw self.reader.error(
                value.mark,
                "a state is \(Wording.list(names, "or")), but '\(text)' stands here: \(Suggestion.text(for: text, among: names))"
            )
        }
        return state
    }
}
