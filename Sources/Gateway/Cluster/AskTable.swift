import Backplane
import NIOCore

/// Questions to the other nodes that wait for answers.
///
/// An answer of each node that was there, or the time-out, decides: the newest value, and nothing when nobody has one.
struct AskTable {
    /// What became of a question.
    struct Outcome: Equatable {
        var question: NodeMessage.Question
        /// The newest value; of all primary tickers, one each.
        ///
        /// Empty: nobody holds one.
        var values: [NodeMessage.Value]
    }

    private struct Round {
        var questions: [NodeMessage.Question]
        var waitingFor: Set<UInt64>
        var deadline: NIODeadline
        var values: [NodeMessage.Question: NodeMessage.Value] = [:]
    }

    /// Values taken of one round.
    private static let valuesMax = 500_000

    private let timeout: TimeAmount
    private var rounds: [UInt64: Round] = [:]
    private var nextNumber: UInt64 = 1

    init(timeout: TimeAmount = .seconds(1)) { self.timeout = timeout }

    /// Asks `nodes`.
    ///
    /// - Returns: The round's number, for the message.
    mutating func begin(_ questions: [NodeMessage.Question], of nodes: [UInt64], now: NIODeadline) -> UInt64 {
        let number = self.nextNumber
        self.nextNumber += 1
        self.rounds[number] = Round(
            questions: questions, waitingFor: Set(nodes), deadline: now + self.timeout)
        return number
    }

    /// A node answered.
    ///
    /// - Returns: The outcomes of the round, when it is complete.
    mutating func answered(
        _ node: UInt64, number: UInt64, isLast: Bool, _ values: [NodeMessage.Value]
    ) -> [Outcome] {
        guard self.rounds[number]?.waitingFor.contains(node) == true else { return [] }
        for value in values where (self.rounds[number]?.values.count ?? 0) < Self.valuesMax {
            let key = NodeMessage.Question(app: value.app, channel: value.channel)
            if let older = self.rounds[number]?.values[key], older.time > value.time { continue }
            self.rounds[number]?.values[key] = value
        }
        if isLast { self.rounds[number]?.waitingFor.remove(node) }
        return self.finishIfComplete(number)
    }

    /// A node is gone: nobody waits for it.
    mutating func forget(_ node: UInt64) -> [Outcome] {
        self.rounds.keys.sorted().flatMap { number in
            self.rounds[number]?.waitingFor.remove(node)
            return self.finishIfComplete(number)
        }
    }

    /// Ends the rounds whose time is over.
    mutating func expire(now: NIODeadline) -> [Outcome] {
        self.rounds.filter { $0.value.deadline <= now }.keys.sorted().flatMap { self.finish($0) }
    }

    /// There is nobody to answer any more.
    mutating func giveUp() -> [Outcome] { self.rounds.keys.sorted().flatMap { self.finish($0) } }

    /// Ends a round that nobody is asked in.
    mutating func finishIfComplete(_ number: UInt64) -> [Outcome] {
        self.rounds[number]?.waitingFor.isEmpty == true ? self.finish(number) : []
    }

    private mutating func finish(_ number: UInt64) -> [Outcome] {
        guard let round = self.rounds.removeValue(forKey: number) else { return [] }
        return round.questions.map { question in
            if question.channel.isEmpty {
                let values = round.values.filter { $0.key.app == question.app }
                return Outcome(question: question, values: Array(values.values))
            }
            return Outcome(question: question, values: round.values[question].map { [$0] } ?? [])
        }
    }
}
