import Channels
import Compression
import NIOCore
import NIOEmbedded
import NIOWebSocket
import Testing

@testable import Gateway

@Suite("Messages from a client's frames")
struct MessageAssemblerTests {
    private typealias Event = MessageAssembler.Event

    private func frame(
        _ opcode: WebSocketOpcode, _ payload: [UInt8] = [], fin: Bool = true, rsv1: Bool = false, rsv2: Bool = false,
        rsv3: Bool = false, isMasked: Bool = true
    ) -> WebSocketFrame {
        var data = ByteBuffer(bytes: payload)
        let key: WebSocketMaskingKey = [1, 2, 3, 4]
        if isMasked { data.webSocketMask(key) }
        return WebSocketFrame(
            fin: fin, rsv1: rsv1, rsv2: rsv2, rsv3: rsv3, opcode: opcode, maskKey: isMasked ? key : nil, data: data)
    }

    private func events(_ frames: [WebSocketFrame], _ assembler: MessageAssembler = .init(bytesMax: 100)) -> [Event] {
        var assembler = assembler
        return frames.map { assembler.received($0) }
    }

    private func text(_ text: String) -> Event { .text(ByteBuffer(string: text)) }

    @Test("Fragments become one message, with control frames between them")
    func fragments() {
        let events = self.events([
            self.frame(.text, Array("a".utf8), fin: false), self.frame(.ping, [1]),
            self.frame(.continuation, Array("b".utf8), fin: false), self.frame(.pong),
            self.frame(.continuation, Array("c".utf8)), self.frame(.text),
        ])
        #expect(
            events == [.nothing, .ping(ByteBuffer(bytes: [1])), .nothing, .pong, self.text("abc"), self.text("")])
    }

    @Test("Unmasked frames, reserved bits and reserved opcodes are protocol errors")
    func headers() {
        for frame in [
            self.frame(.text, isMasked: false), self.frame(.text, rsv1: true), self.frame(.text, rsv2: true),
            self.frame(.ping, rsv3: true), self.frame(.connectionClose, rsv1: true),
            self.frame(.init(encodedWebSocketOpcode: 3) ?? .ping),
            self.frame(.init(encodedWebSocketOpcode: 0xF) ?? .ping),
        ] where frame.opcode != .ping || frame.rsv3 {
            #expect(self.events([frame]) == [.violation(.protocolError)])
        }
    }

    @Test("A continuation of nothing and a message inside a message are protocol errors")
    func order() {
        #expect(self.events([self.frame(.continuation)]) == [.violation(.protocolError)])
        #expect(
            self.events([self.frame(.text, fin: false), self.frame(.text)]) == [.nothing, .violation(.protocolError)])
        #expect(
            self.events([self.frame(.text), self.frame(.continuation)]) == [self.text(""), .violation(.protocolError)])
    }

    @Test("Text that is not UTF-8 is refused at the fragment where it cannot be right any more")
    func failFast() {
        let cut: [[UInt8]] = [[0xCE], [0xBA, 0xE1, 0xBD], [0xB9]]
        let whole = self.events([
            self.frame(.text, cut[0], fin: false), self.frame(.continuation, cut[1], fin: false),
            self.frame(.continuation, cut[2]),
        ])
        #expect(whole == [.nothing, .nothing, self.text("\u{3BA}\u{1F79}")])
        #expect(
            self.events([self.frame(.text, [0xF4], fin: false), self.frame(.continuation, [0x90], fin: false)])
                == [.nothing, .violation(.invalidText)])
        #expect(self.events([self.frame(.text, [0xED, 0xA0], fin: false)]) == [.violation(.invalidText)])
        #expect(self.events([self.frame(.text, [0xCE])]) == [.violation(.invalidText)])
    }

    @Test("The validator says the same as the standard library, however the bytes are cut", arguments: UInt64(0)..<400)
    func validator(seed: UInt64) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        // Valid characters of every length, and now and then a byte changed.
        var bytes: [UInt8] = []
        for _ in 0..<20 {
            let bound = [0x80, 0x800, 0x1_0000, 0x11_0000][next(4)]
            if let scalar = Unicode.Scalar(UInt32(next(bound))) { bytes += Array(String(scalar).utf8) }
        }
        for _ in 0..<next(2) where !bytes.isEmpty { bytes[next(bytes.count)] = UInt8(next(256)) }
        var validator = UTF8Validator()
        var isValid = true
        var rest = bytes[...]
        while !rest.isEmpty, isValid {
            let piece = Array(rest.prefix(1 + next(5)))
            rest = rest.dropFirst(piece.count)
            isValid = piece.withUnsafeBufferPointer { validator.accept($0) }
        }
        #expect((isValid && validator.isComplete) == (String(validating: bytes, as: UTF8.self) != nil))
    }

    @Test("The limit holds for a frame and for all fragments together")
    func sizes() {
        let hundred = [UInt8](repeating: 0x61, count: 100)
        #expect(self.events([self.frame(.text, hundred)]) == [self.text(String(repeating: "a", count: 100))])
        #expect(self.events([self.frame(.text, hundred + [0x61])]) == [.violation(.messageTooBig)])
        #expect(
            self.events([self.frame(.text, hundred, fin: false), self.frame(.continuation, [0x61])])
                == [.nothing, .violation(.messageTooBig)])
    }

    @Test("A binary message may hold any bytes")
    func binary() {
        #expect(
            self.events([self.frame(.binary, [0xFF], fin: false), self.frame(.continuation, [0xFE])])
                == [.nothing, .binary(ByteBuffer(bytes: [0xFF, 0xFE]))])
    }

    @Test(
        "A close frame has no payload or an allowed code and a reason in UTF-8",
        arguments: [
            ([], .close(nil)), ([0x03, 0xE8], .close(1000)), ([0x0F, 0xA0, 0x61], .close(4000)),
            ([0x03], .violation(.protocolError)), ([0x03, 0xED], .violation(.protocolError)),
            ([0x03, 0xE7], .violation(.protocolError)), ([0x13, 0x88], .violation(.protocolError)),
            ([0x03, 0xE8, 0xC0], .violation(.invalidText)),
        ] as [([UInt8], MessageAssembler.Event)])
    func close(payload: [UInt8], event: MessageAssembler.Event) {
        #expect(self.events([self.frame(.connectionClose, payload)]) == [event])
    }

    // MARK: Compression

    private func packed(_ text: String) throws -> [UInt8] {
        var output: [UInt8] = []
        let bytes = Array(text.utf8)
        let deflater = try Deflater()
        try bytes.withUnsafeBytes { try deflater.packMessage($0, appendingTo: &output) }
        return output
    }

    @Test("With compression negotiated, packed messages are unpacked, in one frame or several, and plain ones taken")
    func compressed() throws {
        let assembler = MessageAssembler(bytesMax: 100, inflater: try Inflater(.deflate))
        let bytes = try self.packed("hello hello hello")
        let events = self.events(
            [
                self.frame(.text, bytes, rsv1: true), self.frame(.text, Array("plain".utf8)),
                self.frame(.text, Array(bytes[..<3]), fin: false, rsv1: true),
                self.frame(.continuation, Array(bytes[3...])),
            ], assembler)
        #expect(
            events == [self.text("hello hello hello"), self.text("plain"), .nothing, self.text("hello hello hello")])
    }

    @Test("The bit for compression is wrong on continuations and control frames")
    func compressionBit() throws {
        let assembler = MessageAssembler(bytesMax: 100, inflater: try Inflater(.deflate))
        #expect(self.events([self.frame(.ping, rsv1: true)], assembler) == [.violation(.protocolError)])
        #expect(
            self.events(
                [self.frame(.text, fin: false), self.frame(.continuation, rsv1: true)], assembler)
                == [.nothing, .violation(.protocolError)])
    }

    @Test("A packed message is as large as what it unpacks to; damaged or with wrong text it is refused")
    func compressionLimits() throws {
        let assembler = MessageAssembler(bytesMax: 1000, inflater: try Inflater(.deflate))
        let bomb = try self.packed(String(repeating: "a", count: 1_000_000))
        #expect(bomb.count <= 1000)
        #expect(self.events([self.frame(.text, bomb, rsv1: true)], assembler) == [.violation(.messageTooBig)])
        #expect(self.events([self.frame(.text, [0xFF, 0xFF], rsv1: true)], assembler) == [.violation(.protocolError)])
        var notText: [UInt8] = []
        let deflater = try Deflater()
        try [0xFF as UInt8].withUnsafeBytes { try deflater.packMessage($0, appendingTo: &notText) }
        #expect(self.events([self.frame(.text, notText, rsv1: true)], assembler) == [.violation(.invalidText)])
    }

    @Test(
        "An offer of compression is accepted when it can be kept",
        arguments: [
            ("permessage-deflate", true), ("permessage-deflate; client_max_window_bits", true),
            ("x-webkit-deflate-frame, permessage-deflate;client_max_window_bits=9", true),
            ("permessage-deflate; server_max_window_bits=10", false),
            ("permessage-deflate; server_max_window_bits=10, permessage-deflate", true),
            ("permessage-deflate; server_no_context_takeover=1", false),
            ("permessage-deflate; client_max_window_bits=16", false),
            ("permessage-deflate; client_max_window_bits=08", false), ("permessage-deflate; strange", false),
            ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", false), ("", false),
            ("permessage-deflate; client_max_window_bits=\"12\"", true), ("permessage-deflate;", false),
        ])
    func negotiation(offer: String, isAccepted: Bool) {
        let answer = DeflateNegotiation.answer(to: [offer])
        #expect((answer != nil) == isAccepted)
        if let answer { #expect(answer.hasPrefix("permessage-deflate; server_no_context_takeover; client_no_")) }
    }

    @Test("A window that the client asks for is confirmed when it is the full one")
    func window() {
        #expect(
            DeflateNegotiation.answer(to: ["permessage-deflate; server_max_window_bits=15"])?
                .hasSuffix("; server_max_window_bits=15") == true)
    }
}
