import Foundation
import Market
import Testing

@testable import Channels

@Suite("A derived ticker channel")
struct TickerQuotesTests {
    private static func escaped(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        Array(text.utf8).withUnsafeBufferPointer { JSONText.appendEscaped($0, to: &output) }
        return output
    }

    private static func object(_ data: [UInt8]) throws -> [String: String] {
        let text = data.withUnsafeBufferPointer { JSONText.unescaped($0) }
        let object = try JSONSerialization.jsonObject(with: Data(text), options: [])
        return try #require(object as? [String: Any]).mapValues { "\($0)" }
    }

    private static func text(_ data: [UInt8]) -> String {
        String(decoding: data.withUnsafeBufferPointer { JSONText.unescaped($0) }, as: UTF8.self)
    }

    private static func frame(_ quotes: inout TickerQuotes, _ newest: [UInt8]) throws -> TickerQuotes.Frame {
        let frame = quotes.frame(newest: newest)
        return try #require(frame)
    }

    @Test("A frame is the newest tick and says how many it stands for")
    func merging() throws {
        var quotes = TickerQuotes(isDelta: false)
        let first = Self.escaped(#"{"price":"1","sequence":1}"#)
        let snapshot = quotes.joined(newest: first)
        #expect(snapshot == first)
        #expect(!quotes.hasFrame)
        for _ in 0..<3 { quotes.ticked(weight: 1) }
        let frame = try Self.frame(&quotes, Self.escaped(#"{"price":"4","sequence":4}"#))
        #expect(frame.name == "tick")
        #expect(frame.merged == 3)
        #expect(Self.text(frame.data) == #"{"price":"4","sequence":4,"merged":3}"#)
    }

    @Test("Who joins between two frames gets the state of the last frame, so that the next one fits")
    func joining() {
        var quotes = TickerQuotes(isDelta: false)
        let first = Self.escaped(#"{"price":"1","sequence":1}"#)
        _ = quotes.joined(newest: first)
        quotes.ticked(weight: 1)
        let snapshot = quotes.joined(newest: Self.escaped(#"{"price":"2","sequence":2}"#))
        #expect(snapshot == first)
    }

    @Test("Only what has changed is sent, always with the sequence")
    func changes() throws {
        var quotes = TickerQuotes(isDelta: true)
        _ = quotes.joined(newest: Self.escaped(#"{"symbol":"A","price":"1","bid":"0.9","sequence":1}"#))
        quotes.ticked(weight: 1)
        let frame = try Self.frame(
            &quotes, Self.escaped(#"{"symbol":"A","price":"2","bid":"0.9","ask":"3","sequence":2}"#))
        #expect(frame.name == "tick")
        #expect(Self.text(frame.data) == #"{"price":"2","ask":"3","sequence":2,"merged":1}"#)
    }

    @Test("A field that disappears makes the frame a snapshot, because assigning cannot take it away")
    func removal() throws {
        var quotes = TickerQuotes(isDelta: true)
        _ = quotes.joined(newest: Self.escaped(#"{"price":"1","side":"buy","sequence":1}"#))
        quotes.ticked(weight: 1)
        let frame = try Self.frame(&quotes, Self.escaped(#"{"price":"1","sequence":2}"#))
        #expect(frame.name == "snapshot")
        #expect(Self.text(frame.data) == #"{"price":"1","sequence":2,"merged":1}"#)
    }

    @Test("Without a state to begin with, the first frame is a full one")
    func withoutState() throws {
        var quotes = TickerQuotes(isDelta: true)
        let snapshot = quotes.joined(newest: [])
        #expect(snapshot.isEmpty)
        var names: [String] = []
        for sequence in 1...2 {
            quotes.ticked(weight: 1)
            names.append(try Self.frame(&quotes, Self.escaped(#"{"price":"1","sequence":\#(sequence)}"#)).name)
        }
        #expect(names == ["snapshot", "tick"])
    }

    @Test("Data that is no object is sent as it is")
    func opaque() throws {
        var quotes = TickerQuotes(isDelta: true)
        _ = quotes.joined(newest: Array("1".utf8))
        quotes.ticked(weight: 1)
        let frame = try Self.frame(&quotes, Array("2".utf8))
        #expect(frame.name == "snapshot")
        #expect(Self.text(frame.data) == "2")
    }

    @Test(
        "Assigning gives what a full client holds, however ticks are merged and whenever one joins",
        arguments: UInt64(0)..<300)
    func reconstruction(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        var full = TickerQuotes(isDelta: false)
        var delta = TickerQuotes(isDelta: true)
        var newest: [UInt8] = []
        var fullState: [String: String] = [:]
        var states: [[String: String]] = []
        var fullSequence: Int?
        func field(_ name: String, _ random: inout SplitMix64) -> String? {
            switch Int.random(in: 0..<20, using: &random) {
            case 0: nil
            case 1: "\"\(name)\":\"\\u00e9\\\"\\\\ \(Int.random(in: 0..<2, using: &random))\""
            case 2: "\"\(name)\":null"
            case 3: "\"\(name)\":{\"x\":[\(Int.random(in: 0..<2, using: &random))]}"
            default: "\"\(name)\":\"\(Int.random(in: 0..<3, using: &random))\""
            }
        }
        for sequence in 1...60 {
            if Int.random(in: 0..<6, using: &random) == 0 {
                let snapshot = delta.joined(newest: newest)
                states.append(snapshot.isEmpty ? [:] : try Self.object(snapshot))
                let other = full.joined(newest: newest)
                #expect(other == snapshot)
                if fullState.isEmpty, !other.isEmpty { fullState = try Self.object(other) }
            }
            var members = ["symbol", "price", "bid", "side"].compactMap { field($0, &random) }
            if Bool.random(using: &random) { members.reverse() }
            newest = Self.escaped("{\((members + ["\"sequence\":\(sequence)"]).joined(separator: ","))}")
            full.ticked(weight: 1)
            delta.ticked(weight: 1)
            guard Bool.random(using: &random) else { continue }
            let whole = try Self.frame(&full, newest)
            let changes = try Self.frame(&delta, newest)
            fullState = try Self.object(whole.data)
            if let known = fullSequence { #expect(sequence - whole.merged == known) }
            fullSequence = sequence
            let assigned = try Self.object(changes.data)
            for index in states.indices {
                if changes.name == "snapshot" { states[index] = assigned } else { states[index].merge(assigned) { $1 } }
                #expect(states[index] == fullState)
            }
            #expect(changes.merged == whole.merged)
        }
    }
}
