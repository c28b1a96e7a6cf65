import NIOCore
import Testing

@testable import Gateway

@Suite("What a connection keeps")
struct ConnectionMemoryTests {
    @Test("A slot fits in a cache line")
    func slot() {
        #expect(MemoryLayout<Slot>.stride <= 64)
    }

    @Test("The properties of a slot are independent of each other")
    func flags() {
        let flags: [WritableKeyPath<Slot, Bool>] = [
            \.isInUse, \.isListed, \.isCongested, \.isBacklogged, \.isOverBudget, \.isMetered, \.isMeterListed,
            \.isWatched, \.isClosing, \.isCompressed,
        ]
        var slot = Slot()
        for flag in flags {
            slot[keyPath: flag] = true
            #expect(flags.filter { slot[keyPath: $0] } == [flag])
            slot[keyPath: flag] = false
        }
        for flag in flags { slot[keyPath: flag] = true }
        slot.isMetered = false
        #expect(flags.filter { !slot[keyPath: $0] } == [\.isMetered])
    }

    @Test("The receive buffer that a channel keeps is small; those of later reads fit what comes and are not kept")
    func receiveBuffers() {
        var allocator = ReceiveAllocator()
        let buffers = ByteBufferAllocator()
        #expect(allocator.buffer(allocator: buffers).capacity == 64)
        // A channel uses its first buffer again unless it is told that the next one may be larger.
        for _ in 0..<8 {
            let capacity = allocator.buffer(allocator: buffers).capacity
            let mayGrow = allocator.record(actualReadBytes: capacity)
            #expect(mayGrow)
        }
        #expect(allocator.buffer(allocator: buffers).capacity == 65_536)
        for _ in 0..<20 { _ = allocator.record(actualReadBytes: 1) }
        #expect(allocator.buffer(allocator: buffers).capacity == 512)
    }
}
