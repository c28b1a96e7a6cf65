import Channels

extension APIResponder {
    func publish(_ body: UnsafeBufferPointer<UInt8>, _ query: Query, app: Int32, isBatch: Bool) -> Answer {
        let publish: PublishRequest
        do throws(PublishRequest.Failure) {
            publish =
                isBatch
                ? try .batch(body: body, limits: self.limits)
                : try .event(body: body, query: query, limits: self.limits)
        } catch {
            return Self.answer(error)
        }
        self.publish(publish, app: app)
        guard publish.events.contains(where: { $0.info != nil }) else { return .empty }
        return self.information(publish, app: app, isBatch: isBatch)
    }

    /// The deprecated way: the body is the data, everything else is in path and query.
    func publishRaw(_ request: Request, _ query: Query, channel: Substring, app: Int32) -> Reply {
        do throws(PublishRequest.Failure) {
            self.publish(
                try .event(
                    channel: Query.decoded(channel), body: request.body, query: query, limits: self.limits),
                app: app
            )
            return .now(.text(.accepted, "202 ACCEPTED"))
        } catch {
            return .now(Self.answer(error))
        }
    }

    private func publish(_ publish: PublishRequest, app: Int32) {
        let count = publish.events.reduce(0) { $0 + $1.channels.count }
        guard count > 0 else { return }
        let dataBytes = publish.events.reduce(0) { $0 + $1.escapedData.count * $1.channels.count }
        var builder = EventBatch.Builder(count: count, dataBytes: dataBytes, clock: self.hub.clock)
        for event in publish.events {
            for channel in event.channels { builder.append(event, channel: channel, app: app) }
        }
        self.hub.publish(builder.finish())
    }

    private static func answer(_ failure: PublishRequest.Failure) -> Answer {
        switch failure {
        case .dataTooLarge: .text(.tooLarge, failure.description)
        case .invalid: .text(.badRequest, failure.description)
        }
    }

    private func information(_ publish: PublishRequest, app: Int32, isBatch: Bool) -> Answer {
        let counts = self.counts(of: Set(publish.events.lazy.filter { $0.info != nil }.flatMap(\.channels)), app: app)
        func attributes(_ event: PublishRequest.Event, _ channel: ChannelName) -> String {
            "{" + counts.attributes(event.info ?? [], channel).joined(separator: ",") + "}"
        }
        let items: [String]
        if isBatch {
            items = publish.events.map { event in event.channels.first.map { attributes(event, $0) } ?? "{}" }
            return .json(Array("{\"batch\":[\(items.joined(separator: ","))]}".utf8))
        }
        items = publish.events.flatMap { event in
            event.channels.map { "\(JSONText.quoted($0.text)):\(attributes(event, $0))" }
        }
        return .json(Array("{\"channels\":{\(items.joined(separator: ","))}}".utf8))
    }
}
