// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same strictness: see CONTRIBUTING.md.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .treatAllWarnings(as: .error),
]

/// A library target that lives in `Sources/<name>`.
func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

/// A test target that lives in `Tests/<name>`.
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

let atomics = Target.Dependency.product(name: "Atomics", package: "swift-atomics")
let collections = Target.Dependency.product(name: "Collections", package: "swift-collections")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let cryptoExtras = Target.Dependency.product(name: "CryptoExtras", package: "swift-crypto")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let jwtKit = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let hummingbirdCore = Target.Dependency.product(name: "HummingbirdCore", package: "hummingbird")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioWebSocket = Target.Dependency.product(name: "NIOWebSocket", package: "swift-nio")
let nioHTTPTypes = Target.Dependency.product(name: "NIOHTTPTypes", package: "swift-nio-extras")
let nioHTTPTypesHTTP1 = Target.Dependency.product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras")
let nioEmbedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let serviceLifecycleTestKit = Target.Dependency.product(
    name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let configuration = Target.Dependency.product(name: "Configuration", package: "swift-configuration")

// Targets stand in dependency order: each imports only targets above it.
let package = Package(
    name: "tickwire",
    products: [
        .executable(name: "tickwire", targets: ["tickwire-cli"]),
        .library(name: "AlertKit", targets: ["Market", "Alerts"]),
        .library(name: "FeedKit", targets: ["Market", "FeedLanguage"]),
        .library(name: "TickwireTesting", targets: ["TickwireTesting"]),
        .library(name: "GatewayTesting", targets: ["GatewayTesting"]),
        .library(name: "TickwireKit", targets: ["Market", "FeedLanguage", "Postgres", "Store", "Channels", "Ingest"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-atomics", from: "1.3.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: [.defaults, "YAML"]),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.0"),
    ],
    targets: [
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        // Debian's libnats-dev has no pkg-config file under a name of its own: the module map links it.
        .systemLibrary(name: "CNATS", providers: [.apt(["libnats-dev"])]),
        library("Market"),
        library("Compression", ["CZlib"]),
        library("FeedLanguage", ["Compression", "Market", yams]),
        library("Alerts", ["Market"]),
        library("Channels", [crypto]),
        library("Notifications", ["Market", "Alerts", crypto, jwtKit]),
        library("Beams", ["Notifications", crypto]),
        .target(name: "Dashboard", resources: [.embedInCode("Files")], swiftSettings: strict),
        library("HTTPClient", ["CCurl"]),
        library("Backplane", ["CNATS", "Channels", logging]),
        library("TickwireTesting", ["Market", "FeedLanguage"]),
        library("Postgres", ["CPQ", logging]),
        library("Store", ["Market", "Alerts", "Notifications", "Postgres", crypto, logging]),
        library(
            "Ingest",
            [
                "Market", "FeedLanguage", "Alerts", "Channels", "HTTPClient", atomics, collections, logging, nioCore,
                nioPosix, nioHTTP1, nioWebSocket, nioSSL,
            ]
        ),
        library(
            "Gateway",
            [
                "Backplane", "Channels", "Compression", atomics, httpTypes, hummingbird, hummingbirdCore, logging,
                nioCore, nioPosix,
                nioHTTP1, nioHTTPTypes, nioHTTPTypesHTTP1, nioSSL, nioWebSocket, serviceLifecycle,
            ]
        ),
        library(
            "GatewayTesting",
            ["TickwireTesting", "Channels", "Compression", "Gateway", nioCore, nioEmbedded, nioWebSocket]
        ),
        library(
            "Delivery",
            ["Market", "Notifications", "Beams", "Postgres", "Store", "HTTPClient", logging, serviceLifecycle]
        ),
        library(
            "Tickwire",
            [
                "Market", "FeedLanguage", "Alerts", "Backplane", "Beams", "Channels", "Dashboard", "Notifications",
                "HTTPClient", "Postgres", "Store", "Ingest", "Gateway", "Delivery", deque, configuration, crypto,
                httpTypes, hummingbird, hummingbirdCore, logging, nioCore, nioPosix, nioHTTP1, nioWebSocket, nioSSL,
                serviceLifecycle, yams, unixSignals, subprocess,
            ]
        ),
        .executableTarget(
            name: "tickwire-cli",
            dependencies: [
                "Alerts", "Delivery", "FeedLanguage", "Gateway", "HTTPClient", "Ingest", "Market", "Notifications",
                "Postgres",
                "Store",
                "Tickwire", argumentParser, logging, nioCore, nioPosix,
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "websocket-echo",
            dependencies: ["Gateway", logging, nioPosix, serviceLifecycle, unixSignals],
            path: "Tests/WebSocketEcho",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "push-builder", dependencies: ["Market", "Notifications"], path: "Tests/PushBuilder",
            swiftSettings: strict
        ),
        tests("MarketTests", ["Market"]),
        tests("CompressionTests", ["Compression"]),
        tests("FeedLanguageTests", ["Market", "FeedLanguage", "TickwireTesting"]),
        tests("AlertsTests", ["Market", "Alerts"]),
        tests("ChannelsTests", ["Market", "Channels", crypto]),
        tests("NotificationsTests", ["Market", "Alerts", "Notifications", crypto, cryptoExtras]),
        tests("BeamsTests", ["Beams", "Notifications", crypto]),
        tests("HTTPClientTests", ["HTTPClient", "TickwireTesting"]),
        tests("BackplaneTests", ["Backplane", "Channels", logging]),
        tests("PostgresTests", ["Postgres", logging]),
        tests("StoreTests", ["Market", "Alerts", "Notifications", "Postgres", "Store", logging]),
        tests(
            "IngestTests",
            [
                "Market", "FeedLanguage", "Alerts", "Channels", "HTTPClient", "Ingest", "TickwireTesting", logging,
                nioCore, nioEmbedded, nioPosix,
            ]),
        tests(
            "GatewayTests",
            [
                "Backplane", "Market", "TickwireTesting", "Channels", "Compression", "Gateway", "GatewayTesting",
                hummingbird,
                logging,
                nioCore, nioEmbedded, nioPosix, nioHTTP1, nioSSL, nioWebSocket, serviceLifecycle,
            ]
        ),
        tests(
            "DeliveryTests",
            [
                "Alerts", "Market", "Notifications", "HTTPClient", "Postgres", "Store", "Delivery", "TickwireTesting",
                logging,
                serviceLifecycle, serviceLifecycleTestKit,
            ]
        ),
        tests(
            "TickwireTests",
            [
                "Alerts", "Backplane", "Beams", "Market", "FeedLanguage", "Channels", "HTTPClient", "Store", "Ingest",
                "Tickwire", "TickwireTesting", httpTypes, logging, nioCore,
                nioPosix,
            ]),
    ]
)
