// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same strictness as the main package.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "tickwire-benchmarks",
    dependencies: [
        .package(name: "tickwire", path: ".."), .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
    ],
    targets: [
        .target(
            name: "RecordingRig",
            dependencies: [
                .product(name: "TickwireKit", package: "tickwire"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "decode-benchmark",
            dependencies: [.product(name: "FeedKit", package: "tickwire")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "pipeline-benchmark",
            dependencies: [
                .product(name: "TickwireKit", package: "tickwire"), .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "alert-benchmark",
            dependencies: [.product(name: "AlertKit", package: "tickwire")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "candle-benchmark",
            dependencies: ["RecordingRig", .product(name: "TickwireKit", package: "tickwire")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "record-benchmark",
            dependencies: ["RecordingRig", .product(name: "TickwireKit", package: "tickwire")],
            swiftSettings: strict
        ),
    ]
)
