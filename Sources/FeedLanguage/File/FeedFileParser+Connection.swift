import Market

extension FeedFileParser {
    func connection(_ value: YAMLValue, symbols: SymbolRules) throws(FeedFileError) -> ConnectionSettings {
        let section = try self.reader.section(
            value, "connect",
            keys: ["websocket", "poll", "headers", "limits", "idleTimeout", "connectTimeout", "maxAge", "keepalive"]
        )
        let headers = try section["headers"].map { value throws(FeedFileError) in try self.headers(value) } ?? []
        let transport: Transport
        switch (section["websocket"], section["poll"]) {
        case (let url?, nil):
            transport = .webSocket(
                WebSocketPlan(
                    url: try self.url(url, "'websocket'", schemes: ["ws://", "wss://"]), headers: headers,
                    rules: symbols)
            )
        case (nil, let poll?):
            transport = .poll(try self.poll(poll, headers: headers, symbols: symbols))
            for key in ["idleTimeout", "connectTimeout", "maxAge", "keepalive", "limits"] {
                guard let unused = section[key] else { continue }
                throw self.reader.error(unused.mark, "'\(key)' has no meaning for a polled feed: remove it.")
            }
        case (_?, let poll?):
            throw self.reader.error(poll.mark, "connect has both 'websocket' and 'poll': keep one.")
        case (nil, nil):
            throw self.reader.error(
                section.mark, "connect lacks the address: add 'websocket: wss://…' or 'poll: {get: https://…}'.")
        }
        var settings = ConnectionSettings(transport: transport)
        if let limits = section["limits"] { settings.limits = try self.limits(limits) }
        if let idle = section["idleTimeout"] {
            settings.idleTimeout = try self.reader.duration(idle, "'idleTimeout'", in: .seconds(1)...(.seconds(3600)))
        }
        if let connect = section["connectTimeout"] {
            settings.connectTimeout = try self.reader.duration(
                connect, "'connectTimeout'", in: .seconds(1)...(.seconds(120)))
        }
        if let age = section["maxAge"] {
            settings.maximumAge = try self.reader.duration(age, "'maxAge'", in: .seconds(60)...(.seconds(90 * 86400)))
        }
        if let keepAlive = section["keepalive"] {
            let keep = try self.reader.section(keepAlive, "keepalive", keys: ["every", "send"])
            settings.keepAlive = KeepAlive(
                interval: try self.reader.duration(
                    keep.required("every"), "'every'", in: .seconds(1)...(.seconds(3600))),
                message: try self.template(keep.required("send"), allowsSymbols: false)
            )
        }
        return settings
    }

    private func limits(_ value: YAMLValue) throws(FeedFileError) -> FeedLimits {
        let section = try self.reader.section(
            value, "limits", keys: ["symbolsPerConnection", "symbolsPerMessage", "messagesPerSecond"]
        )
        var limits = FeedLimits()
        if let count = section["symbolsPerConnection"] {
            limits.symbolsPerConnection = try self.reader.integer(count, "'symbolsPerConnection'", in: 1...100_000)
        }
        if let count = section["symbolsPerMessage"] {
            limits.symbolsPerMessage = try self.reader.integer(count, "'symbolsPerMessage'", in: 1...100_000)
        }
        if let rate = section["messagesPerSecond"] {
            limits.messagesPerSecond = try self.reader.integer(rate, "'messagesPerSecond'", in: 1...1000)
        }
        return limits
    }

    func headers(_ value: YAMLValue) throws(FeedFileError) -> [Header] {
        var headers: [Header] = []
        for (key, value) in try self.pairs(value, "'headers'") {
            let name = try self.reader.text(key, "a header's name")
            guard name.utf8.allSatisfy(Header.isTokenByte) else {
                throw self.reader.error(key.mark, "'\(name)' is not a header's name.")
            }
            let text = try self.reader.text(value, "header \(name)")
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw self.reader.error(value.mark, "header \(name) holds a control character: remove it.")
            }
            headers.append(Header(name: name, value: text))
        }
        return headers
    }

    func url(_ value: YAMLValue, _ what: String, schemes: [String]) throws(FeedFileError) -> TextTemplate {
        let text = try self.reader.text(value, what)
        guard let scheme = schemes.first(where: text.hasPrefix), text.count > scheme.count,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") })
                || text.contains("{")
        else {
            throw self.reader.error(
                value.mark,
                "\(what) must be an address that starts with \(schemes.joined(separator: " or ")), but '\(text)' stands here."
            )
        }
        return try self.textTemplate(text, mark: value.mark)
    }

    // MARK: Templates

    func subscription(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> SubscriptionTemplate {
        let section = try self.reader.section(value, name, keys: ["send", "perSymbol"])
        switch (section["send"], section["perSymbol"]) {
        case (let send?, nil):
            return SubscriptionTemplate(messages: try self.templates(send, isPerSymbol: false), isPerSymbol: false)
        case (nil, let each?):
            return SubscriptionTemplate(messages: try self.templates(each, isPerSymbol: true), isPerSymbol: true)
        case (_?, let each?):
            throw self.reader.error(each.mark, "\(name) has both 'send' and 'perSymbol': keep one.")
        case (nil, nil):
            throw self.reader.error(section.mark, "\(name) says nothing to send: add 'send' or 'perSymbol'.")
        }
    }

    /// A message, or a list of messages.
    private func templates(_ value: YAMLValue, isPerSymbol: Bool) throws(FeedFileError) -> [MessageTemplate] {
        var result: [MessageTemplate] = []
        for item in self.reader.list(value) {
            let template = try self.template(item, allowsSymbols: true)
            if !isPerSymbol, template.root.hasSymbolOutsideList {
                throw self.reader.error(
                    item.mark,
                    "'{symbol}' stands outside a list: write 'perSymbol' in place of 'send' for one message a symbol."
                )
            }
            result.append(template)
        }
        return result
    }

    func template(_ value: YAMLValue, allowsSymbols: Bool) throws(FeedFileError) -> MessageTemplate {
        let root = try self.templateNode(value, insideList: false)
        if !allowsSymbols, root.mentionsSymbols {
            throw self.reader.error(
                value.mark, "this message is sent without symbols: remove '{symbol}' and '{symbols}'.")
        }
        // A bare text is sent as it is: providers such as OKX expect the word ping, not "ping".
        if case .text(let text) = root { return MessageTemplate(root: .bare(text)) }
        return MessageTemplate(root: root)
    }

    private func templateNode(_ value: YAMLValue, insideList: Bool) throws(FeedFileError) -> TemplateNode {
        switch value.content {
        case .scalar:
            guard let scalar = value.jsonScalar(), scalar.isString || !scalar.text.isEmpty else {
                throw self.reader.error(value.mark, "a value is missing here; write null or \"\" if that is meant.")
            }
            guard scalar.isString else { return .literal(scalar.text) }
            let text = try self.textTemplate(scalar.text, mark: value.mark)
            if text.parts == [.counter] { return .counter }
            if case .symbols(let letterCase, nil)? = text.parts.first {
                guard text.parts.count == 1, insideList else {
                    throw self.reader.error(
                        value.mark,
                        "'{symbols}' must be a list's own member, [\"{symbols}\"]; for one text write '{symbols|join ,}'."
                    )
                }
                return .splice(letterCase)
            }
            return .text(text)
        case .sequence(let items):
            var nodes: [TemplateNode] = []
            for item in items { nodes.append(try self.templateNode(item, insideList: true)) }
            return .array(nodes)
        case .mapping(let pairs):
            var members: [TemplateNode.Member] = []
            for (key, value) in pairs {
                members.append(
                    TemplateNode.Member(
                        key: try self.reader.text(key, "a key"), value: try self.templateNode(value, insideList: false)
                    )
                )
            }
            return .object(members)
        }
    }

    func textTemplate(_ text: String, mark: SourceMark) throws(FeedFileError) -> TextTemplate {
        do {
            return try TextTemplate.parse(text)
        } catch {
            throw self.reader.error(mark, error.message)
        }
    }
}
