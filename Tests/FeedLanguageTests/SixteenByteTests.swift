import Market
import Testing

@testable import FeedLanguage

@Suite("Reading sixteen bytes at a time")
struct SixteenByteTests {
    @Test("A mask finds what a look at each byte finds", arguments: UInt64(0)..<20)
    func masks(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let common = Array("0159.-,]\"\\/:aé".utf8)
        for _ in 0..<500 {
            let bytes = (0..<16).map { _ in
                random.next() % 3 == 0 ? UInt8(truncatingIfNeeded: random.next()) : common[Int(random.next() % 14)]
            }
            let others =
                bytes.indices.filter { !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[$0]) } + [16, 16]
            let ends =
                bytes.indices.filter { bytes[$0] == UInt8(ascii: "\"") || bytes[$0] == UInt8(ascii: "\\") } + [16]
            bytes.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                let digits = ByteMask(nonDigits: base)
                #expect(digits.first == others[0] && digits.second == others[1], "\(bytes)")
                let quotes = ByteMask(quotesAndBackslashes: base)
                #expect(quotes.first == ends[0] && ByteMask.firstQuoteOrBackslash(base) == ends[0], "\(bytes)")
                for start in 0..<16 { #expect(quotes.first(from: start) == ends.first { $0 >= start }, "\(bytes)") }
            }
        }
    }

    /// RFC 8259, section 6, byte by byte.
    private static func plainLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        var rest = bytes
        func digits(_ rest: inout ArraySlice<UInt8>) -> Int {
            let count = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
            rest = rest.dropFirst(count)
            return count
        }
        if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        let isZero = rest.first == UInt8(ascii: "0")
        let whole = digits(&rest)
        guard whole > 0, whole == 1 || !isZero else { return nil }
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            guard digits(&rest) > 0 else { return nil }
        }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest = rest.dropFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest = rest.dropFirst() }
            guard digits(&rest) > 0 else { return nil }
        }
        return rest.startIndex - bytes.startIndex
    }

    @Test("A number ends where the grammar says, wherever the frame ends", arguments: UInt64(0)..<40)
    func numbers(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        let alphabet = Array("0001234567899999..--eE+,]} ".utf8)
        for _ in 0..<400 {
            let count = Int(random.next() % 40) + 1
            let bytes = (0..<count).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] }
            bytes.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return }
                for start in bytes.indices {
                    let length = JSONNumber.length(base + start, limit: count - start)
                    #expect(
                        length == Self.plainLength(bytes[start...]),
                        "\(String(decoding: bytes[start...], as: UTF8.self))")
                }
            }
        }
    }

    @Test("Numbers of any length end in the right place", arguments: 1...40)
    func longNumbers(count: Int) {
        let digits = String(repeating: "7", count: count)
        for text in [
            digits, "-\(digits)", "0.\(digits)", "-1.\(digits)", "\(digits).5", "\(digits)e5", "-\(digits)E-10",
        ] {
            for rest in [",1,2,3,4,5,6,7,8,9,0,1,2", "]", "", "}]}                    "] {
                let bytes = Array((text + rest).utf8)
                let length = bytes.withUnsafeBufferPointer { buffer in
                    buffer.baseAddress.flatMap { JSONNumber.length($0, limit: buffer.count) }
                }
                #expect(length == text.utf8.count, "\(text)\(rest)")
            }
        }
    }

    @Test("A string ends at its quote wherever that stands in the frame", arguments: 0...40)
    func strings(count: Int) throws {
        let feed = try FeedText.load(messages: "  - when: {k: v}\n    trade: {symbol: s, price: p, id: i}\n")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        for (written, meant) in [("", ""), ("\\\"", "\""), ("\\\\", "\\")] {
            let text = String(repeating: "x", count: count)
            for frame in [
                "{\"k\":\"v\",\"s\":\"BTC-USD\",\"p\":1,\"i\":\"\(text)\(written)\"}",
                "{\"i\":\"\(text)\(written)\",\"k\":\"v\",\"s\":\"BTC-USD\",\"p\":1}",
            ] {
                guard case .trade(let trade)? = decoder.decode([UInt8](frame.utf8)).ticks.first else {
                    Issue.record("no trade in \(frame)")
                    return
                }
                #expect(trade.id ?? "" == text + meant)
            }
        }
    }

    @Test("A remembered text is told from one that differs in any byte", arguments: 8...32)
    func rememberedTexts(count: Int) {
        let cache = VerdictCache()
        defer { cache.deallocate() }
        var bytes = (0..<count).map { UInt8(ascii: "a") + UInt8($0 % 26) }
        func find(_ bytes: [UInt8]) -> UInt64? {
            bytes.withUnsafeBufferPointer { buffer in
                buffer.baseAddress.flatMap { VerdictCache.Text($0, count: buffer.count) }.flatMap {
                    cache.find($0)?.possible
                }
            }
        }
        #expect(find(bytes) == nil)
        bytes.withUnsafeBufferPointer { buffer in
            if let text = buffer.baseAddress.flatMap({ VerdictCache.Text($0, count: buffer.count) }) {
                cache.learn(text, Verdict(possible: 5, fulfilled: 1))
            }
        }
        #expect(find(bytes) == 5)
        for index in bytes.indices {
            bytes[index] ^= 1
            #expect(find(bytes) == nil, "byte \(index)")
            bytes[index] ^= 1
        }
        #expect(find(Array(bytes.dropLast())) == nil && find(bytes + [1]) == nil)
    }
}
