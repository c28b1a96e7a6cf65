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
    /// A placeholder alone that is a number or any JSON value: `{n}`, `{now_s}`, `{$.id}`.
    case value(Placeholder)
    /// `{symbols}` in a list: one string for each symbol.
    case splice(TextTemplate.LetterCase)
    case array([TemplateNode])
    case object([Member])
    /// A whole message that is not JSON.
    case bare(TextTemplate)

    /// The placeholders in it.
    var placeholders: [Placeholder] {
        switch self {
        case .literal: []
        case .text(let text), .bare(let text): text.placeholders
        case .value(let placeholder): [placeholder]
        case .splice: [.symbols]
        case .array(let nodes): nodes.flatMap(\.placeholders)
        case .object(let members): members.flatMap(\.value.placeholders)
        }
    }

    /// Whether `{symbol}` occurs in it.
    var hasSymbol: Bool { self.placeholders.contains(.symbol) }

    /// Whether `{symbol}` occurs where no list could repeat it.
    var hasSymbolOutsideList: Bool {
        switch self {
        case .literal, .value, .splice, .array: false
        case .text(let text), .bare(let text): text.hasSymbol
        case .object(let members): members.contains(where: \.value.hasSymbolOutsideList)
        }
    }

    /// Whether `{symbol}` or `{symbols}` occurs in it.
    var mentionsSymbols: Bool { self.placeholders.contains { $0 == .symbol || $0 == .symbols } }

    func write(_ context: RenderContext, to bytes: inout [UInt8]) {
        switch self {
        case .literal(let text): bytes.append(contentsOf: text.utf8)
        case .value(let placeholder): bytes.append(contentsOf: context.json(of: placeholder).utf8)
        case .text(let text): bytes.appendJSONString(text.render(context))
        case .bare(let text): bytes.append(contentsOf: text.render(context).utf8)
        case .splice(let letterCase):
            for (index, name) in context.symbols.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(letterCase.apply(name))
            }
        case .array(let nodes): Self.write(nodes, context, to: &bytes)
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                bytes.appendJSONString(member.key)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(context, to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    private static func write(_ nodes: [TemplateNode], _ context: RenderContext, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for node in nodes {
            if case .splice = node, context.symbols.isEmpty { continue }
            // Every member that names the symbol is repeated for each of them: symbols × channels.
            let repeats = node.hasSymbol
            for name in repeats ? context.symbols : [context.symbol] {
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                var inner = context
                inner.symbol = name
                if repeats { inner.symbols = [name] }
                node.write(inner, to: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }
}
