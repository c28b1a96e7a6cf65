import Market

/// Where messages that should be sent first differ from those that would be.
enum MessageDifference {
    /// How much of a value is shown.
    private static let shownMax = 80

    /// `the first difference is at 'channels[0]': expected "trades", got "trade"`; `nil` where the texts say it all.
    static func text(expected: [String], sent: [String]) -> String? {
        let isMany = max(expected.count, sent.count) > 1
        for (index, pair) in zip(expected, sent).enumerated() where pair.0 != pair.1 {
            let whose = isMany ? " of message \(index + 1)" : ""
            guard let left = Self.node(pair.0), let right = Self.node(pair.1) else {
                return isMany ? "message \(index + 1) differs" : nil
            }
            guard let difference = Self.difference(left, right, []) else {
                return "the values\(whose) are the same: put its keys into this order, without blanks"
            }
            let path = FieldPath(origin: .item, segments: difference.path)
            return
                "the first difference\(whose) is at '\(path)': expected \(difference.expected), got \(difference.got)"
        }
        guard expected.count != sent.count, !expected.isEmpty, !sent.isEmpty else { return nil }
        return expected.count > sent.count
            ? "message \(sent.count + 1) is missing" : "message \(expected.count + 1) is one too many"
    }

    private struct Difference {
        var path: [FieldPath.Segment]
        var expected: String
        var got: String
    }

    private static func node(_ text: String) -> JSONNode? {
        Array(text.utf8).withUnsafeBytes(JSONNodeReader.read)
    }

    private static func difference(_ left: JSONNode, _ right: JSONNode, _ path: [FieldPath.Segment]) -> Difference? {
        switch (left, right) {
        case (.object(let expected), .object(let got)):
            for member in expected {
                let other = got.first { $0.key == member.key }?.value
                if let found = Self.difference(between: member.value, other, path + [.key(member.key)]) { return found }
            }
            let surplus = got.first { member in !expected.contains { $0.key == member.key } }
            return surplus.flatMap { Self.difference(between: nil, $0.value, path + [.key($0.key)]) }
        case (.array(let expected), .array(let got)):
            for index in 0..<max(expected.count, got.count) {
                let values = [expected, got].map { $0.indices.contains(index) ? $0[index] : nil }
                if let found = Self.difference(between: values[0], values[1], path + [.index(index)]) { return found }
            }
            return nil
        case (let expected, let got):
            return expected == got
                ? nil : Difference(path: path, expected: Self.shown(expected), got: Self.shown(got))
        }
    }

    /// The difference between two values of which one may be missing.
    private static func difference(
        between left: JSONNode?, _ right: JSONNode?, _ path: [FieldPath.Segment]
    ) -> Difference? {
        if let left, let right { return Self.difference(left, right, path) }
        return Difference(path: path, expected: Self.shown(left), got: Self.shown(right))
    }

    private static func shown(_ node: JSONNode?) -> String {
        guard let node else { return "nothing" }
        let text = Self.json(node)
        return text.count > Self.shownMax ? "\(text.prefix(Self.shownMax))…" : text
    }

    private static func json(_ node: JSONNode) -> String {
        func quoted(_ text: String) -> String {
            var bytes: [UInt8] = []
            bytes.appendJSONString(text)
            return String(decoding: bytes, as: UTF8.self)
        }
        return switch node {
        case .null: "null"
        case .boolean(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): quoted(text)
        case .array(let items): "[" + items.map(Self.json).joined(separator: ",") + "]"
        case .object(let members):
            "{" + members.map { quoted($0.key) + ":" + Self.json($0.value) }.joined(separator: ",") + "}"
        }
    }
}
