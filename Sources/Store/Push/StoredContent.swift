import FoundationEssentials
import Market
import Notifications

/// A push content as the outbox keeps it: JSON, with times in microseconds since 1970.
struct StoredContent: Codable {
    private struct Field: Codable {
        let name: String
        let value: String
    }

    private struct Action: Codable {
        let id: String
        let title: String
        var link: String?
    }

    private struct Localization: Codable {
        var titleKey: String?
        let titleArguments: [String]
        var bodyKey: String?
        let bodyArguments: [String]
    }

    private let eventID: String
    private let title: String
    private var subtitle: String?
    private let body: String
    private let threadID: String
    private let collapseID: String
    private let priority: String
    private let createdAt: Int64
    private let expiresAt: Int64
    private var link: String?
    private var imageURL: String?
    private var sound: String?
    private var badge: Int?
    private var localization: Localization?
    private var data: [Field]?
    private var actions: [Action]?
    private var sparkline: [Int]?
    private var symbol: String?
    private var isSilent: Bool?
    private var relevance: Double?
    private var category: String?
    private var finishedPayload: String?

    init(_ content: PushContent) {
        self.eventID = content.eventID
        self.title = content.title
        self.subtitle = content.subtitle
        self.body = content.body
        self.threadID = content.threadID
        self.collapseID = content.collapseID
        self.priority = content.priority.rawValue
        self.createdAt = content.createdAt.microseconds
        self.expiresAt = content.expiresAt.microseconds
        self.link = content.link
        self.imageURL = content.imageURL
        self.sound = content.sound
        self.badge = content.badge
        self.localization = content.localization.map {
            Localization(
                titleKey: $0.titleKey, titleArguments: $0.titleArguments, bodyKey: $0.bodyKey,
                bodyArguments: $0.bodyArguments)
        }
        self.data = content.data.isEmpty ? nil : content.data.map { Field(name: $0.name, value: $0.value) }
        self.actions =
            content.actions.isEmpty ? nil : content.actions.map { Action(id: $0.id, title: $0.title, link: $0.link) }
        self.sparkline = content.sparkline.isEmpty ? nil : content.sparkline
        self.symbol = content.symbol?.name
        self.isSilent = content.isSilent ? true : nil
        self.relevance = content.relevance
        self.category = content.category
        self.finishedPayload = content.finishedPayload.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The content; a symbol or a priority that is none any more is left out.
    var content: PushContent {
        var content = PushContent(
            eventID: self.eventID, title: self.title, body: self.body, threadID: self.threadID,
            collapseID: self.collapseID, priority: NotificationPriority(rawValue: self.priority) ?? .active,
            createdAt: Timestamp(microseconds: self.createdAt), expiresAt: Timestamp(microseconds: self.expiresAt))
        content.subtitle = self.subtitle
        content.link = self.link
        content.imageURL = self.imageURL
        content.sound = self.sound
        content.badge = self.badge
        content.localization = self.localization.map {
            PushLocalization(
                titleKey: $0.titleKey, titleArguments: $0.titleArguments, bodyKey: $0.bodyKey,
                bodyArguments: $0.bodyArguments)
        }
        content.data = (self.data ?? []).map { PushField($0.name, $0.value) }
        content.actions = (self.actions ?? []).map { PushAction(id: $0.id, title: $0.title, link: $0.link) }
        content.sparkline = self.sparkline ?? []
        // Checked when it was written: it stays readable when the rules for symbols change.
        content.symbol = self.symbol.flatMap { try? Symbol($0) }
        content.isSilent = self.isSilent ?? false
        content.relevance = self.relevance
        content.category = self.category
        content.finishedPayload = self.finishedPayload.map { Array($0.utf8) }
        return content
    }

    /// Writes a content; U+0000, which PostgreSQL cannot hold, becomes the replacement character.
    static func text(_ content: PushContent) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return StoredJSON.text(Array(try encoder.encode(StoredContent(content))), replacement: "\u{FFFD}")
    }

    /// Reads what ``text(_:)`` wrote; `nil` when it is something else.
    static func content(_ json: [UInt8]) -> PushContent? {
        // Whatever is wrong with it, the caller says that it is no content.
        (try? JSONDecoder().decode(StoredContent.self, from: Data(json)))?.content
    }
}
