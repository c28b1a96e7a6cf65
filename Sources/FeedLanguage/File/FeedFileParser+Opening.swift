extension FeedFileParser {
    // MARK: Bootstrap

    /// `bootstrap`: a request, or several in order; each may use what those before it have captured.
    mutating func bootstrap(_ value: YAMLValue?) throws(FeedFileError) -> BootstrapPlan? {
        guard let value else { return nil }
        var plan = BootstrapPlan(steps: [])
        for item in self.reader.list(value) {
            let section = try self.reader.section(
                item, "bootstrap", keys: Self.requestKeys + ["capture", "validFor", "status"])
            var step = BootstrapPlan.Step(
                request: try self.request(section, self.scope("'bootstrap'", [])), captures: [])
            if let capture = section["capture"] { step.captures = try self.captures(capture) }
            if let status = section["status"] {
                for item in self.reader.list(status) {
                    step.statuses.append(try self.reader.integer(item, "'status'", in: 200...599))
                }
            }
            if let valid = section["validFor"] {
                let duration = try self.reader.duration(valid, "'validFor'", in: .seconds(1)...(.seconds(90 * 86400)))
                plan.validFor = min(plan.validFor ?? duration, duration)
            }
            plan.steps.append(step)
        }
        guard !plan.steps.isEmpty else {
            throw self.reader.error(value.mark, "'bootstrap' holds no request: add 'get' or 'post', or remove it.")
        }
        return plan
    }

    private mutating func captures(_ value: YAMLValue) throws(FeedFileError) -> [BootstrapPlan.Capture] {
        var result: [BootstrapPlan.Capture] = []
        for (key, value) in try self.pairs(value, "'capture'") {
            let name = try self.reader.text(key, "the name of a capture")
            guard let first = name.utf8.first, Self.isLetter(first),
                name.utf8.allSatisfy({ Self.isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else {
                throw self.reader.error(
                    key.mark, "'\(name)' is not a name: write letters, digits and '_', such as 'token'.")
            }
            guard !TemplateScope.names.contains(where: { $0.name == name }) else {
                throw self.reader.error(key.mark, "'{\(name)}' already has a meaning: choose another name.")
            }
            let path = try self.reader.path(value, "'\(name)'")
            guard !path.isEveryEntry, !path.isEntryKey else {
                throw self.reader.error(value.mark, "'\(name)': '*' and '@key' have no value here; name one place.")
            }
            result.append(BootstrapPlan.Capture(name: name, path: path.segments.isEmpty ? nil : path))
            if !self.captures.contains(name) { self.captures.append(name) }
        }
        return result
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"): true
        default: false
        }
    }

    // MARK: onOpen

    private static let expectTimeout = Duration.seconds(10)

    /// `onOpen`: what is sent, awaited and waited between the open socket and the subscription.
    func opening(_ value: YAMLValue, into settings: inout ConnectionSettings) throws(FeedFileError) {
        for item in self.reader.list(value) {
            let section = try self.reader.section(
                item, "a step of onOpen", keys: ["send", "expect", "within", "sleep"])
            let kinds = section.order.filter { $0 != "within" }
            guard let kind = kinds.first, kinds.count == 1 else {
                let found = kinds.isEmpty ? "none of them" : kinds.joined(separator: " and ")
                throw self.reader.error(
                    section.mark, "a step of onOpen is one of 'send', 'expect' and 'sleep', but here is \(found).")
            }
            if let within = section["within"], kind != "expect" {
                throw self.reader.error(within.mark, "'within' goes with 'expect': remove it.")
            }
            let operand = try section.required(kind)
            switch kind {
            case "send":
                settings.opening.append(.send(try self.template(operand, self.scope("'onOpen'", [.counter]))))
            case "sleep":
                let pause = try self.reader.duration(operand, "'sleep'", in: .milliseconds(10)...(.seconds(60)))
                settings.opening.append(.sleep(pause))
            default:
                let within = try section["within"].map { value throws(FeedFileError) in
                    try self.reader.duration(value, "'within'", in: .milliseconds(100)...(.seconds(300)))
                }
                settings.opening.append(
                    .expect(number: settings.expectations.count, within: within ?? Self.expectTimeout))
                settings.expectations += try self.expectation(operand)
            }
        }
    }

    /// What a frame must be, read as the `when` of a rule.
    private func expectation(_ value: YAMLValue) throws(FeedFileError) -> [MessageRule] {
        func word(_ text: String) -> YAMLValue {
            YAMLValue(content: .scalar(text, isPlain: true), mark: value.mark)
        }
        let rule = YAMLValue(
            content: .mapping([(key: word("when"), value: value), (key: word("control"), value: word("true"))]),
            mark: value.mark
        )
        return try self.messages(YAMLValue(content: .sequence([rule]), mark: value.mark))
    }
}
