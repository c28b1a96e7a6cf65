import Market

extension TickBuilder {
    /// Reads what a venue says about the trading of a symbol.
    @inline(never)
    mutating func readStatus(_ code: UnsafeMutablePointer<StatusCode>) {
        guard let symbol = self.symbol(&code.pointee.symbol) else { return }
        guard let word = self.bytes(self.slot(&code.pointee.state)), let start = word.baseAddress else {
            return self.complain("there is no state")
        }
        var found = code.pointee.states.find(self.key(word, at: start))
        if found < 0 { found = code.pointee.fallback }
        self.sawControl = true
        guard let state = TradingState(rawValue: UInt8(truncatingIfNeeded: found)) else { return }
        var flags: TickFlags = []
        let status = TradingStatus(
            symbol: symbol, venue: self.venue, state: state, reason: self.text(&code.pointee.reason),
            eventTime: self.time(&code.pointee.time, &flags), receivedTime: self.receivedTime
        )
        if !self.sawStatus { self.workspace.pointee.statuses.removeAll(keepingCapacity: true) }
        self.sawStatus = true
        self.workspace.pointee.statuses.append(status)
    }
}
