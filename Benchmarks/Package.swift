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
    ],
    targets: [
        .executableTarget(
            name: "decode-benchmark",
            dependencies: [.product(name: "TickwireKit", package: "tickwire")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "record-benchmark",
            dependencies: [
                .product(name: "TickwireKit", package: "tickwire"), .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
    ]
)
