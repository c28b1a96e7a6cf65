extension YAMLValue {
    /// Whether it is a plain `null`, which removes a key when one file is laid over another.
    var isNull: Bool {
        if case .scalar(let text, true) = self.content { return text == "null" || text == "~" }
        return false
    }

    /// This value with `other` laid over it: mappings key by key, anything else is replaced, `null` removes.
    func overlaid(by other: YAMLValue) -> YAMLValue {
        guard case .mapping(let base) = self.content, case .mapping(let top) = other.content else { return other }
        var pairs: [(key: YAMLValue, value: YAMLValue)] = []
        for (key, value) in base {
            guard let change = top.first(where: { $0.key.scalarText == key.scalarText && key.scalarText != nil }) else {
                pairs.append((key: key, value: value))
                continue
            }
            if change.value.isNull { continue }
            pairs.append((key: change.key, value: value.overlaid(by: change.value)))
        }
        for (key, value) in top where !base.contains(where: { $0.key.scalarText == key.scalarText }) {
            pairs.append((key: key, value: value))
        }
        return YAMLValue(content: .mapping(pairs), mark: other.mark)
    }

    /// The mapping without some keys.
    func without(_ keys: [String]) -> YAMLValue {
        guard case .mapping(let pairs) = self.content else { return self }
        let rest = pairs.filter { pair in !keys.contains { $0 == pair.key.scalarText } }
        return YAMLValue(content: .mapping(rest), mark: self.mark)
    }

    /// The value of a mapping's key.
    func value(of key: String) -> YAMLValue? {
        guard case .mapping(let pairs) = self.content else { return nil }
        return pairs.first { $0.key.scalarText == key }?.value
    }

    private var scalarText: String? {
        if case .scalar(let text, _) = self.content { return text }
        return nil
    }
}
