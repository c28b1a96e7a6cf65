import Alerts
import Market

extension AlertDetails {
    /// The firing as what is pushed to devices, whatever their service.
    var content: PushContent {
        var content = PushContent(
            eventID: self.eventID, title: self.title, body: self.body, threadID: self.fired.alert.symbol.name,
            collapseID: self.collapseID, priority: self.priority, createdAt: self.fired.cause.eventTime,
            expiresAt: Timestamp(microseconds: self.expiresAt * 1_000_000))
        content.link = self.link
        // The event's id and the link have places of their own.
        content.data = self.data(.full).filter { $0.name != "eid" && $0.name != "link" }
            .map { PushField($0.name, $0.value) }
        content.actions = [
            PushAction(id: "snooze", title: "Snooze 1 h", link: "\(self.link)&snooze=\(self.fired.alert.id)")
        ]
        content.symbol = self.fired.alert.symbol
        content.category = "price-alert"
        return content
    }
}
