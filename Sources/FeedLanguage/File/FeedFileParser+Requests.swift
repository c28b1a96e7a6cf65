extension FeedFileParser {
    func poll(
        _ value: YAMLValue, headers: [HeaderTemplate], symbols: SymbolRules
    ) throws(FeedFileError) -> PollPlan {
        let section = try self.reader.section(value, "poll", keys: ["get", "every", "symbolsPerRequest"])
        var request = try self.request(section, self.scope("'poll'", [.symbols]))
        request.headers = headers
        var symbolsPerRequest = 1
        if let count = section["symbolsPerRequest"] {
            symbolsPerRequest = try self.reader.integer(count, "'symbolsPerRequest'", in: 1...10_000)
        }
        return PollPlan(
            request: request,
            interval: try self.reader.duration(
                section.required("every"), "'every'", in: .milliseconds(250)...(.seconds(86400))),
            symbolsPerRequest: symbolsPerRequest, rules: symbols, environment: [:]
        )
    }
}
