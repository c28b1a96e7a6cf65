import Delivery
import Ingest
import ServiceLifecycle

extension IngestAssembly {
    /// What sends: deliveries unless another process does, and live prices over the same connections.
    func sending(_ deliveries: DeliveryAssembly.Parts, _ live: LivePriceService?) -> [any Service] {
        let senders: [any Service] =
            self.settings.push.deliversHere
            ? deliveries.services : live == nil ? [] : [SenderService(sender: deliveries.sender)]
        // Started last, stopped first: it takes connections and prices of the others.
        return senders + (live.map { [$0] } ?? [])
    }

    /// Live prices on lock screens; `nil` when nobody's are asked for.
    ///
    /// - Throws: ``SetupError`` when there is no key for APNs.
    func livePrices(
        _ prices: LatestPrices, _ sender: PushSender, deadFeeds: @escaping @Sendable () -> Set<String>
    ) throws -> LivePriceService? {
        let push = self.settings.push
        guard push.live.symbols != nil else { return nil }
        let sender = LivePriceSender(sender)
        guard sender.hasCredential else {
            throw SetupError.badSetting(
                name: "push.apns.keyFile", value: "",
                expected: "Apple's AuthKey_….p8 file, because push.live.symbols is set")
        }
        return LivePriceService(
            LivePriceService.Surroundings(
                client: self.database.client, sender: sender, prices: prices, settings: push.live,
                topic: self.settings.apnsTopic, environment: push.apnsEnvironment, deadFeeds: deadFeeds,
                now: { .now }, logger: self.logger))
    }
}
