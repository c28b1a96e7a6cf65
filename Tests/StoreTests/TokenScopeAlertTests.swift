import Store
import Testing

@Suite("Scopes of tokens for alerts")
struct TokenScopeAlertTests {
    @Test("A scope for alerts opens no channel, and one for channels no alerts")
    func separation() throws {
        let own = try TokenScope("alerts")
        #expect(own == .ownAlerts && own.description == "alerts")
        #expect(own.allowsOwnAlerts && !own.allowsAllAlerts && !own.allows(channel: "private-x"))
        let all = try TokenScope("alerts:all")
        #expect(all.allowsOwnAlerts && all.allowsAllAlerts && !all.allows(channel: "private-x"))
        let channels = try TokenScope("channels:*")
        #expect(!channels.allowsOwnAlerts && !channels.allowsAllAlerts && channels.allows(channel: "private-x"))
    }

    @Test("What is no scope is refused", arguments: ["alert", "alerts:", "alerts:mine", "Alerts", ""])
    func refused(text: String) {
        #expect(throws: StoreError.invalidScope(text)) { try TokenScope(text) }
    }
}
