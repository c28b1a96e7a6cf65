/// A JSON value as a tree: for answers that are read once a day or once a page, never for frames of a stream.
enum JSONNode: Equatable, Sendable {
    /// One member of an object.
    struct Member: Equatable, Sendable {
        var key: String
        var value: JSONNode
    }

    case null
    case boolean(Bool)
    /// A number as it was written.
    case number(String)
    case string(String)
    case array([JSONNode])
    case object([Member])

    /// The text of a scalar; `nil` for null, lists and objects.
    var text: String? {
        switch self {
        case .boolean(let value): value ? "true" : "false"
        case .number(let text), .string(let text): text
        case .null, .array, .object: nil
        }
    }

    /// The value that `path` leads to from here; `nil` where there is none.
    ///
    /// The path's origin is this value, whatever it says.
    func value(at path: FieldPath) -> JSONNode? {
        var node = self
        for segment in path.segments {
            switch (segment, node) {
            case (.key(let key), .object(let members)):
                guard let member = members.first(where: { $0.key == key }) else { return nil }
                node = member.value
            case (.index(let index), .array(let items)):
                let position = index < 0 ? items.count + index : index
                guard items.indices.contains(position) else { return nil }
                node = items[position]
            case (.key, _), (.index, _): return nil
            }
        }
        return node
    }

    /// The members of a list, or of the object itself when the path ends in `*`, with the entries' keys.
    ///
    /// - Parameter path: Leads to a list, to an object that stands for a list of one, or ends in `*`.
    /// - Returns: The members in their order; empty where there is nothing to walk through.
    func entries(at path: FieldPath) -> [(key: String?, value: JSONNode)] {
        guard let node = self.value(at: path) else { return [] }
        switch node {
        case .array(let items): return items.map { (key: nil, value: $0) }
        case .object(let members) where path.isEveryEntry: return members.map { (key: $0.key, value: $0.value) }
        case .object: return [(key: nil, value: node)]
        case .null, .boolean, .number, .string: return []
        }
    }
}
