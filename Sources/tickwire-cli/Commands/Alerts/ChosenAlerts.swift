import Alerts
import ArgumentParser
import Store
import Tickwire

/// The alerts that a command changes, by their ids.
struct ChosenAlerts: ParsableArguments {
    @OptionGroup var options: SettingsOptions
    @Argument(help: "The alerts' ids, as 'alerts list' shows them.")
    var ids: [Int64]

    /// Checks that all alerts are there before the first one is changed, and says of each what became of it.
    ///
    /// - Parameter change: Changes one and returns a sentence.
    /// - Throws: `StoreError.unknownAlert`, or what `change` throws.
    func change(_ change: (AlertStore, Alert) async throws -> String) async throws {
        let settings = try await self.options.load()
        try await Database.with(settings, logger: self.options.quietLogger(settings)) { client in
            let store = AlertStore(client: client, catalog: SymbolCatalog(client: client))
            var alerts: [Alert] = []
            for id in self.ids where !alerts.contains(where: { $0.id == id }) {
                alerts.append(try await store.alert(id: id))
            }
            for alert in alerts { Terminal.note(try await change(store, alert)) }
        }
    }
}
