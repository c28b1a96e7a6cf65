import Backplane
import Channels
import NIOCore

/// Events of this node on their way to the others; any thread, never blocks.
extension Cluster {
    /// Sends a batch's events, but those that are only kept.
    func publish(_ batch: EventBatch) {
        var events: [(subject: String, bytes: [UInt8])] = []
        events.reserveCapacity(batch.entries.count)
        let wall = WallTime.microseconds()
        for entry in batch.entries where entry.retention != .keepOnly {
            var event = EventMessage.Entry(name: entry.name, escapedData: batch.bytes[entry.data])
            event.isKept = entry.retention == .deliverAndKeepAsSnapshot
            event.excludedSocketID = entry.excluded?.description
            event.time = entry.cached?.wall ?? wall
            let bytes = EventMessage.bytes(of: event)
            if let app = entry.app {
                events.append((Subject.events(app: self.appIDs[Int(app)], channel: entry.channel), bytes))
            } else {
                for app in self.appIDs { events.append((Subject.events(app: app, channel: entry.channel), bytes)) }
            }
        }
        if !events.isEmpty { self.bus.publishEvents(events) }
    }

    /// Sends a client's event.
    func publish(_ event: ClientEvent, app: Int32, from socketID: SocketID) {
        var data: [UInt8] = []
        var text = event.data
        text.withUTF8 { JSONText.appendEscaped($0, to: &data) }
        var entry = EventMessage.Entry(name: event.name, escapedData: data[...])
        entry.isClientEvent = true
        entry.excludedSocketID = socketID.description
        entry.userID = event.userID
        entry.time = WallTime.microseconds()
        let subject = Subject.events(app: self.appIDs[Int(app)], channel: event.channel.text)
        self.bus.publishEvents([(subject, EventMessage.bytes(of: entry))])
    }
}
