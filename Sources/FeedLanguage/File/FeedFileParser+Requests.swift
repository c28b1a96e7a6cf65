import Market

/// `poll`, and what it shares with `backfill` and `discover`: requests, budgets, pages.
extension FeedFileParser {
    func poll(
        _ value: YAMLValue, headers: [HeaderTemplate], symbols: SymbolRules
    ) throws(FeedFileError) -> PollPlan {
        let section = try self.reader.section(
            value, "poll",
            keys: [
                "get", "post", "body", "every", "symbolsPerRequest", "budget", "conditional", "repeats", "hours",
                "page",
            ]
        )
        var request = try self.request(section, self.scope("'poll'", [.symbols, .counter]))
        request.headers = headers
        var symbolsPerRequest = 1
        if let count = section["symbolsPerRequest"] {
            symbolsPerRequest = try self.reader.integer(count, "'symbolsPerRequest'", in: 1...10_000)
            if symbolsPerRequest > 1, !request.mentionsSymbols {
                throw self.reader.error(
                    count.mark,
                    "'symbolsPerRequest' has no meaning for a request that names no symbols: remove it, or put '{symbols|join ,}' into the address."
                )
            }
            if symbolsPerRequest > 1, !request.mentionsManySymbols {
                throw self.reader.error(
                    count.mark,
                    "'{symbol}' is one symbol, but 'symbolsPerRequest' is \(symbolsPerRequest): write '{symbols|join ,}' for many, or remove the key."
                )
            }
        }
        let paging = try section["page"].map { value throws(FeedFileError) in try self.paging(value, request: request) }
        var isConditional = true
        if let conditional = section["conditional"] {
            isConditional = try self.reader.boolean(conditional, "'conditional'")
            if isConditional, paging != nil {
                throw self.reader.error(
                    conditional.mark, "pages are never asked for conditionally: remove 'conditional', or 'page'.")
            }
        }
        return PollPlan(
            request: request,
            interval: try self.reader.duration(
                section.required("every"), "'every'", in: .milliseconds(250)...(.seconds(86400))),
            symbolsPerRequest: symbolsPerRequest,
            budget: try section["budget"].map { value throws(FeedFileError) in try self.budget(value) }
                ?? BudgetRules(),
            paging: paging, isConditional: isConditional,
            dropsRepeats: try section["repeats"].map { value throws(FeedFileError) in
                try self.reader.choice(value, "'repeats'", Repeats.self) == .drop
            } ?? true,
            hours: try section["hours"].map { value throws(FeedFileError) in try self.hours(value) },
            rules: symbols
        )
    }

    private enum Repeats: String, CaseIterable {
        case drop, keep
    }

    private func hours(_ value: YAMLValue) throws(FeedFileError) -> MarketHours {
        let name = try self.reader.text(value, "'hours'")
        do {
            return MarketHours(calendar: try TradingCalendar(name))
        } catch {
            let names = TradingCalendar.names
            throw self.reader.error(value.mark, "'hours' is '\(name)': \(Suggestion.text(for: name, among: names))")
        }
    }

    // MARK: Shared with backfill and discover

    func budget(_ value: YAMLValue) throws(FeedFileError) -> BudgetRules {
        let names = BudgetRules.lengths.map(\.name)
        let section = try self.reader.section(value, "budget", keys: names + ["header", "max"])
        var rules = BudgetRules()
        for (name, length) in BudgetRules.lengths {
            guard let limit = section[name] else { continue }
            rules.windows.append(
                BudgetRules.Window(
                    name: name, limit: try self.reader.integer(limit, "'\(name)'", in: 1...100_000), length: length)
            )
        }
        switch (section["header"], section["max"]) {
        case (let header?, let max?):
            rules.weight = BudgetRules.Weight(
                header: try self.headerName(header),
                max: try self.reader.integer(max, "'max' of budget", in: 1...10_000_000)
            )
        case (let header?, nil):
            throw self.reader.error(header.mark, "'header' tells what is used: add 'max', the most that may be.")
        case (nil, let max?):
            throw self.reader.error(max.mark, "'max' goes with 'header', which tells what is used: add it.")
        case (nil, nil):
            if rules.windows.isEmpty {
                throw self.reader.error(
                    section.mark, "budget says nothing: add \(names.joined(separator: ", ")) or 'header'.")
            }
        }
        return rules
    }

    func paging(_ value: YAMLValue, request: RequestTemplate) throws(FeedFileError) -> Paging {
        let section = try self.reader.section(
            value, "page",
            keys: ["cursor", "header", "offset", "lastId", "lastTime", "parameter", "limit", "total", "unit", "max"]
        )
        guard request.method == "GET" else {
            throw self.reader.error(section.mark, "a page is a parameter of the address: 'page' goes with 'get' only.")
        }
        let forms = section.order.filter { ["cursor", "header", "offset", "lastId", "lastTime"].contains($0) }
        guard let form = forms.first, forms.count == 1 else {
            let found = forms.isEmpty ? "none" : forms.joined(separator: " and ")
            throw self.reader.error(
                section.mark,
                "page needs one of 'cursor', 'header', 'offset', 'lastId' and 'lastTime', but here is \(found).")
        }
        let allowed: [String: [String]] = [
            "cursor": ["parameter"], "header": ["parameter"], "offset": ["limit", "total"], "lastId": [],
            "lastTime": ["unit"],
        ]
        for key in section.order where key != form && key != "max" && !(allowed[form] ?? []).contains(key) {
            throw self.reader.error(section.mark, "'\(key)' of page has no meaning with '\(form)': remove it.")
        }
        var paging = try self.pagingForm(form, section)
        if let max = section["max"] { paging.pagesMax = try self.reader.integer(max, "'max' of page", in: 1...1000) }
        return paging
    }

    private func pagingForm(_ form: String, _ section: Section) throws(FeedFileError) -> Paging {
        let value = try section.required(form)
        switch form {
        case "cursor":
            return Paging(
                form: .cursor(try self.bodyPath(value, "'cursor'")), parameter: try section.text("parameter"))
        case "header":
            return Paging(form: .header(try self.headerName(value)), parameter: try section.text("parameter"))
        case "offset":
            let total = try section["total"].map { value throws(FeedFileError) in try self.bodyPath(value, "'total'") }
            let size = try self.reader.integer(section.required("limit"), "'limit' of page", in: 1...100_000)
            return Paging(form: .offset(size: size, total: total), parameter: try self.reader.text(value, "'offset'"))
        case "lastId":
            return Paging(form: .lastID, parameter: try self.reader.text(value, "'lastId'"))
        default:
            let unit = try section["unit"].map { value throws(FeedFileError) in
                try self.reader.choice(value, "'unit' of page", ValueSource.TimeUnit.self)
            }
            return Paging(form: .lastTime(unit ?? .ms), parameter: try self.reader.text(value, "'lastTime'"))
        }
    }

    /// A path from the root of an answer's body.
    func bodyPath(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> FieldPath {
        let path = try self.reader.path(value, what)
        if case .outer = path.origin {
            throw self.reader.error(value.mark, "\(what) starts at the answer: remove the '^'.")
        }
        guard !path.isEveryEntry, !path.isEntryKey else {
            throw self.reader.error(
                value.mark, "\(what) is one place in the answer: '*' and '@key' cannot stand in it.")
        }
        return path
    }

    private func headerName(_ value: YAMLValue) throws(FeedFileError) -> String {
        let name = try self.reader.text(value, "'header'")
        guard name.utf8.allSatisfy(Header.isTokenByte) else {
            throw self.reader.error(value.mark, "'\(name)' is not a header's name: write letters, digits and '-'.")
        }
        return name
    }
}
