public import Alerts

/// What is wrong with the title or the body of a template.
public struct AlertTemplateError: Error, Hashable, CustomStringConvertible {
    /// `title` or `body`.
    public let part: String
    /// What is wrong.
    public let reason: MessageTemplateError

    /// One line that names the part and the column.
    public var description: String { "\(self.part), \(self.reason)" }
}

extension AlertTemplate {
    /// Checks both texts.
    ///
    /// - Returns: `nil` when there is neither.
    /// - Throws: ``AlertTemplateError``.
    public static func checked(title: String?, body: String?) throws(AlertTemplateError) -> AlertTemplate? {
        for (part, text) in [("title", title), ("body", body)] {
            guard let text else { continue }
            do { _ = try MessageTemplate(parsing: text) } catch { throw AlertTemplateError(part: part, reason: error) }
        }
        return title == nil && body == nil ? nil : AlertTemplate(title: title, body: body)
    }
}
