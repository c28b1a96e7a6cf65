/// The NATS subjects that nodes talk on.
///
/// ```
/// tickwire.ev.APP.CHANNEL        events; ticker-BTC-USD@kraken is ticker-.BTC-USD.@kraken
/// tickwire.dir                   who is where: heartbeats and changes
/// tickwire.ask                   who has the last value of these channels?
/// tickwire.node.NODE             answers, and full states, for one node
/// ```
///
/// App ids and channel names are escaped byte by byte with `%XX` where NATS gives a byte a meaning or forbids it: dots,
/// `*`, `>`, `%`, spaces, control characters and what is not ASCII. A ticker's symbol and venue are tokens of their own, so
/// that `tickwire.ev.APP.ticker-.*` is every primary ticker, without those of single venues.
public enum Subject {
    /// What everybody hears.
    public static let directory = "tickwire.dir"
    /// Where last values are asked for.
    public static let ask = "tickwire.ask"
    private static let eventsPrefix = "tickwire.ev."
    private static let nodePrefix = "tickwire.node."
    private static let tickerPrefix = "ticker-"

    /// Where the events of a channel go.
    public static func events(app: String, channel: String) -> String {
        var subject = Self.eventsPrefix
        Self.appendEscaped(app[...], to: &subject)
        subject += "."
        guard channel.hasPrefix(Self.tickerPrefix), !channel.contains(";") else {
            Self.appendEscaped(channel[...], to: &subject)
            return subject
        }
        let rest = channel.dropFirst(Self.tickerPrefix.count)
        let symbol = rest.prefix { $0 != "@" }
        guard !symbol.isEmpty else {
            Self.appendEscaped(channel[...], to: &subject)
            return subject
        }
        subject += Self.tickerPrefix + "."
        Self.appendEscaped(symbol, to: &subject)
        let venue = rest.dropFirst(symbol.count)
        if !venue.isEmpty {
            subject += "."
            Self.appendEscaped(venue, to: &subject)
        }
        return subject
    }

    /// All primary tickers of an app.
    public static func tickers(app: String) -> String {
        var subject = Self.eventsPrefix
        Self.appendEscaped(app[...], to: &subject)
        return subject + "." + Self.tickerPrefix + ".*"
    }

    /// What is for one node only.
    public static func node(_ node: UInt64) -> String { Self.nodePrefix + String(node, radix: 16) }

    /// The app and channel of a subject that events go to; `nil` for any other.
    public static func parseEvents(_ subject: String) -> (app: String, channel: String)? {
        guard subject.hasPrefix(Self.eventsPrefix) else { return nil }
        let tokens = subject.dropFirst(Self.eventsPrefix.count)
        guard let dot = tokens.firstIndex(of: ".") else { return nil }
        guard let app = Self.unescaped(tokens[..<dot]),
            let channel = Self.unescaped(tokens[tokens.index(after: dot)...]),
            !app.isEmpty, !channel.isEmpty
        else { return nil }
        return (app, channel)
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7F && byte != UInt8(ascii: ".") && byte != UInt8(ascii: "*")
            && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "%")
    }

    private static func appendEscaped(_ text: Substring, to subject: inout String) {
        if text.utf8.allSatisfy(Self.isPlain) {
            subject += text
            return
        }
        let digits = Array("0123456789ABCDEF")
        for byte in text.utf8 {
            if Self.isPlain(byte) {
                subject.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                subject += "%"
                subject.append(digits[Int(byte >> 4)])
                subject.append(digits[Int(byte & 0xF)])
            }
        }
    }

    /// The dots between tokens are left out; `nil` when an escape is none, or the result no UTF-8.
    private static func unescaped(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: ".") { continue }
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst(), let low = rest.popFirst(),
                let value = UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(value)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
