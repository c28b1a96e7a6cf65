import Testing

@testable import Channels

@Suite("Requests of the HTTP fallback")
struct FallbackRequestTests {
    @Test(
        "A path names the key, the session and the purpose",
        arguments: [
            ("/pusher/app/key/0/0123abcv/xhr_streaming", FallbackPath.Purpose.streaming),
            ("/pusher/app/key/42/aaaaaaaa/xhr", .polling), ("/pusher/app/key/999/vvvvvvvv/xhr_send", .send),
        ])
    func path(text: String, purpose: FallbackPath.Purpose) throws {
        let path = try #require(FallbackPath(text[...], base: "/pusher"))
        #expect(path.key == "key" && path.purpose == purpose && path.session.contains("/"))
    }

    @Test("A key is decoded, a longer base is left out")
    func decodedKey() {
        let path = FallbackPath("/live/pusher/app/a%2Fb/7/01234567/xhr", base: "/live/pusher")
        #expect(path?.key == "a/b" && path?.session == "7/01234567")
    }

    @Test(
        "Other paths are none",
        arguments: [
            "/pusher/app/key/0/0123abcv/xhr_streamin", "/pusher/app/key/1000/0123abcv/xhr",
            "/pusher/app/key//0123abcv/xhr",
            "/pusher/app/key/0/0123abcw/xhr", "/pusher/app/key/0/0123abc/xhr", "/pusher/app/key/0/0123ABCV/xhr",
            "/pusher/app//0/0123abcv/xhr", "/pusher/apps/key/0/0123abcv/xhr", "/pusher/app/key/0/0123abcv/xhr/",
            "/app/key/0/0123abcv/xhr", "/pusher/app/key/x/0123abcv/xhr", "/pusher/app/key/0/0123abcv",
        ])
    func otherPaths(text: String) {
        #expect(FallbackPath(text[...], base: "/pusher") == nil)
    }

    private static func read(_ body: String, bytesMax: Int = 100) throws(FallbackMessages.Failure) -> [String] {
        let bytes = Array(body.utf8)
        return try bytes.withUnsafeBufferPointer { (buffer) throws(FallbackMessages.Failure) in
            try FallbackMessages.read(buffer, bytesMax: bytesMax)
        }.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "A body holds texts",
        arguments: [
            ("[]", []), (" [ ] ", []), (#"["a"]"#, ["a"]), (#"["{\"event\":\"x\"}","é"]"#, [#"{"event":"x"}"#, "é"]),
            (#"["\ud83d\ude00"]"#, ["😀"]),
        ] as [(String, [String])])
    func bodies(body: String, texts: [String]) throws {
        #expect(try Self.read(body) == texts)
    }

    @Test(
        "Other bodies are refused with what is wrong",
        arguments: ["", "{}", "[1]", "[\"a\"", "[\"a\"] x", "\"a\"", "[null]"])
    func badBodies(body: String) {
        #expect(throws: FallbackMessages.Failure.self) { try Self.read(body) }
    }

    @Test("Bytes that are not UTF-8 are refused")
    func badText() {
        let bytes: [UInt8] = Array("[\"".utf8) + [0xFF] + Array("\"]".utf8)
        #expect(throws: FallbackMessages.Failure.invalid("it is not valid UTF-8")) {
            try bytes.withUnsafeBufferPointer { (buffer) throws(FallbackMessages.Failure) in
                try FallbackMessages.read(buffer, bytesMax: 100)
            }
        }
    }

    @Test("A frame over the limit is refused, whatever else is in the body")
    func tooLarge() throws {
        #expect(try Self.read("[\"\(String(repeating: "x", count: 10))\"]", bytesMax: 10).count == 1)
        #expect(throws: FallbackMessages.Failure.tooLarge(limit: 10)) {
            try Self.read("[\"a\",\"\(String(repeating: "x", count: 11))\"]", bytesMax: 10)
        }
    }
}
