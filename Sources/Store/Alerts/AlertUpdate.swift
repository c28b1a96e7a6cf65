public import Alerts

/// What a user changes of an alert; what is `nil` stays as it is.
public struct AlertUpdate: Sendable, Hashable {
    /// Another condition or other options.
    ///
    /// Another condition, mode, confirmation or margin arms the alert anew; the numbers of its crossings go on.
    public var expression: AlertExpression?
    /// Another address; `.some(nil)` removes it.
    public var webhookURL: String??
    /// Another text; `.some(nil)` goes back to the standard one.
    public var template: AlertTemplate??
    /// Another spelling of numbers; `.some(nil)` goes back to the service's own.
    public var locale: String??

    /// Makes an update; without arguments one that changes nothing.
    ///
    /// - Throws: ``StoreError/invalidWebhook(_:)`` or ``StoreError/invalidTemplate(_:)``.
    public init(
        expression: AlertExpression? = nil, webhookURL: String?? = nil, template: AlertTemplate?? = nil,
        locale: String?? = nil
    ) throws(StoreError) {
        try AlertOrder.check(webhookURL: webhookURL ?? nil, template: template ?? nil, locale: locale ?? nil)
        self.expression = expression
        self.webhookURL = webhookURL
        self.template = template
        self.locale = locale
    }
}
