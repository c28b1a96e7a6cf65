import Channels
import Foundation
import Market

/// The body of `POST /batch_events` and what its answer says.
enum PublishBody {
    /// The JSON text.
    ///
    /// - Parameters:
    ///   - batch: The events.
    ///   - asksForCounts: Whether the answer shall say how many subscribers each channel has.
    /// - Returns: The body's bytes.
    static func batch(_ batch: [Channels.ChannelEvent], asksForCounts: Bool) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(batch.reduce(16) { $0 + $1.data.count + 128 })
        body.append(literal: "{\"batch\":[")
        for (index, event) in batch.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            body.append(literal: "{\"channel\":")
            body.appendJSONString(event.channel)
            body.append(literal: ",\"name\":")
            body.appendJSONString(event.name)
            body.append(literal: ",\"data\":\"")
            event.data.withUnsafeBufferPointer { body.appendJSONEscaped($0) }
            body.append(UInt8(ascii: "\""))
            if let socketID = event.excludedSocketID {
                body.append(literal: ",\"socket_id\":")
                body.appendJSONString(socketID)
            }
            if asksForCounts { body.append(literal: ",\"info\":\"subscription_count\"") }
            body.append(UInt8(ascii: "}"))
        }
        body.append(literal: "]}")
        return body
    }

    /// What a batch cost: a message each, one more each for asking, and those that were delivered, as the answer says.
    static func messages(of count: Int, answer: [UInt8]) -> Int {
        struct Answer: Decodable {
            struct Item: Decodable {
                let count: Int?

                enum CodingKeys: String, CodingKey {
                    case count = "subscription_count"
                }
            }

            let batch: [Item]?
        }
        // An answer without counts, as of channels that have none, costs what is known.
        let counts = try? JSONDecoder().decode(Answer.self, from: Data(answer))
        return 2 * count + (counts?.batch ?? []).reduce(0) { $0 + max(0, $1.count ?? 0) }
    }
}
