import Market

/// Builds the requests to one Telegram chat.
///
/// Source: Telegram Bot API, `sendMessage` and `editMessageText`, in HTML mode.
public struct TelegramBuilder: Sendable {
    /// What a text may have, in units of UTF-16 and without its markup.
    public static let textLimit = 4_096

    private let chat: TelegramChat
    private let server: String

    /// Checks the chat and makes a builder.
    ///
    /// - Parameters:
    ///   - chat: Whose bot token has the form `123456:ABC…`, and whose id is a number or `@name`.
    ///   - server: The base URL without a final slash.
    /// - Throws: ``PushError/badTarget(service:part:reason:)``, which never contains the token.
    public init(_ chat: TelegramChat, server: String = "https://api.telegram.org") throws(PushError) {
        guard Self.isToken(chat.botToken.exposed) else {
            throw .badTarget(
                service: "Telegram", part: "bot token",
                reason: "does not have the form 123456:ABC… that BotFather gives")
        }
        guard Int64(chat.chatID) != nil || Self.isName(chat.chatID) else {
            throw .badTarget(service: "Telegram", part: "chat id", reason: "is neither a number nor @name")
        }
        self.chat = chat
        self.server = server
    }

    /// A message, whose id the verdict carries.
    ///
    /// - Parameters:
    ///   - content: What is said.
    ///   - messageID: An earlier message that this one replaces.
    ///   - extent: How much of it at most.
    /// - Returns: The request.
    /// - Throws: ``PushError/badTarget(service:part:reason:)`` for a message id that is not a number.
    public func notification(
        _ content: PushContent, replacing messageID: String? = nil, extent: PushExtent = .full
    ) throws(PushError) -> PushRequest {
        let replaced = messageID.map { Int64($0) }
        if messageID != nil, replaced.flatMap(\.self) == nil {
            throw .badTarget(service: "Telegram", part: "message id", reason: "is not a number")
        }
        let reduced = content.reduced(to: extent)
        let body = JSONWriter.object { writer in
            if let number = Int64(self.chat.chatID) {
                writer.integer("chat_id", number)
            } else {
                writer.string("chat_id", self.chat.chatID)
            }
            if let id = replaced.flatMap(\.self) { writer.integer("message_id", id) }
            writer.string("text", Self.text(reduced))
            writer.string("parse_mode", "HTML")
            if messageID == nil { writer.boolean("disable_notification", reduced.priority == .passive) }
            writer.object("link_preview_options") { $0.boolean("is_disabled", true) }
            Self.keyboard(reduced, to: &writer)
        }
        let method = messageID == nil ? "sendMessage" : "editMessageText"
        return PushRequest(
            url: "\(self.server)/bot\(self.chat.botToken.exposed)/\(method)",
            headers: [NotificationHeader("content-type", "application/json")], body: body, extent: extent)
    }

    /// Shortened before it is escaped, because the limit counts what is shown.
    private static func text(_ content: PushContent) -> String {
        let title = PushText.line(content.title.isEmpty ? "…" : content.title, 256, .utf16)
        let body = PushText.lines(content.bodyWithSubtitle, self.textLimit - 258, .utf16)
        let bold = "<b>\(ChatText.telegramHTML(title))</b>"
        return body.isEmpty ? bold : "\(bold)\n\(ChatText.telegramHTML(body))"
    }

    private static func keyboard(_ content: PushContent, to writer: inout JSONWriter) {
        var buttons = content.actions.filter { $0.link.map(self.canOpen) ?? false }
        if buttons.isEmpty, let link = content.link, self.canOpen(link) {
            buttons = [PushAction(id: "open", title: "Open", link: link)]
        }
        guard !buttons.isEmpty else { return }
        writer.object("reply_markup") { writer in
            writer.array("inline_keyboard") { writer in
                writer.elements { writer in
                    for button in buttons {
                        writer.element { writer in
                            writer.string("text", button.title.isEmpty ? "…" : button.title)
                            writer.string("url", ifPresent: button.link)
                        }
                    }
                }
            }
        }
    }

    /// Telegram refuses a whole message for a button to a host without a domain, such as localhost.
    private static func canOpen(_ link: String) -> Bool { PushURL(link)?.host.contains(".") ?? false }

    private static func isToken(_ text: String) -> Bool {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        return parts.count == 2 && (1...20).contains(parts[0].utf8.count) && parts[0].utf8.allSatisfy(self.isDigit)
            && (20...80).contains(parts[1].utf8.count) && parts[1].utf8.allSatisfy(self.isWordByte)
    }

    private static func isName(_ text: String) -> Bool {
        text.hasPrefix("@") && (5...33).contains(text.utf8.count)
            && text.dropFirst().utf8.allSatisfy { self.isWordByte($0) && $0 != UInt8(ascii: "-") }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: self.isDigit(byte)
        }
    }
}
