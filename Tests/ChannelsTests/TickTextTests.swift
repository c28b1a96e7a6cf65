import Testing

@testable import Channels

@Suite("The data of ticks inside frames")
struct TickTextTests {
    private func merged(_ data: String, _ count: Int) -> String {
        var output: [UInt8] = []
        Array(data.utf8).withUnsafeBytes { TickText.escaped.append($0, merged: count, to: &output) }
        return String(decoding: output, as: UTF8.self)
    }

    private func weight(_ data: String) -> Int { Array(data.utf8).withUnsafeBytes { TickText.escaped.weight($0) } }

    @Test(
        "merged is put last, in place of the one that is there",
        arguments: [
            (#"{\"a\":1}"#, #"{\"a\":1,\"merged\":7}"#), (#"{}"#, #"{\"merged\":7}"#),
            (#"{\"a\":1,\"merged\":12}"#, #"{\"a\":1,\"merged\":7}"#), (#"{\"merged\":3}"#, #"{\"merged\":7}"#),
            (#"{\"merged\":3,\"a\":1}"#, #"{\"merged\":3,\"a\":1,\"merged\":7}"#), ("5", "5"), ("", ""), ("{", "{"),
            (#"{\"amerged\":3}"#, #"{\"amerged\":3,\"merged\":7}"#),
            (#"{\"a\":\"merged:3\"}"#, #"{\"a\":\"merged:3\",\"merged\":7}"#),
        ])
    func append(data: String, expected: String) {
        #expect(self.merged(data, 7) == expected)
    }

    @Test(
        "Outside of a frame merged replaces itself as the last member",
        arguments: [
            ("{}", #"{"merged":3}"#), (#"{"a":1}"#, #"{"a":1,"merged":3}"#),
            (#"{"a":1,"merged":12}"#, #"{"a":1,"merged":3}"#), (#"{"merged":2}"#, #"{"merged":3}"#), ("[1]", "[1]"),
        ])
    func plain(data: String, result: String) {
        var output: [UInt8] = []
        Array(data.utf8).withUnsafeBytes { TickText.plain.append($0, merged: 3, to: &output) }
        #expect(String(decoding: output, as: UTF8.self) == result)
    }

    @Test("Data without merged stands for one tick")
    func weights() {
        #expect(self.weight(#"{\"a\":1}"#) == 1)
        #expect(self.weight(#"{\"a\":1,\"merged\":12}"#) == 12)
        #expect(self.weight("5") == 1)
        #expect(self.weight("") == 1)
        #expect(self.weight(#"{\"merged\":99999999999999999999}"#) == 1)
    }

    @Test("The sequence is found at the end")
    func sequences() {
        func sequence(_ text: String) -> UInt64? { Array(text.utf8).withUnsafeBytes { TickText.escaped.sequence($0) } }
        #expect(sequence(#"{\"a\":1,\"sequence\":1795435200151021}"#) == 1_795_435_200_151_021)
        #expect(sequence(#"{\"sequence\":5,\"merged\":12}"#) == 5)
        #expect(sequence(#"{\"a\":1}"#) == nil)
        #expect(sequence("5") == nil)
    }
}
