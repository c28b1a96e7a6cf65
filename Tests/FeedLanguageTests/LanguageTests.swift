import FeedLanguage
import Market
import Testing

/// A piece of the language: rules, and frames with what they must give, in the language's own words.
struct LanguageCase: Sendable, CustomTestStringConvertible {
    var title: String
    var symbols = "{separator: \"-\"}"
    var messages: String
    var tests: String

    var testDescription: String { self.title }
}

@Suite("The feed language")
struct LanguageTests {
    static let matching: [LanguageCase] = [
        LanguageCase(
            title: "The first rule whose tests all hold takes the frame",
            messages: """
                - when: {a: 1, b: [x, y]}
                  control: true
                - when: {a: 1}
                  ignore: true
                """,
            tests: """
                - {frame: {a: 1, b: y}, gives: control}
                - {frame: {b: x, a: 1}, gives: control}
                - {frame: {a: 1, b: z}, gives: ignored}
                - {frame: {a: 1}, gives: ignored}
                - {frame: {a: 2, b: x}, gives: unmatched}
                - {frame: {}, gives: unmatched}
                """
        ),
        LanguageCase(
            title: "Strings, numbers, booleans and null are different values",
            messages: """
                - {when: {v: "1"}, control: true}
                - {when: {v: 1}, ignore: true}
                - {when: {v: [true, null]}, reconnect: true}
                """,
            tests: """
                - {frame: {v: "1"}, gives: control}
                - {frame: {v: 1}, gives: ignored}
                - {frame: {v: true}, gives: reconnect}
                - {frame: {v: null}, gives: reconnect}
                - {frame: {v: "true"}, gives: unmatched}
                - {frame: {v: [1]}, gives: unmatched}
                """
        ),
        LanguageCase(
            title: "Presence, type, beginning, end, pattern and negation can be tested at any depth",
            messages: """
                - {when: {x.p: {prefix: live_}}, control: true}
                - {when: {x.p: {suffix: "@depth"}}, ignore: true}
                - {when: {x.p: {like: "a*z"}}, reconnect: true}
                - {when: {x.q: {type: [array, object]}}, control: true}
                - {when: {x.r: {not: [1, "two"]}}, ignore: true}
                - {when: {x.s: {exists: true}, t: {absent: true}}, reconnect: true}
                """,
            tests: """
                - {frame: {x: {p: live_btc}}, gives: control}
                - {frame: {x: {p: a@depth}}, gives: ignored}
                - {frame: {x: {p: abcz}}, gives: reconnect}
                - {frame: {x: {p: 5, q: []}}, gives: control}
                - {frame: {x: {q: {}}}, gives: control}
                - {frame: {x: {r: 2}}, gives: ignored}
                - {frame: {x: {r: two}}, gives: unmatched}
                - {frame: {x: {r: 1}}, gives: unmatched}
                - {frame: {x: {s: 0}}, gives: reconnect}
                - {frame: {x: {s: null}}, gives: unmatched}
                - {frame: {x: {s: 0}, t: 1}, gives: unmatched}
                """
        ),
        LanguageCase(
            title: "Arrays, scalars and deep frames meet rules for objects without harm",
            messages: "- {when: {a.b.c: 1}, control: true}\n- {when: {$: {type: array}}, ignore: true}",
            tests: """
                - {frame: [1, {a: 2}], gives: ignored}
                - {frame: '[]', gives: ignored}
                - {frame: '7', gives: unmatched}
                - {frame: '"a"', gives: unmatched}
                - {frame: {a: [{b: {c: 1}}]}, gives: unmatched}
                - {frame: {a: {b: {c: 1}}}, gives: control}
                """
        ),
        LanguageCase(
            title: "Words longer than sixteen bytes are compared in full",
            messages: "- {when: {type: [aaaaaaaaXaaaaaaaaa, aaaaaaaaYaaaaaaaaa]}, control: true}",
            tests: """
                - {frame: {type: aaaaaaaaXaaaaaaaaa}, gives: control}
                - {frame: {type: aaaaaaaaYaaaaaaaaa}, gives: control}
                - {frame: {type: aaaaaaaaZaaaaaaaaa}, gives: unmatched}
                """
        ),
    ]

    static let iterating: [LanguageCase] = [
        LanguageCase(
            title: "Two levels of lists reach their envelope and the frame",
            messages: """
                - when: {channel: market_trades}
                  each: [events, trades]
                  trade:
                    symbol: product_id
                    price: price
                    time: $.timestamp
                    sequence: $.sequence_num
                    snapshot: {when: {^.type: snapshot}}
                """,
            tests: """
                - frame:
                    channel: market_trades
                    events:
                      - {type: snapshot, trades: [{product_id: BTC-USD, price: 1}, {product_id: ETH-USD, price: 2}]}
                      - {trades: [{product_id: SOL-USD, price: 3}], type: update}
                      - {type: update, trades: []}
                    sequence_num: 9
                    timestamp: "2026-04-07T14:30:02.789012Z"
                  gives:
                    - {trade: {symbol: BTC-USD, price: 1, snapshot: true, sequence: 9, time: "2026-04-07T14:30:02.789012Z"}}
                    - {trade: {symbol: ETH-USD, price: 2, snapshot: true}}
                    - {trade: {symbol: SOL-USD, price: 3, snapshot: false, sequence: 9}}
                """
        ),
        LanguageCase(
            title: "The members of a frame that is a list may be of several kinds",
            messages: """
                - when: {$: {type: array}}
                  each: $
                  items:
                    - when: {T: t}
                      trade: {symbol: S, price: p, size: s, id: i}
                    - when: {T: [q]}
                      quote: {symbol: S, bid: bp, ask: ap}
                    - ignore: true
                """,
            tests: """
                - frame: [{T: t, S: AAPL, p: 126.55, s: 1, i: 96921}, {T: subscription}, {T: q, S: AMD, bp: 87.66, ap: 87.67}]
                  gives:
                    - {trade: {symbol: AAPL, price: "126.55", size: 1, id: "96921"}}
                    - {quote: {symbol: AMD, bid: "87.66", ask: "87.67"}}
                - {frame: [{T: success}], gives: ignored}
                """
        ),
        LanguageCase(
            title: "Where a list is expected a single object counts as its only member",
            messages: "- {each: result, trade: {symbol: s, price: p}}",
            tests: """
                - {frame: {result: {s: A-B, p: "1"}}, gives: {trade: {symbol: A-B, price: 1}}}
                - {frame: {result: [{s: A-B, p: "1"}, {s: C-D, p: "2"}]}, gives: [{trade: {price: 1}}, {trade: {price: 2}}]}
                """
        ),
        LanguageCase(
            title: "Entries of objects are walked through with their keys, two levels deep",
            messages: """
                - each: ["RAW.*", "*"]
                  trade: {symbol: ^.@key, price: PRICE, id: "@key"}
                """,
            tests: """
                - frame: {RAW: {BTC: {USD: {PRICE: 7}, EUR: {PRICE: 6}}, ETH: {USD: {PRICE: 2}}}}
                  gives:
                    - {trade: {symbol: BTC, price: 7, id: USD}}
                    - {trade: {symbol: BTC, price: 6, id: EUR}}
                    - {trade: {symbol: ETH, price: 2, id: USD}}
                """
        ),
        LanguageCase(
            title: "Places in arrays are counted from the beginning and from the end",
            messages: """
                - when: {"[-2]": trade}
                  each: "[1]"
                  trade: {symbol: "$[-1]", price: "[0]", size: "[1]"}
                """,
            tests: """
                - frame: [993, [["354.11", "0.89"], ["355", "1", "x"]], trade, XMR-USD]
                  gives: [{trade: {symbol: XMR-USD, price: "354.11", size: "0.89"}}, {trade: {price: 355}}]
                - {frame: [993, {a: 1}, {b: 2}, book, XMR-USD], gives: unmatched}
                - {frame: [trade], gives: unmatched}
                """
        ),
        LanguageCase(
            title: "One frame may give a trade and a quote",
            messages: "- {trade: {symbol: s, price: l}, quote: {symbol: s, bid: b, ask: a, last: l}}",
            tests: """
                - frame: {s: A-B, l: 2, b: 1, a: 3}
                  gives: [{trade: {price: 2}}, {quote: {bid: 1, ask: 3, last: 2}}]
                """
        ),
    ]

    static let values: [LanguageCase] = [
        LanguageCase(
            title: "Numbers and texts are read digit by digit",
            messages: "- {trade: {symbol: s, price: p}}",
            tests: """
                - {frame: {s: A-B, p: 105944.20}, gives: {trade: {price: "105944.2", flags: [noEventTime]}}}
                - {frame: {s: A-B, p: 1.58E-4}, gives: {trade: {price: "0.000158"}}}
                - {frame: {s: A-B, p: "-12.50"}, gives: {trade: {price: "-12.5"}}}
                - {frame: {s: A-B, p: "0.00000000"}, gives: {trade: {price: 0}}}
                - {frame: {s: A-B, p: "3805.44000000000011"}, gives: {trade: {price: "3805.44000000000011", flags: [noEventTime]}}}
                - frame: {s: A-B, p: 6929.8217756835584756}
                  gives: {trade: {price: "6929.82177568355848", flags: [noEventTime, rounded]}}
                - {frame: {s: A-B, p: "x"}, gives: malformed}
                - {frame: {s: A-B, p: true}, gives: malformed}
                - {frame: {s: A-B, p: [1]}, gives: malformed}
                - {frame: {s: A-B}, gives: malformed}
                - {frame: {s: A-B, p: null}, gives: malformed}
                - {frame: {p: 1}, gives: malformed}
                - {frame: {s: "", p: 1}, gives: malformed}
                - {frame: {s: "a b", p: 1}, gives: malformed}
                """
        ),
        LanguageCase(
            title: "Keys with any characters are quoted",
            messages: "- {each: '\"Global Quote\"', trade: {symbol: '\"01. symbol\"', price: '\"05. price\"'}}",
            tests:
                "- {frame: {Global Quote: {01. symbol: IBM, 05. price: \"1.5\"}}, gives: {trade: {symbol: IBM, price: \"1.5\"}}}"
        ),
        LanguageCase(
            title: "Escapes in keys and texts are written out before they are compared or read",
            messages: """
                - when: {type: trade}
                  trade: {symbol: symbol, price: price, id: id}
                """,
            tests: #"""
                - frame: '{"t\u0079pe":"tr\u0061de","symbol":"BTC\u002dUSD","pric\u0065":"1\u0032.5","id":"a\"\\\/\n\ud83d\ude00\ud800"}'
                  gives: {trade: {symbol: BTC-USD, price: "12.5", id: "a\"\\/\n😀�"}}
                """#
        ),
        LanguageCase(
            title: "The first place that holds something counts",
            messages: "- {trade: {symbol: [s, t.u], price: [price_str, price]}}",
            tests: """
                - {frame: {s: A-B, price_str: "3651.3", price: 3651.3000000000002}, gives: {trade: {price: "3651.3"}}}
                - {frame: {t: {u: C-D}, price_str: null, price: 2}, gives: {trade: {symbol: C-D, price: 2}}}
                """
        ),
        LanguageCase(
            title: "Declared texts and numbers mean no value; a quote without values is no tick",
            messages: "- {quote: {symbol: s, bid: {from: b, none: [0, N/D]}, ask: {from: a, none: 0}, askSize: z}}",
            tests: """
                - {frame: {s: A-B, b: 0.00, a: "5"}, gives: {quote: {bid: null, ask: 5, askSize: null}}}
                - {frame: {s: A-B, b: N/D, a: "", z: ""}, gives: ignored}
                - {frame: {s: A-B, b: "4", a: 0e0, z: 1}, gives: {quote: {bid: 4, ask: null, askSize: 1}}}
                - {frame: {s: A-B, b: x, a: 1}, gives: malformed}
                """
        ),
        LanguageCase(
            title: "The taker's side comes from words, booleans, numbers or a constant",
            messages: """
                - {when: {k: 1}, trade: {symbol: s, price: p, side: d}}
                - {when: {k: 2}, trade: {symbol: s, price: p, side: {from: d, map: {true: sell, false: buy}}}}
                - {when: {k: 3}, trade: {symbol: s, price: p, side: {from: d, map: {0: buy, 1: sell, "": unknown}, default: sell}}}
                - {when: {k: 4}, trade: {symbol: s, price: p, side: {value: buy}}}
                """,
            tests: """
                - {frame: {k: 1, s: A-B, p: 1, d: BUY}, gives: {trade: {side: buy}}}
                - {frame: {k: 1, s: A-B, p: 1, d: Sell}, gives: {trade: {side: sell}}}
                - {frame: {k: 1, s: A-B, p: 1, d: block}, gives: {trade: {side: unknown}}}
                - {frame: {k: 1, s: A-B, p: 1}, gives: {trade: {side: unknown}}}
                - {frame: {k: 2, s: A-B, p: 1, d: true}, gives: {trade: {side: sell}}}
                - {frame: {k: 2, s: A-B, p: 1, d: false}, gives: {trade: {side: buy}}}
                - {frame: {k: 3, s: A-B, p: 1, d: 1}, gives: {trade: {side: sell}}}
                - {frame: {k: 3, s: A-B, p: 1, d: "0"}, gives: {trade: {side: buy}}}
                - {frame: {k: 3, s: A-B, p: 1, d: ""}, gives: {trade: {side: unknown}}}
                - {frame: {k: 3, s: A-B, p: 1, d: 9}, gives: {trade: {side: sell}}}
                - {frame: {k: 4, s: A-B, p: 1}, gives: {trade: {side: buy}}}
                """
        ),
        LanguageCase(
            title: "Ids stay texts of any length, and sequences are whole numbers or nothing",
            messages: "- {trade: {symbol: s, price: p, id: i, sequence: q, size: {value: \"1\"}}}",
            tests: """
                - {frame: {s: A-B, p: 1, i: 326373293255757297982681, q: "1636276321894"}, gives: {trade: {id: "326373293255757297982681", sequence: 1636276321894, size: 1}}}
                - {frame: {s: A-B, p: 1, i: 20f43950-aaaa, q: 9223372036854775807}, gives: {trade: {id: 20f43950-aaaa, sequence: 9223372036854775807}}}
                - {frame: {s: A-B, p: 1, i: null, q: 9223372036854775808}, gives: {trade: {id: null, sequence: null}}}
                - {frame: {s: A-B, p: 1, i: "", q: -5}, gives: {trade: {id: null, sequence: -5}}}
                - {frame: {s: A-B, p: 1, i: {}, q: 1.5}, gives: {trade: {id: null, sequence: null}}}
                - {frame: {s: A-B, p: 1, q: 12345678}, gives: {trade: {sequence: 12345678}}}
                """
        ),
        LanguageCase(
            title: "A pattern's star captures the symbol",
            symbols: "{separator: \"\", case: lower, quotes: [usd]}",
            messages: "- {trade: {symbol: {from: ch, like: \"market.*.trade\"}, price: p}}",
            tests: """
                - {frame: {ch: market.btcusd.trade, p: 1}, gives: {trade: {symbol: BTC-USD}}}
                - {frame: {ch: market..trade, p: 1}, gives: malformed}
                - {frame: {ch: marketbtcusd, p: 1}, gives: malformed}
                """
        ),
    ]

    static let times: [LanguageCase] = [
        LanguageCase(
            title: "Times are read in each unit, as number, fraction or text",
            messages: """
                - {when: {u: s}, trade: {symbol: y, price: p, time: {from: t, unit: s}}}
                - {when: {u: ms}, trade: {symbol: y, price: p, time: {from: t, unit: ms}}}
                - {when: {u: us}, trade: {symbol: y, price: p, time: {from: t, unit: us}}}
                - {when: {u: ns}, trade: {symbol: y, price: p, time: {from: t, unit: ns}}}
                - {when: {u: iso}, trade: {symbol: y, price: p, time: {from: t, unit: iso}}}
                - {trade: {symbol: y, price: p, time: t}}
                """,
            tests: """
                - {frame: {u: s, y: A-B, p: 1, t: 1711356300}, gives: {trade: {time: "2024-03-25T08:45:00Z", flags: []}}}
                - {frame: {u: s, y: A-B, p: 1, t: "1618678142.557535"}, gives: {trade: {time: "2021-04-17T16:49:02.557535Z"}}}
                - {frame: {u: ms, y: A-B, p: 1, t: "1682689046123.0"}, gives: {trade: {time: "2023-04-28T13:37:26.123Z"}}}
                - {frame: {u: ms, y: A-B, p: 1, t: 1.682689046123E12}, gives: {trade: {time: "2023-04-28T13:37:26.123Z"}}}
                - {frame: {u: us, y: A-B, p: 1, t: "1641343699596000"}, gives: {trade: {time: "2022-01-05T00:48:19.596Z"}}}
                - {frame: {u: ns, y: A-B, p: 1, t: 1660608000026914990}, gives: {trade: {time: "2022-08-16T00:00:00.026914990Z"}}}
                - {frame: {u: iso, y: A-B, p: 1, t: "2021-02-22T10:51:45.335689322-05:00"}, gives: {trade: {time: "2021-02-22T15:51:45.335689322Z"}}}
                - {frame: {u: iso, y: A-B, p: 1, t: "2021-02-22T15:51:45.335689Z"}, gives: {trade: {time: "2021-02-22T15:51:45.335689Z"}}}
                - {frame: {u: iso, y: A-B, p: 1, t: "2021-02-22T15:51:45Z"}, gives: {trade: {time: "2021-02-22T15:51:45Z"}}}
                - {frame: {u: iso, y: A-B, p: 1, t: "2021-02-22T15:51:45.5Z"}, gives: {trade: {time: "2021-02-22T15:51:45.5Z"}}}
                - {frame: {y: A-B, p: 1, t: 1711356300}, gives: {trade: {time: "2024-03-25T08:45:00Z"}}}
                - {frame: {y: A-B, p: 1, t: 1711356300123}, gives: {trade: {time: "2024-03-25T08:45:00.123Z"}}}
                - {frame: {y: A-B, p: 1, t: 1711356300123456}, gives: {trade: {time: "2024-03-25T08:45:00.123456Z"}}}
                - {frame: {y: A-B, p: 1, t: "1711356300123456789"}, gives: {trade: {time: "2024-03-25T08:45:00.123456789Z"}}}
                - {frame: {y: A-B, p: 1, t: "2021-02-22 15:51:45Z"}, gives: {trade: {time: "2021-02-22T15:51:45Z"}}}
                """
        ),
        LanguageCase(
            title: "No time and an implausible time fall back to the receive time, each with its mark",
            messages: "- {trade: {symbol: y, price: p, time: t}}",
            tests: """
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1}, gives: {trade: {time: "2026-11-23T12:00:00Z", flags: [noEventTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: null}, gives: {trade: {flags: [noEventTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: "0001-01-01T00:00:00.000000Z"}, gives: {trade: {time: "2026-11-23T12:00:00Z", flags: [implausibleTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: "1970-01-01T00:00:00.000000Z"}, gives: {trade: {flags: [implausibleTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: "2026-11-23T14:00:00Z"}, gives: {trade: {flags: [implausibleTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: "2026-11-23T12:00:00.4Z"}, gives: {trade: {time: "2026-11-23T12:00:00.4Z", flags: []}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: 0}, gives: {trade: {flags: [implausibleTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: 99999999999999999999999}, gives: {trade: {flags: [implausibleTime]}}}
                - {received: "2026-11-23T12:00:00Z", frame: {y: A-B, p: 1, t: soon}, gives: {trade: {flags: [implausibleTime]}}}
                """
        ),
    ]

    @Test("Its pieces do what they say", arguments: matching + iterating + values + times)
    func piece(_ piece: LanguageCase) throws {
        let feed = try FeedText.load(messages: piece.messages, symbols: piece.symbols, tests: piece.tests)
        #expect(feed.testCount > 0)
        for failure in feed.runTests() { Issue.record("\(piece.title): \(failure)") }
    }

    @Test("A bad item does not take the good ones with it")
    func goodItemsStay() throws {
        var decoder = FrameDecoder(
            feed: try FeedText.load(messages: "- {each: d, trade: {symbol: s, price: p}}"), symbols: []
        )
        let (outcome, ticks) = decoder.decode(#"{"d":[{"s":"A-B","p":1},{"s":"A-B","p":"?"},{"s":"C-D","p":3}]}"#)
        #expect(outcome == .malformed("price '?' is not a number"))
        #expect(ticks.map(\.symbol.name) == ["A-B", "C-D"])
    }

    @Test("A failing test of a file says where it stands, what was expected and what came")
    func failingTest() throws {
        let feed = try FeedText.load(
            messages: "- {when: {k: t}, trade: {symbol: s, price: p}}",
            tests: """
                - {frame: {k: t, s: A-B, p: 1}, gives: {trade: {price: 2}}}
                - {frame: {k: x}, gives: {trade: {price: 2}}}
                - {frame: {k: t, s: A-B, p: 1}, gives: ignored}
                - {frame: {k: t, s: A-B, p: 1}, gives: {quote: {bid: 1}}}
                """
        )
        #expect(
            feed.runTests().map(\.description) == [
                "8:42: test failed: price should be '2', but is '1'.",
                "9:5: test failed: expected one tick, but the frame gave nothing: no rule takes it.",
                "10:5: test failed: expected nothing, but the frame gave one tick.",
                "11:42: test failed: expected a quote, but a trade came.",
            ]
        )
    }
}
