/// What to send for a list of symbols: `subscribe` and `unsubscribe` of a feed file.
struct SubscriptionTemplate: Hashable, Sendable {
    /// What a message means to the subscriptions before it.
    enum Mode: String, Hashable, Sendable, CaseIterable {
        /// It adds to them.
        case add
        /// It replaces them all: each message carries the whole set.
        case replace
    }

    /// A message that is not filled in yet, and the symbols it is about.
    struct Draft: Hashable, Sendable {
        var message: MessageTemplate
        /// What `{symbol}` stands for, in the venue's spelling.
        var symbol = ""
        /// What `{symbols}` stands for, in the venue's spelling.
        var symbols: [String] = []
        /// What `{channel}` stands for.
        var channel = ""

        /// The message, filled in.
        func render(_ context: RenderContext) -> String {
            var context = context
            context.symbol = self.symbol
            context.symbols = self.symbols
            context.channel = self.channel
            return self.message.render(context)
        }
    }

    var messages: [MessageTemplate]
    /// Each message once for each symbol.
    var isPerSymbol: Bool
    var mode = Mode.add

    /// Whether messages name the id of a registered channel.
    var needsChannel: Bool { self.messages.contains { $0.root.placeholders.contains(.channel) } }

    /// The messages for `symbols`, in the venue's spelling, in the order to send.
    ///
    /// - Parameters:
    ///   - symbols: Native names.
    ///   - perMessage: The most symbols one message may name; `nil` is any number.
    ///   - channels: The ids under which the venue has registered each name, where messages need them.
    /// - Returns: Messages still to be filled in.
    func drafts(for symbols: [String], perMessage: Int?, channels: [String: [String]] = [:]) -> [Draft] {
        if self.needsChannel {
            return symbols.flatMap { symbol in
                (channels[symbol] ?? []).flatMap { channel in
                    self.messages.map { Draft(message: $0, symbol: symbol, symbols: [symbol], channel: channel) }
                }
            }
        }
        if self.isPerSymbol {
            return symbols.flatMap { symbol in
                self.messages.map { Draft(message: $0, symbol: symbol, symbols: [symbol]) }
            }
        }
        let size = max(1, self.mode == .replace ? symbols.count : perMessage ?? symbols.count)
        return self.messages.flatMap { message in
            // A message that names no symbol, a greeting for example, goes out once.
            let starts = message.root.mentionsSymbols ? Array(stride(from: 0, to: symbols.count, by: size)) : [0]
            return starts.map { start in
                Draft(message: message, symbols: Array(symbols[start..<min(start + size, symbols.count)]))
            }
        }
    }
}
