import FeedLanguage
import Market
import Testing

/// The words for the odder dialects: channel ids, patterns, several outputs, scales, zones, merging.
@Suite("The feed language, further words")
struct LanguageWordsTests {
    static let frames: [LanguageCase] = [
        LanguageCase(
            title: "A list under when holds if one of its mappings does",
            messages: "- {when: [{a: 1, b: 2}, {c: {prefix: x}}], control: true}\n- {ignore: true}",
            tests: """
                - {frame: {a: 1, b: 2}, gives: control}
                - {frame: {c: xyz}, gives: control}
                - {frame: {a: 1, c: yx}, gives: ignored}
                """
        ),
        LanguageCase(
            title: "A test can be negated",
            messages: """
                - {when: {a: {not: {prefix: x}}}, control: true}
                - {when: {b: {not: {type: [string, "null"]}}}, reconnect: true}
                - {when: {c: {not: {matches: "^[0-9]+$"}}}, ignore: true}
                """,
            tests: """
                - {frame: {a: yx}, gives: control}
                - {frame: {a: 7}, gives: control}
                - {frame: {a: xy, b: 1}, gives: reconnect}
                - {frame: {a: xy, b: text, c: a1}, gives: ignored}
                - {frame: {a: xy, c: "17"}, gives: unmatched}
                - {frame: {}, gives: unmatched}
                """
        ),
        LanguageCase(
            title: "A frame that is not JSON is one text",
            messages: """
                - {when: {$: pong}, control: true}
                - {when: {$: {prefix: Exceeded}}, error: {message: $}}
                - {when: {a: 1}, ignore: true}
                """,
            tests: """
                - {frame: pong, gives: control}
                - {frame: " pong\\r\\n", gives: control}
                - {frame: '"pong"', gives: control}
                - {frame: Exceeded the daily hits limit, gives: {error: Exceeded the daily hits limit}}
                - {frame: no such thing, gives: unmatched}
                - {frame: 42 apples, gives: unmatched}
                - {frame: '{"a":1}', gives: ignored}
                - {frame: '{"a":', gives: malformed}
                - {frame: '[1,', gives: malformed}
                """
        ),
        LanguageCase(
            title: "A question is answered with its own values, and the answer is no tick",
            messages: """
                - {when: {ping: {exists: true}}, reply: {pong: "{$.ping}"}}
                - {when: {method: beat}, reply: {id: "{$.id}", text: "re {$.q.name}", list: [1, "{$.id}"]}}
                - {when: {$: ping}, reply: pong}
                """,
            tests: """
                - {frame: {ping: 1492420473027}, gives: {reply: '{"pong":1492420473027}'}}
                - {frame: {method: beat, id: "a\\"b", q: {name: Bob}}, gives: {reply: '{"id":"a\\"b","text":"re Bob","list":[1,"a\\"b"]}'}}
                - {frame: ping, gives: {reply: pong}}
                """
        ),
        LanguageCase(
            title: "Acknowledgements name what is confirmed and refused",
            messages: """
                - {when: {e: all}, ack: true}
                - {when: {e: one}, ack: {symbol: s}}
                - {when: {e: many}, ack: {each: ok, symbol: s, failed: {each: bad, symbol: s, message: why}}}
                """,
            tests: """
                - {frame: {e: all}, gives: control}
                - {frame: {e: one, s: A-B}, gives: {ack: [A-B]}}
                - {frame: {e: many, ok: [{s: A-B}, {s: C-D}], bad: [{s: X, why: unknown}]}, gives: {ack: [A-B, C-D], failed: [X]}}
                - {frame: {e: many, ok: null, bad: [{s: X}]}, gives: {failed: [X]}}
                """
        ),
        LanguageCase(
            title: "Errors name their symbol, and fatal ones are told apart",
            messages: """
                - {when: {code: [401, 402]}, fatal: {message: msg}}
                - {when: {code: {exists: true}}, error: {message: msg, symbol: s, retryAfter: 1m}}
                """,
            tests: """
                - {frame: {code: 402, msg: auth failed}, gives: {fatal: auth failed}}
                - {frame: {code: 7, msg: slow down, s: A-B}, gives: {error: slow down}}
                """
        ),
        LanguageCase(
            title: "Several outputs come from one frame, each with its own list and conditions",
            messages: """
                - when: {t: all}
                  outputs:
                    - {each: trades, trade: {symbol: ^.s, price: p}}
                    - {when: {bid: {exists: true}}, quote: {symbol: s, bid: bid}}
                """,
            tests: """
                - frame: {t: all, s: A-B, bid: 3, trades: [{p: 1}, {p: 2}]}
                  gives: [{trade: {price: 1}}, {trade: {price: 2}}, {quote: {bid: 3}}]
                - {frame: {t: all, s: A-B, trades: []}, gives: ignored}
                """
        ),
        LanguageCase(
            title:
                "Items of a list may be control messages or errors, and one of no kind is not passed over in silence",
            messages: """
                - each: .
                  items:
                    - {when: {T: t}, trade: {symbol: S, price: p}}
                    - {when: {T: error}, error: {message: msg, detail: code}}
                    - {when: {T: [success, subscription]}, control: true}
                """,
            tests: """
                - {frame: [{T: success, msg: connected}], gives: control}
                - {frame: [{T: error, code: 402, msg: auth failed}], gives: {error: "auth failed: 402"}}
                - {frame: [{T: error, code: 1, msg: x}, {T: t, S: A, p: 1}], gives: {trade: {symbol: A, price: 1}}}
                - {frame: [{T: success}, {T: new}], gives: unmatched}
                """
        ),
    ]

    static let values: [LanguageCase] = [
        LanguageCase(
            title: "A sign gives the side, and a size without it",
            messages: """
                - {each: ., trade: {symbol: s, price: p, size: {from: q, abs: true}, side: {from: q, sign: true}}}
                """,
            tests: """
                - {frame: [{s: A-B, p: 1, q: -0.5}], gives: {trade: {size: "0.5", side: sell}}}
                - {frame: [{s: A-B, p: 1, q: "0.25"}], gives: {trade: {size: "0.25", side: buy}}}
                - {frame: [{s: A-B, p: 1, q: -12345678901234567890.5}], gives: {trade: {size: "12345678901234567900", side: sell, flags: [noEventTime, rounded]}}}
                - {frame: [{s: A-B, p: 1, q: 0}], gives: {trade: {side: unknown}}}
                """
        ),
        LanguageCase(
            title: "The maker's side is turned into the taker's",
            messages: "- {trade: {symbol: s, price: p, side: {from: m, invert: true}}}",
            tests: """
                - {frame: {s: A-B, p: 1, m: buy}, gives: {trade: {side: sell}}}
                - {frame: {s: A-B, p: 1, m: SELL}, gives: {trade: {side: buy}}}
                - {frame: {s: A-B, p: 1, m: other}, gives: {trade: {side: unknown}}}
                """
        ),
        LanguageCase(
            title: "Numbers lose their percent signs and are scaled, exactly",
            messages: """
                - trade: {symbol: s, price: {from: p, strip: "%,", dividedBy: 8}, size: {from: q, times: "0.001"}}
                """,
            tests: """
                - {frame: {s: A-B, p: "1,200.4%", q: 12}, gives: {trade: {price: "150.05", size: "0.012", flags: [noEventTime]}}}
                - {frame: {s: A-B, p: "1", q: "x"}, gives: malformed}
                """
        ),
        LanguageCase(
            title: "An endless quotient is rounded and says so",
            messages: "- trade: {symbol: s, price: {from: p, dividedBy: 3}}",
            tests: """
                - {frame: {s: A-B, p: 1}, gives: {trade: {price: "0.333333333333333333", flags: [noEventTime, rounded]}}}
                - {frame: {s: A-B, p: 2}, gives: {trade: {price: "0.666666666666666667"}}}
                - {frame: {s: A-B, p: 6}, gives: {trade: {price: "2", flags: [noEventTime]}}}
                """
        ),
        LanguageCase(
            title: "Symbols and ids are put together from several values, or cut out by a pattern",
            messages: """
                - {when: {t: a}, trade: {symbol: {text: "{b}-{q.c}"}, price: p, id: {text: "{x}:{y}"}}}
                - {when: {t: b}, trade: {symbol: {from: topic, matches: "^/m/([A-Z-]+):"}, price: p}}
                """,
            tests: """
                - {frame: {t: a, b: BTC, q: {c: USD}, p: 1, x: 7, y: k}, gives: {trade: {symbol: BTC-USD, id: "7:k"}}}
                - {frame: {t: a, b: BTC, p: 1}, gives: malformed}
                - {frame: {t: b, topic: "/m/ETH-USD:5", p: 1}, gives: {trade: {symbol: ETH-USD}}}
                - {frame: {t: b, topic: "/n/ETH-USD:5", p: 1}, gives: malformed}
                """
        ),
        LanguageCase(
            title: "Times have zones, or stand in two fields",
            messages: """
                - {when: {t: a}, trade: {symbol: s, price: p, time: {from: at, zone: Asia/Seoul}}}
                - {when: {t: b}, trade: {symbol: s, price: p, time: {date: d, time: c, zone: Europe/Warsaw}}}
                """,
            tests: """
                - {frame: {t: a, s: A, p: 1, at: "2021-06-02 08:43:34.555058"}, gives: {trade: {time: "2021-06-01T23:43:34.555058Z", flags: []}}}
                - {frame: {t: a, s: A, p: 1, at: "2021-06-02T08:43:34Z"}, gives: {trade: {time: "2021-06-02T08:43:34Z"}}}
                - {frame: {t: b, s: A, p: 1, d: "2026-07-01", c: "17:30:00"}, gives: {trade: {time: "2026-07-01T15:30:00Z"}}}
                - {frame: {t: b, s: A, p: 1, d: "2026-01-05", c: "17:30:00"}, gives: {trade: {time: "2026-01-05T16:30:00Z"}}}
                - {frame: {t: b, s: A, p: 1, d: "2026-01-05"}, gives: {trade: {flags: [noEventTime]}}}
                - {frame: {t: b, s: A, p: 1, d: N/D, c: N/D}, gives: {trade: {flags: [implausibleTime]}}}
                """
        ),
        LanguageCase(
            title: "Entries of entries have both keys",
            messages: """
                - {each: ["*", "*"], trade: {symbol: {text: "{^.@key}-{@key}"}, price: .}}
                """,
            tests: """
                - frame: {BTC: {USD: 5, EUR: 4}, ETH: {USD: 3}}
                  gives: [{trade: {symbol: BTC-USD, price: 5}}, {trade: {symbol: BTC-EUR}}, {trade: {symbol: ETH-USD}}]
                """
        ),
    ]

    @Test("Each does what it says", arguments: Self.frames + Self.values)
    func words(_ example: LanguageCase) throws {
        let feed = try FeedText.load(messages: example.messages, symbols: example.symbols, tests: example.tests)
        #expect(feed.runTests() == [])
        #expect(feed.testCount > 0)
    }

    @Test("A registered channel's frames are told by its id until the next connection")
    func channels() throws {
        let feed = try FeedText.load(
            messages: """
                - {when: {event: subscribed}, register: {id: chanId, kind: channel, symbol: pair}}
                - {channel: {id: "[0]", is: trades}, when: {"[1]": te}, trade: {price: "[2][1]"}}
                - {channel: {id: "[0]", is: ticker}, when: {"[1]": {type: array}}, quote: {bid: "[1][0]"}}
                - {channel: {id: "[0]"}, when: {"[1]": hb}, control: true}
                - {when: {"[1]": hb}, ignore: true}
                """
        )
        var decoder = FrameDecoder(feed: feed, symbols: [])
        #expect(decoder.decode("[17,\"te\",[1,2]]").outcome == .unmatched)
        let first = RegisteredChannel(id: "17", kind: "trades", symbol: try Symbol("BTC-USD"))
        let subscribed = #"{"event":"subscribed","chanId":17,"channel":"trades","pair":"BTC-USD"}"#
        #expect(decoder.decode(subscribed).outcome == .registered(first))
        _ = decoder.decode(#"{"event":"subscribed","chanId":18,"channel":"ticker","pair":"ETH-USD"}"#)
        let (outcome, ticks) = decoder.decode("[17,\"te\",[1,2.5]]")
        #expect(outcome == .ticks(1))
        #expect(ticks.first?.symbol.name == "BTC-USD")
        #expect(decoder.decode("[18,\"te\",[1,2.5]]").outcome == .unmatched)
        #expect(decoder.decode("[18,[2.5,1]]").ticks.first?.symbol.name == "ETH-USD")
        #expect(decoder.decode("[18,\"hb\"]").outcome == .control)
        #expect(decoder.decode("[19,\"hb\"]").outcome == .ignored)
        decoder.reset()
        #expect(decoder.decode("[17,\"te\",[1,2.5]]").outcome == .unmatched)
    }

    @Test("What a delta leaves out is unchanged, until the next connection")
    func merging() throws {
        let feed = try FeedText.load(
            messages: "- {quote: {symbol: s, bid: {from: b, none: 0}, ask: a, last: l, merge: true}}")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        #expect(decoder.decode(#"{"s":"A-B"}"#).outcome == .ignored)
        func quote(_ text: String) throws -> Quote {
            let tick = try #require(decoder.decode(text).ticks.first)
            let quote: Quote? = if case .quote(let quote) = tick { quote } else { nil }
            return try #require(quote)
        }
        #expect(try quote(#"{"s":"A-B","b":"1","a":"2"}"#).ask == Decimal64("2"))
        let changed = try quote(#"{"s":"A-B","a":"3"}"#)
        #expect(changed.bid == Decimal64("1") && changed.ask == Decimal64("3") && changed.last == nil)
        #expect(try quote(#"{"s":"A-B","b":"0"}"#).bid == nil)
        #expect(try quote(#"{"s":"C-D","l":"9"}"#).ask == nil)
        decoder.reset()
        #expect(decoder.decode(#"{"s":"A-B"}"#).outcome == .ignored)
    }

    @Test("An old trade pushed first counts as a snapshot, until a symbol's first young one")
    func staleFirst() throws {
        let feed = try FeedText.load(
            messages: "- {trade: {symbol: s, price: p, time: {from: t, unit: s}, staleFirst: 10s}}")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        // The frames of `decode` arrive at 1_800_000_000.
        func isSnapshot(_ symbol: String, _ time: Int) throws -> Bool {
            let frame = "{\"s\":\"\(symbol)\",\"p\":1,\"t\":\(time)}"
            guard case .trade(let trade) = try #require(decoder.decode(frame).ticks.first) else { return false }
            return trade.flags.contains(.snapshot)
        }
        #expect(try isSnapshot("A-B", 1_799_999_980))
        #expect(try isSnapshot("A-B", 1_799_999_989))
        #expect(try !isSnapshot("A-B", 1_799_999_995))
        #expect(try !isSnapshot("A-B", 1_799_999_900), "late, but live")
        #expect(try isSnapshot("C-D", 1_799_999_900))
    }

    @Test("An answer's symbol is the one that was asked for")
    func requestSymbol() throws {
        let feed = try FeedText.load(messages: "- {each: ., trade: {symbol: \"@symbol\", price: p}}")
        var decoder = FrameDecoder(feed: feed, symbols: [try Symbol("BTC-USD")])
        #expect(decoder.decode("[{\"p\":1},{\"p\":2}]").ticks.map(\.symbol.name) == ["BTC-USD", "BTC-USD"])
        var other = FrameDecoder(feed: feed, symbols: [])
        #expect(other.decode("[{\"p\":1}]").outcome == .malformed("there is no symbol"))
    }

    @Test("A number on every frame is read from all of them, whichever rule takes them")
    func frameSequence() throws {
        let yaml = FeedText.file(
            messages: "- {when: {t: x}, ignore: true}\n- {when: {t: y}, trade: {symbol: s, price: p}}")
        let feed = try Feed.load(yaml: yaml + "\nsequence: {from: n, step: 1}", file: "test.yaml")
        #expect(feed.sequencing == FeedSequencing(connection: .contiguous))
        var decoder = FrameDecoder(feed: feed, symbols: [])
        #expect(decoder.decode(#"{"t":"x","other":[1,2],"n":5}"#).outcome == .ignored)
        #expect(decoder.frameSequence == 5)
        #expect(decoder.decode(#"{"t":"y","s":"A-B","p":1,"n":6}"#).outcome == .ticks(1))
        #expect(decoder.frameSequence == 6)
        #expect(decoder.decode(#"{"t":"z","n":7}"#).outcome == .unmatched)
        #expect(decoder.frameSequence == 7)
        #expect(decoder.decode(#"{"t":"x"}"#).outcome == .ignored)
        #expect(decoder.frameSequence == nil)
    }

    @Test(
        "A frame that cannot be read has no number, not even the one before's", arguments: ["", "{", #"{"n":6,"t":"#])
    func noFrameSequence(text: String) throws {
        let yaml = FeedText.file(messages: "- ignore: true") + "\nsequence: {from: n, step: 1}"
        var decoder = FrameDecoder(feed: try Feed.load(yaml: yaml, file: "test.yaml"), symbols: [])
        _ = decoder.decode(#"{"n":5,"t":"x"}"#)
        #expect(decoder.frameSequence == 5)
        guard case .malformed = decoder.decode(text).outcome else {
            Issue.record("\(text) was read")
            return
        }
        #expect(decoder.frameSequence == nil)
    }

    @Test("Contract sizes come from the file's tables")
    func tables() throws {
        let yaml = FeedText.file(
            messages: "- trade: {symbol: s, price: p, size: {from: q, times: {table: contracts}}}",
            tests: """
                - {frame: {s: A-B, p: 1, q: 7}, gives: {trade: {size: "0.007"}}}
                - {frame: {s: C-D, p: 1, q: 7}, gives: {trade: {size: "70"}}}
                """)
        let feed = try Feed.load(yaml: yaml + "\ntables: {contracts: {A-B: \"0.001\", default: 10}}", file: "test.yaml")
        #expect(feed.runTests() == [])
    }

    @Test("What the numbers of ticks promise is known to the guard")
    func sequencing() throws {
        let feed = try FeedText.load(
            messages: """
                - {when: {a: 1}, trade: {symbol: s, price: p, sequence: {from: n, step: 1}}}
                - {when: {a: 2}, trade: {symbol: s, price: p, sequence: n}}
                - {when: {a: 3}, quote: {symbol: s, bid: p, sequence: {from: n, step: increasing}}}
                """)
        #expect(feed.sequencing == FeedSequencing(trades: .contiguous, quotes: .increasing))
    }

    @Test("Regular expressions do not run away on a long hostile text")
    func patternBounds() throws {
        let feed = try FeedText.load(
            messages: "- {when: {a: {matches: \"^(x+x+)+y$\"}}, control: true}\n- {ignore: true}")
        var decoder = FrameDecoder(feed: feed, symbols: [])
        #expect(decoder.decode("{\"a\":\"\(String(repeating: "x", count: 100_000))\"}").outcome == .ignored)
        #expect(decoder.decode("{\"a\":\"xxxy\"}").outcome == .control)
    }
}
