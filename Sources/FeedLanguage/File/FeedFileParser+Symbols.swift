import Market

extension FeedFileParser {
    func symbolRules(_ value: YAMLValue?) throws(FeedFileError) -> SymbolRules {
        var rules = SymbolRules()
        guard let value else { return rules }
        let section = try self.reader.section(
            value, "symbols",
            keys: [
                "separator", "longSeparator", "classSeparator", "order", "case", "prefix", "suffix", "rename", "quotes",
                "table",
            ]
        )
        if let separator = section["separator"] {
            // An empty separator is written "" and means a joined name.
            guard case .scalar(let text, let isPlain) = separator.content, !(isPlain && text.isEmpty) else {
                throw self.reader.error(separator.mark, "'separator' must be a text; write \"\" for joined names.")
            }
            rules.separator = text
        }
        if let separator = section["longSeparator"] {
            rules.longSeparator = try self.reader.text(separator, "'longSeparator'")
        }
        if let separator = section["classSeparator"] {
            rules.classSeparator = try self.reader.text(separator, "'classSeparator'")
        }
        if let order = section["order"] {
            rules.order = try self.reader.choice(order, "'order'", SymbolRules.Order.self)
        }
        if let letterCase = section["case"] {
            rules.letterCase = try self.reader.choice(letterCase, "'case'", SymbolRules.LetterCase.self)
        }
        if let prefix = section["prefix"] { rules.prefix = try self.reader.text(prefix, "'prefix'") }
        if let suffix = section["suffix"] { rules.suffix = try self.reader.text(suffix, "'suffix'") }
        if let quotes = section["quotes"] { rules.quotes = try self.reader.texts(quotes, "'quotes'") }
        if let rename = section["rename"] {
            for (key, value) in try self.pairs(rename, "'rename'") {
                rules.rename(try self.reader.text(key, "'rename'"), to: try self.reader.text(value, "'rename'"))
            }
        }
        if let table = section["table"] { try self.symbolTable(table, into: &rules) }
        let isChain = section["separator"] != nil
        if !isChain, section["table"] != nil {
            for key in section.order where key != "table" {
                guard let unused = section[key] else { continue }
                throw self.reader.error(
                    unused.mark, "'\(key)' has no effect with a 'table' alone: add 'separator', or remove it."
                )
            }
            rules.isTableOnly = true
        }
        return rules
    }

    private func symbolTable(_ table: YAMLValue, into rules: inout SymbolRules) throws(FeedFileError) {
        for (key, value) in try self.pairs(table, "'table'") {
            let symbol = try self.reader.symbol(key, "a key of 'table'")
            let native = try self.reader.text(value, "the venue's name of \(symbol)")
            if let other = rules.tableSymbol(native: native) {
                throw self.reader.error(
                    value.mark, "'\(native)' already stands for \(other): give each symbol its own name.")
            }
            rules.list(symbol, native: native)
        }
    }
}
