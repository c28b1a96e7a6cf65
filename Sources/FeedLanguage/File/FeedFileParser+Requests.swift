extension FeedFileParser {
    func poll(_ value: YAMLValue, headers: [Header], symbols: SymbolRules) throws(FeedFileError) -> PollPlan {
        let section = try self.reader.section(value, "poll", keys: ["get", "every", "symbolsPerRequest"])
        let url = try self.url(section.required("get"), "'get'", schemes: ["http://", "https://"])
        var symbolsPerRequest = 1
        if let count = section["symbolsPerRequest"] {
            symbolsPerRequest = try self.reader.integer(count, "'symbolsPerRequest'", in: 1...10_000)
        }
        return PollPlan(
            url: url,
            interval: try self.reader.duration(
                section.required("every"), "'every'", in: .milliseconds(250)...(.seconds(86400))),
            headers: headers, symbolsPerRequest: symbolsPerRequest, rules: symbols
        )
    }
}
