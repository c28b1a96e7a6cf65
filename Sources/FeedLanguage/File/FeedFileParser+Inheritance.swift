extension FeedFileParser {
    /// The most files that one file may stand on.
    private static let basesMax = 4

    /// A file with the files that it extends below it.
    ///
    /// - Parameters:
    ///   - value: The file's content.
    ///   - otherFile: The text of another file of the folder by its name without the ending; `nil` when there is none.
    /// - Returns: One mapping, without `extends`.
    /// - Throws: ``FeedFileError`` for a name without a file, a circle, or a fault in one of the files.
    func resolved(_ value: YAMLValue, otherFile: (String) -> String?) throws(FeedFileError) -> YAMLValue {
        guard value.value(of: "extends") != nil else { return value }
        let name = Self.stem(self.reader.file)
        if value.value(of: "feed") == nil {
            throw self.reader.error(
                value.mark, "a file that extends another needs a name of its own: add 'feed: \(name)'.")
        }
        var layers = [value]
        var names = [name]
        while let link = layers[layers.count - 1].value(of: "extends") {
            let base = try self.reader.text(link, "'extends'")
            guard !names.contains(base) else {
                throw self.reader.error(
                    link.mark, "'extends' goes in a circle: \((names + [base]).joined(separator: " → ")). Remove one.")
            }
            guard layers.count <= Self.basesMax else {
                throw self.reader.error(
                    link.mark, "'extends' is more than \(Self.basesMax) files deep: join some of them.")
            }
            guard let text = otherFile(base) else {
                throw self.reader.error(
                    link.mark,
                    "'extends' names '\(base)', but there is no \(base).yaml beside this file: write the name without its ending."
                )
            }
            names.append(base)
            layers.append(try YAMLValue.document(text, file: self.sibling(base), isBase: true))
        }
        return layers.reversed().dropFirst().reduce(layers[layers.count - 1]) { $0.overlaid(by: $1) }
            .without(["extends"])
    }

    /// The streams of a file: the file itself, then each of `streams` laid over it.
    ///
    /// A file without a `connect` of its own begins with its first stream.
    func streams(_ value: YAMLValue) throws(FeedFileError) -> [(name: String?, content: YAMLValue)] {
        guard let list = value.value(of: "streams") else { return [(name: nil, content: value)] }
        let own = value.without(["streams"])
        guard case .sequence(let items) = list.content, !items.isEmpty else {
            throw self.reader.error(
                list.mark, "'streams' must be a list of mappings with a 'name', but \(list.kindName) stands here.")
        }
        var result: [(name: String?, content: YAMLValue)] = []
        if value.value(of: "connect") != nil { result.append((name: nil, content: own)) }
        for item in items {
            guard let nameValue = item.value(of: "name") else {
                throw self.reader.error(item.mark, "a stream lacks the key 'name': add it, such as 'name: trades'.")
            }
            let name = try self.reader.text(nameValue, "a stream's 'name'")
            guard !result.contains(where: { $0.name == name }) else {
                throw self.reader.error(nameValue.mark, "two streams are named '\(name)': give each its own name.")
            }
            for key in ["feed", "title", "version", "extends", "streams"] {
                guard let misplaced = item.value(of: key) else { continue }
                throw self.reader.error(
                    misplaced.mark, "'\(key)' belongs to the whole file, not to a stream: move it up.")
            }
            // The file's tests are about the file's own messages.
            let below = result.isEmpty ? own : own.without(["tests"])
            result.append((name: name, content: below.overlaid(by: item.without(["name"]))))
        }
        return result
    }

    /// The name of another file of the folder, for messages.
    private func sibling(_ name: String) -> String {
        let folder = self.reader.file.lastIndex(of: "/").map { String(self.reader.file[...$0]) } ?? ""
        return "\(folder)\(name).yaml"
    }

    private static func stem(_ file: String) -> String {
        let name = file.split(separator: "/").last.map(String.init) ?? file
        return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
    }
}
