import Market

extension FeedFileParser {
    private static let tradeFields = [
        "symbol", "price", "size", "side", "id", "time", "sequence", "snapshot", "flags",
    ]
    private static let quoteFields = [
        "symbol", "bid", "ask", "bidSize", "askSize", "last", "time", "sequence", "snapshot", "flags",
    ]
    private static let statusFields = ["symbol", "state", "reason", "time"]
    /// Frames of tests arrive at this instant unless they say otherwise: later than any event time a sample may carry.
    private static let defaultReceivedTime = Timestamp(nanoseconds: 4_102_444_800_000_000_000)

    func tests(_ value: YAMLValue?) throws(FeedFileError) -> [FeedTest] {
        guard let value else { return [] }
        guard case .sequence(let items) = value.content else {
            throw self.reader.error(value.mark, "'tests' must be a list, but \(value.kindName) stands here.")
        }
        var tests: [FeedTest] = []
        for item in items { tests.append(try self.test(item)) }
        return tests
    }

    private func test(_ value: YAMLValue) throws(FeedFileError) -> FeedTest {
        let section = try self.reader.section(
            value, "a test",
            keys: ["frame", "before", "gives", "symbols", "received", "subscribe", "unsubscribe", "sends"])
        if let subscribe = section["subscribe"] ?? section["unsubscribe"] {
            return try self.sendingTest(section, symbols: subscribe)
        }
        var received = Self.defaultReceivedTime
        if let text = section["received"] { received = try self.time(text, "'received'") }
        let symbols = try section["symbols"].map { value throws(FeedFileError) in
            try self.reader.symbols(value, "'symbols'")
        }
        var before: [[UInt8]] = []
        if let earlier = section["before"] {
            guard case .sequence(let frames) = earlier.content else {
                throw self.reader.error(earlier.mark, "'before' must be a list of frames.")
            }
            for frame in frames { before.append(try self.frame(frame)) }
        }
        return FeedTest(
            mark: section.mark,
            body: .frame(
                try self.frame(section.required("frame")), before: before,
                try self.expectation(section.required("gives"))),
            symbols: symbols ?? [], receivedTime: received
        )
    }

    /// `subscribe: [BTC-USD]` with `sends: […]`: what goes out.
    private func sendingTest(_ section: Section, symbols: YAMLValue) throws(FeedFileError) -> FeedTest {
        let isSubscribing = section["subscribe"] != nil
        let word = isSubscribing ? "subscribe" : "unsubscribe"
        for key in section.order where key != word && key != "sends" {
            throw self.reader.error(section.mark, "a test of '\(word)' has 'sends' besides, and not '\(key)'.")
        }
        let sends = try section.required("sends")
        guard case .sequence(let messages) = sends.content else {
            throw self.reader.error(
                sends.mark, "'sends' must be the list of messages, but \(sends.kindName) stands here.")
        }
        var texts: [String] = []
        for message in messages { texts.append(String(decoding: try self.frame(message), as: UTF8.self)) }
        return FeedTest(
            mark: section.mark, body: .sends(texts, isSubscribing: isSubscribing),
            symbols: try self.reader.symbols(symbols, "'\(word)'"), receivedTime: Self.defaultReceivedTime
        )
    }

    /// A frame: a text as it stands, or YAML that is written as JSON.
    private func frame(_ value: YAMLValue) throws(FeedFileError) -> [UInt8] {
        if case .scalar(let text, let isPlain) = value.content {
            guard !(isPlain && text.isEmpty) else {
                throw self.reader.error(
                    value.mark, "the frame is missing: write a mapping, a list or a quoted text.")
            }
            return Array(text.utf8)
        }
        var frame: [UInt8] = []
        try self.writeJSON(value, to: &frame)
        return frame
    }

    private func time(_ value: YAMLValue, _ what: String) throws(FeedFileError) -> Timestamp {
        let text = try self.reader.text(value, what)
        guard let time = Timestamp(iso8601: text) else {
            throw self.reader.error(
                value.mark, "\(what) must be a time such as 2026-11-23T12:00:00.123456Z, but '\(text)' stands here."
            )
        }
        return time
    }

    func writeJSON(_ value: YAMLValue, to bytes: inout [UInt8]) throws(FeedFileError) {
        switch value.content {
        case .scalar:
            guard let scalar = value.jsonScalar(), scalar.isString || JSONScalar.isLiteral(scalar.text) else {
                throw self.reader.error(value.mark, "a value is missing here; write null or \"\" if that is meant.")
            }
            scalar.write(to: &bytes)
        case .sequence(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                try self.writeJSON(item, to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .mapping(let pairs):
            bytes.append(UInt8(ascii: "{"))
            for (index, pair) in pairs.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(try self.reader.text(pair.key, "a key"))
                bytes.append(UInt8(ascii: ":"))
                try self.writeJSON(pair.value, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private func expectation(_ value: YAMLValue) throws(FeedFileError) -> FeedTest.Expectation {
        switch value.content {
        case .scalar(let text, _):
            switch text {
            case "ignored": return .ignored
            case "control": return .control
            case "unmatched": return .unmatched
            case "malformed": return .malformed
            case "reconnect": return .reconnect
            default:
                throw self.reader.error(value.mark, "'gives' is '\(text)': \(Self.expectationFix(for: text))")
            }
        case .sequence(let items):
            guard !items.isEmpty else { return .ignored }
            var ticks: [ExpectedTick] = []
            for item in items { ticks.append(try self.expectedTick(item)) }
            return .ticks(ticks)
        case .mapping: return try self.mappingExpectation(value)
        }
    }

    /// What may be written for a wrong word after `gives`.
    private static func expectationFix(for text: String) -> String {
        let words = ["ignored", "control", "unmatched", "malformed", "reconnect"]
        let examples = [
            "trade": "{trade: {price: \"1\"}}", "quote": "{quote: {bid: \"1\"}}",
            "status": "{status: {state: halted}}", "ack": "{ack: [BTC-USD]}",
            "failed": "{failed: [BTC-USD]}", "error": "{error: TEXT}", "fatal": "{fatal: TEXT}",
            "reply": "{reply: MESSAGE}", "channel": "{channel: {id: ID}}",
        ]
        let rest = "a trade, quote, status, ack, failed, error, fatal, reply or channel"
        guard let near = Suggestion.nearest(to: text, among: words + self.expectationKinds) else {
            return "write one of \(words.joined(separator: ", ")), or give \(rest)."
        }
        return "did you mean '\(examples[near] ?? near)'? Or give \(rest)."
    }

    private static let expectationKinds = [
        "trade", "quote", "status", "error", "fatal", "reply", "ack", "failed", "channel",
    ]

    private func mappingExpectation(_ value: YAMLValue) throws(FeedFileError) -> FeedTest.Expectation {
        let section = try self.reader.section(
            value, "'gives'", keys: Self.expectationKinds)
        guard let kind = section.order.first, !Self.tickKinds.contains(kind) else {
            return .ticks([try self.expectedTick(value)])
        }
        let operand = try section.required(kind)
        if kind == "ack" || kind == "failed" {
            if let other = section.order.first(where: { $0 != "ack" && $0 != "failed" }) {
                throw self.reader.error(
                    section.mark, "'\(kind)' of 'gives' goes with 'ack' and 'failed' only: remove '\(other)'.")
            }
            return .acknowledged(
                symbols: try section["ack"].map { value throws(FeedFileError) in
                    try self.reader.symbols(value, "'ack'")
                } ?? [],
                failed: try section["failed"].map { value throws(FeedFileError) in
                    try self.reader.texts(value, "'failed'")
                } ?? []
            )
        }
        guard section.order.count == 1 else {
            throw self.reader.error(operand.mark, "'\(kind)' of 'gives' stands alone: remove the rest.")
        }
        switch kind {
        case "error": return .error(try self.reader.text(operand, "'error'"))
        case "fatal": return .fatal(try self.reader.text(operand, "'fatal'"))
        case "reply": return .reply(String(decoding: try self.frame(operand), as: UTF8.self))
        default:
            let channel = try self.reader.section(operand, "'channel'", keys: ["id", "kind", "symbol"])
            return .registered(
                id: try channel.text("id"),
                kind: try channel["kind"].map { value throws(FeedFileError) in
                    try self.reader.text(value, "'kind'")
                },
                symbol: try channel["symbol"].map { value throws(FeedFileError) in
                    try self.reader.symbol(value, "'symbol'")
                }
            )
        }
    }

    private static let tickKinds = ["trade", "quote", "status"]

    private func expectedTick(_ value: YAMLValue) throws(FeedFileError) -> ExpectedTick {
        let section = try self.reader.section(value, "'gives'", keys: Self.tickKinds)
        guard let kind = section.order.first, section.order.count == 1 else {
            throw self.reader.error(
                section.mark, "one entry is a trade, a quote or a status; for several write a list.")
        }
        let body = try self.reader.section(
            section.required(kind), kind,
            keys: kind == "trade" ? Self.tradeFields : kind == "quote" ? Self.quoteFields : Self.statusFields
        )
        var fields: [(name: String, value: String?)] = []
        for name in body.order {
            let value = try body.required(name)
            fields.append((name: name, value: try self.expectedField(name, value)))
        }
        return ExpectedTick(mark: section.mark, kind: kind, fields: fields)
    }

    private func expectedField(_ name: String, _ value: YAMLValue) throws(FeedFileError) -> String? {
        if name == "flags" {
            return try self.reader.texts(value, "'flags'").sorted().joined(separator: ", ")
        }
        if value.jsonScalar() == JSONScalar(text: "null", isString: false) { return nil }
        let text = try self.reader.text(value, "'\(name)'")
        switch name {
        case "price", "size", "bid", "ask", "bidSize", "askSize", "last":
            guard let decimal = Decimal64(text) else {
                throw self.reader.error(value.mark, "'\(name)' must be a number, but '\(text)' stands here.")
            }
            return decimal.description
        case "time": return try self.time(value, "'time'").description
        case "symbol": return try self.reader.symbol(value, "'symbol'").name
        case "snapshot": return try self.reader.boolean(value, "'snapshot'") ? "true" : "false"
        case "state": return try self.tradingState(value).name
        default: return text
        }
    }
}
