import Compression

/// One packer and one unpacker for all connections of an event loop, made when the first connection needs them.
///
/// Messages are packed each by itself, so nothing of one connection's reaches another.
final class ShardCodec {
    /// Shorter payloads gain nothing.
    private static let payloadBytesMin = 64
    /// The largest message that is unpacked to be shown.
    private static let shownBytesMax = 1 << 20

    private var deflater: Deflater?
    private var sharedInflater: Inflater?
    private var packed: [UInt8] = []

    /// The unpacker.
    ///
    /// - Throws: ``CompressionError/unavailable(status:)``.
    func inflater() throws(CompressionError) -> Inflater {
        if let inflater = self.sharedInflater { return inflater }
        let inflater = try Inflater(.deflate)
        self.sharedInflater = inflater
        return inflater
    }

    /// The text of a message that was packed here, for operators; `nil` where zlib has no memory for it.
    func unpacked(_ payload: UnsafeRawBufferPointer) -> [UInt8]? {
        // Its failure is the answer.
        try? self.inflater().unpackMessage(payload, bytesMax: Self.shownBytesMax)
    }

    private func sharedDeflater() throws(CompressionError) -> Deflater {
        if let deflater = self.deflater { return deflater }
        let deflater = try Deflater()
        self.deflater = deflater
        return deflater
    }

    /// Calls `body` with the compressed form of one final text frame of the server.
    ///
    /// - Returns: `nil`, without a call, when the frame is not smaller compressed.
    func withPacked<Result>(_ frame: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard let header = WebSocketHeader.lengths(frame)?.header else { return nil }
        let payload = UnsafeRawBufferPointer(rebasing: frame[header...])
        guard payload.count >= Self.payloadBytesMin else { return nil }
        self.packed.removeAll(keepingCapacity: true)
        do throws(CompressionError) {
            let deflater = try self.sharedDeflater()
            let room = WebSocketHeader.room
            self.packed.append(contentsOf: repeatElement(0, count: room))
            try deflater.packMessage(payload, appendingTo: &self.packed)
            guard self.packed.count - room < payload.count else { return nil }
        } catch {
            // No memory for zlib: the plain frame says the same.
            return nil
        }
        let start = WebSocketHeader.writeHeader(to: &self.packed, at: 0, isCompressed: true)
        return self.packed.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[start...])) }
    }
}

/// The compressed form of the event that is being delivered.
enum PackedFrame {
    /// No subscriber wanted it yet.
    case notTried
    /// It is not smaller: the plain frame goes out.
    case useless
    /// Where it stands in the arena.
    case at(Int32, Int32)
}

extension HubShard {
    /// Has a connection's events compressed from now on.
    func setCompressed(_ slot: Int32) {
        self.table.slots[Int(slot)].isCompressed = true
    }

    /// Sends a frame that no other connection gets, compressed where the connection asked for that.
    func sendPacked(_ slot: Int32, _ frame: UnsafeRawBufferPointer) {
        let isPacked =
            self.table.slots[Int(slot)].isCompressed && self.codec.withPacked(frame) { self.send(slot, $0) } != nil
        if !isPacked { self.send(slot, frame) }
    }

    /// Gives a subscriber the event compressed, packing it for the first one that wants it.
    func markPacked(
        _ slot: Int32, _ frame: UnsafeRawBufferPointer, _ packed: inout PackedFrame, _ start: Int32, _ end: Int32
    ) {
        if case .notTried = packed {
            packed =
                self.codec.withPacked(frame) { bytes in
                    let start = self.arena.append(bytes)
                    return .at(start, start + Int32(bytes.count))
                } ?? .useless
        }
        switch packed {
        case .at(let start, let end): self.mark(slot, start, end)
        case .notTried, .useless: self.mark(slot, start, end)
        }
    }
}
