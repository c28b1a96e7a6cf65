import Market

extension FeedFileParser {
    private static let streamKeys = [
        "idleTimeout", "dataTimeout", "connectTimeout", "maxAge", "keepalive", "limits", "onOpen",
    ]

    /// `connect`; remembers what the bootstrap captures for the texts after it.
    mutating func connection(_ value: YAMLValue, symbols: SymbolRules) throws(FeedFileError) -> ConnectionSettings {
        let section = try self.reader.section(
            value, "connect",
            keys: ["websocket", "poll", "bootstrap", "headers", "decode"] + Self.streamKeys
        )
        let bootstrap = try self.bootstrap(section["bootstrap"])
        let headers = try section["headers"].map { value throws(FeedFileError) in try self.headers(value) } ?? []
        var settings = ConnectionSettings(
            transport: try self.transport(section, headers: headers, symbols: symbols), bootstrap: bootstrap)
        if let decode = section["decode"] {
            settings.encoding = try self.reader.choice(decode, "'decode'", FrameEncoding.self)
        }
        if let limits = section["limits"] { settings.limits = try self.limits(limits) }
        if let idle = section["idleTimeout"] {
            settings.idleTimeout = try self.reader.duration(idle, "'idleTimeout'", in: .seconds(1)...(.seconds(3600)))
        }
        if let data = section["dataTimeout"] {
            settings.dataTimeout = try self.reader.duration(data, "'dataTimeout'", in: .seconds(1)...(.seconds(86400)))
        }
        if let connect = section["connectTimeout"] {
            settings.connectTimeout = try self.reader.duration(
                connect, "'connectTimeout'", in: .seconds(1)...(.seconds(120)))
        }
        if let age = section["maxAge"] {
            settings.maximumAge = try self.reader.duration(age, "'maxAge'", in: .seconds(60)...(.seconds(90 * 86400)))
        }
        settings.keepAlive = try section["keepalive"].map { value throws(FeedFileError) in try self.keepAlive(value) }
        if let opening = section["onOpen"] { try self.opening(opening, into: &settings) }
        return settings
    }

    private func transport(
        _ section: Section, headers: [HeaderTemplate], symbols: SymbolRules
    ) throws(FeedFileError) -> Transport {
        switch (section["websocket"], section["poll"]) {
        case (let url?, nil):
            return .webSocket(
                WebSocketPlan(
                    url: try self.url(
                        url, "'websocket'", schemes: ["ws://", "wss://"],
                        self.scope("'websocket'", [.symbols, .counter])),
                    headerTemplates: headers, rules: symbols)
            )
        case (nil, let poll?):
            for key in Self.streamKeys {
                guard let unused = section[key] else { continue }
                throw self.reader.error(unused.mark, "'\(key)' has no meaning for a polled feed: remove it.")
            }
            return .poll(try self.poll(poll, headers: headers, symbols: symbols))
        case (_?, let poll?):
            throw self.reader.error(poll.mark, "connect has both 'websocket' and 'poll': keep one.")
        case (nil, nil):
            throw self.reader.error(
                section.mark, "connect lacks the address: add 'websocket: wss://…' or 'poll: {get: https://…}'.")
        }
    }

    private func limits(_ value: YAMLValue) throws(FeedFileError) -> FeedLimits {
        let section = try self.reader.section(
            value, "limits",
            keys: [
                "symbolsPerConnection", "symbolsPerMessage", "messagesPerSecond", "messagesPerHour",
                "connectsPerMinute",
                "connections",
            ]
        )
        func count(_ key: String, upTo most: Int) throws(FeedFileError) -> Int? {
            try section[key].map { value throws(FeedFileError) in
                try self.reader.integer(value, "'\(key)'", in: 1...most)
            }
        }
        var limits = FeedLimits()
        limits.symbolsPerConnection = try count("symbolsPerConnection", upTo: 100_000) ?? limits.symbolsPerConnection
        limits.symbolsPerMessage = try count("symbolsPerMessage", upTo: 100_000)
        limits.messagesPerSecond = try count("messagesPerSecond", upTo: 1000) ?? limits.messagesPerSecond
        limits.messagesPerHour = try count("messagesPerHour", upTo: 1_000_000)
        limits.connectsPerMinute = try count("connectsPerMinute", upTo: 10_000)
        limits.connections = try count("connections", upTo: 10_000)
        return limits
    }

    // MARK: Keep-alive

    private func keepAlive(_ value: YAMLValue) throws(FeedFileError) -> KeepAlive {
        let section = try self.reader.section(
            value, "keepalive", keys: ["every", "send", "ping", "resubscribe", "whenQuiet"])
        let contents = section.order.filter { ["send", "ping", "resubscribe"].contains($0) }
        guard let content = contents.first, contents.count == 1 else {
            let found = contents.isEmpty ? "none of them" : contents.joined(separator: " and ")
            throw self.reader.error(
                section.mark,
                "keepalive says one of 'send', 'ping: true' and 'resubscribe: true', but here is \(found).")
        }
        let operand = try section.required(content)
        var keepAlive = KeepAlive(
            interval: try self.interval(section.required("every")),
            content: content == "ping" ? .ping : .resubscribe
        )
        if content == "send" {
            keepAlive.content = .message(try self.template(operand, self.scope("'keepalive'", [.counter])))
        } else if !(try self.reader.boolean(operand, "'\(content)'")) {
            throw self.reader.error(operand.mark, "'\(content)' can only be true: write 'send' otherwise.")
        }
        if let quiet = section["whenQuiet"] {
            keepAlive.isOnlyWhenQuiet = try self.reader.boolean(quiet, "'whenQuiet'")
        }
        return keepAlive
    }

    private func interval(_ value: YAMLValue) throws(FeedFileError) -> KeepAlive.Interval {
        let range = Duration.seconds(1)...(.seconds(3600))
        guard case .mapping = value.content else {
            return .fixed(try self.reader.duration(value, "'every'", in: range))
        }
        let section = try self.reader.section(value, "every", keys: ["capture", "unit", "default"])
        let name = try section.text("capture")
        guard self.captures.contains(name) else {
            throw self.reader.error(
                try section.required("capture").mark,
                "'capture' names '\(name)', which the bootstrap does not capture: \(Suggestion.text(for: name, among: self.captures))"
            )
        }
        return .captured(
            name, unit: try self.reader.choice(section.required("unit"), "'unit'", CapturedUnit.self).duration,
            fallback: try self.reader.duration(section.required("default"), "'default'", in: range)
        )
    }

    private enum CapturedUnit: String, CaseIterable {
        case ms, s, m

        var duration: Duration {
            switch self {
            case .ms: .milliseconds(1)
            case .s: .seconds(1)
            case .m: .seconds(60)
            }
        }
    }
}
