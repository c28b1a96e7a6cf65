/// Escaping for the markup of chat services.
enum ChatText {
    /// For Telegram's HTML mode: only `<`, `>` and `&` mean something in it.
    ///
    /// Source: Telegram Bot API, "HTML style".
    static func telegramHTML(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }

    /// For an attribute in Telegram's HTML mode.
    static func telegramAttribute(_ text: String) -> String {
        self.telegramHTML(text).replacing("\"", with: "&quot;")
    }

    /// For Slack's `text`, which is what notifications show: `&`, `<` and `>` begin mentions and links.
    ///
    /// Source: Slack, "Formatting message text", section "Escaping text".
    static func slack(_ text: String) -> String { self.telegramHTML(text) }

    /// For Discord's Markdown: a backslash before everything that could begin markup.
    ///
    /// Source: Discord, "Markdown text 101"; a backslash before other punctuation shows nothing.
    static func discord(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if "\\*_~`|>#-[]()<@:+".utf8.contains(byte) { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
