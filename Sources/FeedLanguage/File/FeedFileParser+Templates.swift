import Market

extension FeedFileParser {
    /// The placeholders that a text may hold, besides times, `{uuid}`, `${NAME}` and what the bootstrap has captured.
    func scope(_ place: String, _ kinds: Set<TemplateScope.Kind>) -> TemplateScope {
        TemplateScope(kinds: kinds, captures: self.captures, place: place)
    }

    /// The answer to a frame.
    func replyTemplate(_ value: YAMLValue) throws(FeedFileError) -> MessageTemplate {
        try self.template(value, self.scope("a reply", [.frame]))
    }

    /// A message to send, or a request's body.
    func template(_ value: YAMLValue, _ scope: TemplateScope) throws(FeedFileError) -> MessageTemplate {
        let root = try self.templateNode(value, scope, insideList: false)
        // A bare text is sent as it is: providers such as OKX expect the word ping, not "ping".
        if case .text(let text) = root { return MessageTemplate(root: .bare(text)) }
        return MessageTemplate(root: root)
    }

    private func templateNode(
        _ value: YAMLValue, _ scope: TemplateScope, insideList: Bool
    ) throws(FeedFileError) -> TemplateNode {
        switch value.content {
        case .scalar:
            guard let scalar = value.jsonScalar(), scalar.isString || !scalar.text.isEmpty else {
                throw self.reader.error(value.mark, "a value is missing here; write null or \"\" if that is meant.")
            }
            guard scalar.isString else { return .literal(scalar.text) }
            return try self.templateNode(
                try self.textTemplate(scalar.text, mark: value.mark, scope), mark: value.mark, insideList: insideList)
        case .sequence(let items):
            var nodes: [TemplateNode] = []
            for item in items { nodes.append(try self.templateNode(item, scope, insideList: true)) }
            return .array(nodes)
        case .mapping(let pairs):
            var members: [TemplateNode.Member] = []
            for (key, value) in pairs {
                members.append(
                    TemplateNode.Member(
                        key: try self.reader.text(key, "a key"),
                        value: try self.templateNode(value, scope, insideList: false)
                    )
                )
            }
            return .object(members)
        }
    }

    /// A text of a message; a placeholder alone may be another kind of value.
    private func templateNode(
        _ text: TextTemplate, mark: SourceMark, insideList: Bool
    ) throws(FeedFileError) -> TemplateNode {
        if let only = text.onlyInsertion, only.form == .plain, only.letterCase == .asIs {
            if case .frame = only.placeholder { return .value(only.placeholder) }
            if only.placeholder.isNumber { return .value(only.placeholder) }
        }
        if let only = text.onlyInsertion, only.placeholder == .symbols, only.form == .plain, insideList {
            return .splice(only.letterCase)
        }
        for case .insertion(let insertion) in text.parts
        where insertion.placeholder == .symbols && insertion.form == .plain {
            throw self.reader.error(
                mark,
                "'{symbols}' must be a list's own member, [\"{symbols}\"]; for one text write '{symbols|join ,}'."
            )
        }
        return .text(text)
    }

    /// A text with placeholders.
    func textTemplate(
        _ text: String, mark: SourceMark, _ scope: TemplateScope
    ) throws(FeedFileError) -> TextTemplate {
        let template: TextTemplate
        do {
            template = try TextTemplate.parse(text, scope: scope)
        } catch {
            throw self.reader.error(mark, error.message)
        }
        for case .variable(let name, let fallback) in template.placeholders {
            self.variables.insert(name, fallback: fallback)
        }
        return template
    }

    // MARK: Requests

    func headers(_ value: YAMLValue) throws(FeedFileError) -> [HeaderTemplate] {
        var headers: [HeaderTemplate] = []
        for (key, value) in try self.pairs(value, "'headers'") {
            let name = try self.reader.text(key, "a header's name")
            guard name.utf8.allSatisfy(Header.isTokenByte) else {
                throw self.reader.error(key.mark, "'\(name)' is not a header's name.")
            }
            let text = try self.reader.text(value, "header \(name)")
            guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw self.reader.error(value.mark, "header \(name) holds a control character: remove it.")
            }
            headers.append(
                HeaderTemplate(
                    name: name, value: try self.textTemplate(text, mark: value.mark, self.scope("a header", [])))
            )
        }
        return headers
    }

    /// An address; it may begin with a placeholder that gives all of its first part.
    func url(
        _ value: YAMLValue, _ what: String, schemes: [String], _ scope: TemplateScope
    ) throws(FeedFileError) -> TextTemplate {
        let text = try self.reader.text(value, what)
        let isWhole = schemes.contains { text.hasPrefix($0) && text.count > $0.count }
        guard isWhole || text.hasPrefix("{") || text.hasPrefix("${"),
            text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "\"") })
                || text.contains("{")
        else {
            throw self.reader.error(
                value.mark,
                "\(what) must be an address that starts with \(schemes.joined(separator: " or ")), but '\(text)' stands here."
            )
        }
        return try self.textTemplate(text, mark: value.mark, scope)
    }

    /// The keys of a section that ``request(_:_:)`` reads.
    static var requestKeys: [String] { ["get", "post", "headers", "body"] }

    /// A request: `get` or `post` with the address, `headers`, `body`.
    func request(_ section: Section, _ scope: TemplateScope) throws(FeedFileError) -> RequestTemplate {
        let address: YAMLValue
        switch (section["get"], section["post"]) {
        case (let get?, nil): address = get
        case (nil, let post?): address = post
        case (_?, let post?):
            throw self.reader.error(post.mark, "\(section.name) has both 'get' and 'post': keep one.")
        case (nil, nil):
            throw self.reader.error(section.mark, "\(section.name) lacks the address: add 'get: https://…' or 'post'.")
        }
        var request = RequestTemplate(
            url: try self.url(
                address, section["get"] == nil ? "'post'" : "'get'", schemes: ["http://", "https://"], scope))
        request.method = section["get"] == nil ? "POST" : "GET"
        if let headers = section["headers"] { request.headers = try self.headers(headers) }
        if let body = section["body"] {
            guard section["post"] != nil else {
                throw self.reader.error(body.mark, "a GET request has no body: write 'post' in place of 'get'.")
            }
            request.body = try self.template(body, scope)
        }
        return request
    }

    // MARK: Subscriptions

    func subscription(_ value: YAMLValue, _ name: String) throws(FeedFileError) -> SubscriptionTemplate {
        let isLeaving = name == "unsubscribe"
        let section = try self.reader.section(
            value, name, keys: isLeaving ? ["send", "perSymbol"] : ["send", "perSymbol", "mode"])
        let scope = self.scope("'\(name)'", isLeaving ? [.symbols, .counter, .channel] : [.symbols, .counter])
        var template: SubscriptionTemplate
        switch (section["send"], section["perSymbol"]) {
        case (let send?, nil):
            template = SubscriptionTemplate(
                messages: try self.templates(send, scope, isPerSymbol: false), isPerSymbol: false)
        case (nil, let each?):
            template = SubscriptionTemplate(
                messages: try self.templates(each, scope, isPerSymbol: true), isPerSymbol: true)
        case (_?, let each?):
            throw self.reader.error(each.mark, "\(name) has both 'send' and 'perSymbol': keep one.")
        case (nil, nil):
            throw self.reader.error(section.mark, "\(name) says nothing to send: add 'send' or 'perSymbol'.")
        }
        if let mode = section["mode"] {
            template.mode = try self.reader.choice(mode, "'mode'", SubscriptionTemplate.Mode.self)
            guard template.mode == .add || !template.isPerSymbol else {
                throw self.reader.error(
                    mode.mark,
                    "'mode: replace' needs every symbol in one message: write 'send' in place of 'perSymbol'.")
            }
        }
        return template
    }

    /// A message, or a list of messages.
    private func templates(
        _ value: YAMLValue, _ scope: TemplateScope, isPerSymbol: Bool
    ) throws(FeedFileError) -> [MessageTemplate] {
        var result: [MessageTemplate] = []
        for item in self.reader.list(value) {
            let template = try self.template(item, scope)
            let repeats = isPerSymbol || template.root.placeholders.contains(.channel)
            if !repeats, template.root.hasSymbolOutsideList {
                throw self.reader.error(
                    item.mark,
                    "'{symbol}' stands outside a list: write 'perSymbol' in place of 'send' for one message a symbol."
                )
            }
            result.append(template)
        }
        return result
    }
}
