import FeedLanguage
import Foundation
import Market

/// Decodes a recording's frames again and again, and prints frames a second.
///
/// `decode-benchmark FEED.yaml RECORDING.rec [SECONDS]` prints `ticks N` and `mixed N`;
/// `decode-benchmark --list FEED.yaml RECORDING.rec` prints the line numbers of the frames that hold ticks.
@main
struct DecodeBenchmark {
    let feed: Feed
    /// All frames' bytes, one after the other.
    let bytes: [UInt8]
    let frames: [(line: Int, range: Range<Int>, time: Timestamp)]

    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let isList = arguments.first == "--list"
        if isList { arguments.removeFirst() }
        guard arguments.count >= 2 else {
            FileHandle.standardError.write(
                Data("usage: decode-benchmark [--list] FEED.yaml RECORDING.rec [SECONDS]\n".utf8)
            )
            exit(64)
        }
        let benchmark = try DecodeBenchmark(feedFile: arguments[0], recordingFile: arguments[1])
        let hasTicks = benchmark.framesWithTicks()
        if isList {
            for index in hasTicks { print(benchmark.frames[index].line) }
            return
        }
        let seconds = arguments.count > 2 ? Double(arguments[2]) ?? 2 : 2
        print("ticks \(benchmark.framesPerSecond(hasTicks, seconds: seconds))")
        print("mixed \(benchmark.framesPerSecond(Array(benchmark.frames.indices), seconds: seconds))")
    }

    init(feedFile: String, recordingFile: String) throws {
        self.feed = try Feed.load(yaml: String(contentsOfFile: feedFile, encoding: .utf8), file: feedFile)
        let recording = [UInt8](try Data(contentsOf: URL(fileURLWithPath: recordingFile)))
        var bytes: [UInt8] = []
        var frames: [(line: Int, range: Range<Int>, time: Timestamp)] = []
        for line in try Recording.lines(in: recording) where line.kind == .received {
            frames.append((line: line.number, range: bytes.count..<(bytes.count + line.payload.count), time: line.time))
            bytes += line.payload
        }
        self.bytes = bytes
        self.frames = frames
    }

    /// The indexes of the frames that hold ticks.
    func framesWithTicks() -> [Int] {
        var decoder = FrameDecoder(feed: self.feed, symbols: [])
        var ticks: [Tick] = []
        return self.bytes.withUnsafeBytes { bytes in
            self.frames.indices.filter { index in
                let frame = UnsafeRawBufferPointer(rebasing: bytes[self.frames[index].range])
                if case .ticks = decoder.decode(frame, receivedTime: self.frames[index].time, into: &ticks) {
                    return true
                }
                return false
            }
        }
    }

    /// Decodes the chosen frames in turn until the time is over.
    func framesPerSecond(_ chosen: [Int], seconds: Double) -> Int {
        var decoder = FrameDecoder(feed: self.feed, symbols: [])
        var ticks: [Tick] = []
        ticks.reserveCapacity(4 * chosen.count)
        let frames = chosen.map { self.frames[$0] }
        let clock = ContinuousClock()
        var decoded = 0
        var tickCount = 0
        return self.bytes.withUnsafeBytes { bytes in
            // What a connection tells once, such as the ids of its channels.
            for frame in self.frames {
                let slice = UnsafeRawBufferPointer(rebasing: bytes[frame.range])
                _ = decoder.decode(slice, receivedTime: frame.time, into: &ticks)
            }
            let start = clock.now
            var elapsed: Duration = .zero
            while elapsed < .seconds(seconds) {
                for _ in 0..<20 {
                    ticks.removeAll(keepingCapacity: true)
                    for frame in frames {
                        let slice = UnsafeRawBufferPointer(rebasing: bytes[frame.range])
                        _ = decoder.decode(slice, receivedTime: frame.time, into: &ticks)
                    }
                    decoded += frames.count
                    tickCount += ticks.count
                }
                elapsed = clock.now - start
            }
            precondition(tickCount > 0, "the feed file finds no ticks in the recording")
            return Int(Double(decoded) / (elapsed / .seconds(1)))
        }
    }
}
