import Channels
import HTTPClient
import Ingest
import Logging

/// Publishes to every app of a server, because each app's channels are its own.
struct PublisherGroup: EventPublisher {
    /// One publisher an app.
    let publishers: [HTTPPublisher]

    init(url: String, apps: [AppSettings], settings: Settings, _ client: HTTPClient, _ logger: Logger) {
        var limits = PublisherSettings()
        limits.batchMax = settings.publishBatch
        if PublisherSettings.isHosted(url) { limits.dataBytesMax = PublisherSettings.hostedDataBytesMax }
        limits.interval = settings.publishInterval
        limits.messagesPerSecond = settings.publishMessagesPerSecond
        limits.messagesPerDay = settings.publishMessagesPerDay
        limits.countsDeliveries = settings.publishCountsDeliveries
        self.publishers = apps.map { app in
            HTTPPublisher(
                url: url, app: app.app, settings: limits,
                encryption: settings.publishesEncrypted ? app.encryption : nil, client: client, logger: logger)
        }
    }

    func publish(_ events: [Channels.ChannelEvent]) {
        for publisher in self.publishers { publisher.publish(events) }
    }

    /// Counts over all apps.
    var counters: HTTPPublisher.Counters {
        self.publishers.map(\.counters).reduce(into: HTTPPublisher.Counters()) { total, counters in
            total.published += counters.published
            total.messages += counters.messages
            total.merged += counters.merged
            total.dropped += counters.dropped
            total.droppedTrades += counters.droppedTrades
            total.waiting += counters.waiting
        }
    }
}
