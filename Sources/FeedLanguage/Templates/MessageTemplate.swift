import Market

/// A part of a message to send.
indirect enum TemplateNode: Hashable, Sendable {
    struct Member: Hashable, Sendable {
        var key: String
        var value: TemplateNode
    }

    /// A number, `true`, `false` or `null`.
    case literal(String)
    /// A string.
    case text(TextTemplate)
    /// `{n}` as a number.
    case counter
    /// `{symbols}` in a list: one string for each symbol.
    case splice(TextTemplate.LetterCase)
    case array([TemplateNode])
    case object([Member])
    /// A whole message that is not JSON.
    case bare(TextTemplate)

    /// Whether `{symbol}` occurs in it.
    var hasSymbol: Bool {
        switch self {
        case .literal, .counter, .splice: false
        case .text(let text), .bare(let text): text.hasSymbol
        case .array(let nodes): nodes.contains(where: \.hasSymbol)
        case .object(let members): members.contains(where: \.value.hasSymbol)
        }
    }

    /// Whether `{symbol}` occurs where no list could repeat it.
    var hasSymbolOutsideList: Bool {
        switch self {
        case .literal, .counter, .splice, .array: false
        case .text(let text), .bare(let text): text.hasSymbol
        case .object(let members): members.contains(where: \.value.hasSymbolOutsideList)
        }
    }

    /// Whether `{symbol}` or `{symbols}` occurs in it.
    var mentionsSymbols: Bool {
        switch self {
        case .literal, .counter: false
        case .splice: true
        case .text(let text), .bare(let text): text.hasSymbol || text.hasSymbols
        case .array(let nodes): nodes.contains(where: \.mentionsSymbols)
        case .object(let members): members.contains(where: \.value.mentionsSymbols)
        }
    }

    func write(symbol: String, symbols: [String], counter: Int, to bytes: inout [UInt8]) {
        switch self {
        case .literal(let text): bytes.append(contentsOf: text.utf8)
        case .counter: bytes.append(integer: counter)
        case .text(let text): bytes.appendJSONString(text.render(symbol: symbol, symbols: symbols, counter: counter))
        case .bare(let text):
            bytes.append(contentsOf: text.render(symbol: symbol, symbols: symbols, counter: counter).utf8)
        case .splice(let letterCase):
            for (index, name) in symbols.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(letterCase.apply(name))
            }
        case .array(let nodes):
            bytes.append(UInt8(ascii: "["))
            var isFirst = true
            for node in nodes {
                if case .splice = node, symbols.isEmpty { continue }
                // Every member that names the symbol is repeated for each of them: symbols × channels.
                for name in node.hasSymbol ? symbols : [symbol] {
                    if !isFirst { bytes.append(UInt8(ascii: ",")) }
                    isFirst = false
                    node.write(symbol: name, symbols: node.hasSymbol ? [name] : symbols, counter: counter, to: &bytes)
                }
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(member.key)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(symbol: symbol, symbols: symbols, counter: counter, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

/// One message to send.
struct MessageTemplate: Hashable, Sendable {
    var root: TemplateNode

    func render(symbol: String, symbols: [String], counter: Int) -> String {
        var bytes: [UInt8] = []
        self.root.write(symbol: symbol, symbols: symbols, counter: counter, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// What to send for a list of symbols.
struct SubscriptionTemplate: Hashable, Sendable {
    var messages: [MessageTemplate]
    /// Each message once for each symbol.
    var isPerSymbol: Bool

    /// The messages for `symbols`, in the venue's spelling.
    ///
    /// - Parameters:
    ///   - symbols: Native names.
    ///   - perMessage: The most symbols one message may name; `nil` is any number.
    ///   - counter: Messages sent so far on the connection; counted up.
    /// - Returns: Text frames in the order to send.
    func render(symbols: [String], perMessage: Int?, counter: inout Int) -> [String] {
        var result: [String] = []
        if self.isPerSymbol {
            for symbol in symbols {
                for message in self.messages {
                    counter += 1
                    result.append(message.render(symbol: symbol, symbols: [symbol], counter: counter))
                }
            }
            return result
        }
        let size = max(1, perMessage ?? symbols.count)
        for message in self.messages {
            // A message that names no symbol, a greeting for example, goes out once.
            let starts = message.root.mentionsSymbols ? Array(stride(from: 0, to: symbols.count, by: size)) : [0]
            for start in starts {
                let batch = Array(symbols[start..<min(start + size, symbols.count)])
                counter += 1
                result.append(message.render(symbol: "", symbols: batch, counter: counter))
            }
        }
        return result
    }
}
