import Ingest
import Market
import Store

/// Lanes and dead letters for people and for programs.
enum DeliveryView {
    static func show(_ lanes: [LaneStatus], json: Bool) {
        if json {
            for lane in lanes { Terminal.print(Self.json(lane)) }
            return
        }
        guard !lanes.isEmpty else { return Terminal.note("Nothing was ever to be delivered.") }
        let now = Timestamp.now
        var table = Table([
            ("LANE", .left), ("WAITING", .right), ("IN FLIGHT", .right), ("SENT", .right), ("RETRIED", .right),
            ("DEAD", .right), ("EXPIRED", .right), ("BREAKER", .left), ("TOKEN AGE", .right),
        ])
        for lane in lanes {
            table.add([
                lane.lane, String(lane.waiting), String(lane.inFlight), String(lane.sent), String(lane.retried),
                String(lane.dead), String(lane.expired), lane.breaker ?? "-",
                lane.tokenIssuedAt.map { Self.minutes(from: $0, to: now) } ?? "-",
            ])
        }
        for line in table.lines { Terminal.print(line) }
        for lane in lanes {
            if let reason = lane.breakerReason { Terminal.print("\(lane.lane) is held back: \(reason)") }
            if let error = lane.lastError, error != lane.breakerReason {
                Terminal.print(
                    "\(lane.lane), last error\(lane.lastErrorAt.map { " (\(AccountLine.time($0)))" } ?? ""): \(error)")
            }
        }
    }

    static func show(_ letters: [DeadLetter], json: Bool) {
        if json {
            for letter in letters { Terminal.print(Self.json(letter)) }
            return
        }
        guard !letters.isEmpty else { return Terminal.note("Nothing was given up.") }
        var table = Table([
            ("ID", .right), ("LANE", .left), ("DEVICE", .right), ("EVENT", .left), ("TRIES", .right),
            ("GIVEN UP (UTC)", .left), ("WHY", .left),
        ])
        for letter in letters {
            table.add([
                String(letter.id), letter.lane, letter.deviceID.map(String.init) ?? "-", letter.eventKey ?? "-",
                String(letter.attempts), AccountLine.time(letter.finishedAt), letter.error,
            ])
        }
        for line in table.lines { Terminal.print(line) }
    }

    private static func json(_ lane: LaneStatus) -> String {
        var members = [
            "\"lane\":\(JSONLine.string(lane.lane))", "\"waiting\":\(lane.waiting)", "\"inFlight\":\(lane.inFlight)",
            "\"sent\":\(lane.sent)", "\"retried\":\(lane.retried)", "\"dead\":\(lane.dead)",
            "\"expired\":\(lane.expired)",
        ]
        if let time = lane.oldestAt { members.append("\"oldestAt\":\"\(time)\"") }
        if let breaker = lane.breaker { members.append("\"breaker\":\(JSONLine.string(breaker))") }
        if let reason = lane.breakerReason { members.append("\"breakerReason\":\(JSONLine.string(reason))") }
        if let error = lane.lastError { members.append("\"lastError\":\(JSONLine.string(error))") }
        if let time = lane.lastErrorAt { members.append("\"lastErrorAt\":\"\(time)\"") }
        if let time = lane.tokenIssuedAt { members.append("\"tokenIssuedAt\":\"\(time)\"") }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func json(_ letter: DeadLetter) -> String {
        var members = [
            "\"id\":\(letter.id)", "\"lane\":\(JSONLine.string(letter.lane))", "\"attempts\":\(letter.attempts)",
            "\"error\":\(JSONLine.string(letter.error))", "\"finishedAt\":\"\(letter.finishedAt)\"",
        ]
        if let device = letter.deviceID { members.append("\"device\":\(device)") }
        if let event = letter.eventKey { members.append("\"event\":\(JSONLine.string(event))") }
        if let status = letter.status { members.append("\"status\":\(status)") }
        if let answer = letter.answer { members.append("\"answer\":\(JSONLine.string(answer))") }
        return "{" + members.joined(separator: ",") + "}"
    }

    private static func minutes(from start: Timestamp, to now: Timestamp) -> String {
        "\(max(0, now.microseconds - start.microseconds) / 60_000_000) min"
    }
}
