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
    name: "tickwire-fuzzing",
    dependencies: [.package(name: "tickwire", path: "..")],
    targets: [
        .systemLibrary(name: "CLibFuzzer"),
        .target(
            name: "FuzzDriver",
            dependencies: ["CLibFuzzer", .product(name: "TickwireTesting", package: "tickwire")],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "frame-fuzzer",
            dependencies: [
                "FuzzDriver", .product(name: "FeedKit", package: "tickwire"),
                .product(name: "TickwireTesting", package: "tickwire"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "websocket-fuzzer",
            dependencies: ["FuzzDriver", .product(name: "GatewayTesting", package: "tickwire")],
            swiftSettings: strict
        ),
    ]
)
