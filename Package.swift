// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0

import PackageDescription

/// With BARID_FUZZ=1 (`Tests/fuzz` sets it) everything is built for libFuzzer.
let isFuzzing = Context.environment["BARID_FUZZ"] == "1"

/// The map of the house: a room imports only rooms above it in this list.
///
/// README.md draws the same arrows; `TidyTests` holds the sources against this table.
let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
    ] + (isFuzzing ? [.unsafeFlags(["-sanitize=fuzzer"])] : [])

func room(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: imports, swiftSettings: settings)
}

func door(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: imports, swiftSettings: settings)
}

func tests(_ name: String, _ imports: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: imports + ["TestKit"], swiftSettings: settings)
}

let protobuf = Target.Dependency.product(name: "SwiftProtobuf", package: "swift-protobuf")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(
    name: "ArgumentParser",
    package: "swift-argument-parser"
)

let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "barid",
    products: [
        .library(name: "BaridClient", targets: ["BaridClient"]),
        .executable(name: "baridd", targets: ["baridd"]),
        .executable(name: "baridctl", targets: ["baridctl"]),
        .executable(name: "barid", targets: ["barid"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(
            name: "CXML",
            pkgConfig: "libxml-2.0",
            providers: [.apt(["libxml2-dev"])]
        ),

        .target(name: "CAccept"),

        room("ZeroMQ", ["CZeroMQ", "CAccept"]),
        room("SQLite", ["CSQLite"]),
        room("Platform", []),
        room("Wire", [protobuf]),
        room("Rules", ["Wire"]),
        room("Declarations", ["Wire", "Rules", yams]),
        room("XES", ["CXML", "Platform"]),
        room("Keys", ["Wire", "Platform", crypto]),
        room("Logs", ["Platform", logging]),
        room("Ledger", ["SQLite", "Wire", "Rules", "Platform", crypto]),
        room("Courier", ["ZeroMQ", "Wire", "Rules", "Platform"]),
        room("Control", ["Platform", "Rules"]),
        room(
            "Daemon",
            [
                "Ledger", "Courier", "Control", "Declarations", "Keys", "Logs", "Wire", "Rules",
                "Platform",
            ]
        ),
        room("Bench", ["Ledger", "ZeroMQ", "Wire", "Rules", "Platform"]),
        room("BaridClient", ["ZeroMQ", "Wire", "Keys", "Platform"]),

        door("baridd", ["Daemon", "Declarations", "Logs", "Platform", arguments]),
        door(
            "baridctl",
            [
                "Control", "Declarations", "Keys", "Ledger", "Platform", "Rules", "XES", arguments,
            ]
        ),
        door(
            "barid",
            ["BaridClient", "Bench", "Keys", "Platform", "Wire", "XES", arguments, subprocess]
        ),

        door("manual", [arguments]),

        .target(name: "TestKit", path: "Tests/TestKit", swiftSettings: settings),
        .target(
            name: "ProofKit",
            dependencies: ["Ledger", "SQLite", "Rules", "Wire", crypto],
            path: "Tests/ProofKit",
            swiftSettings: settings
        ),
        tests("ZeroMQTests", ["ZeroMQ", "CZeroMQ"]),
        tests("KeysTests", ["Keys", "CZeroMQ", "Platform", "Wire"]),
        tests("SQLiteTests", ["SQLite"]),
        tests("PlatformTests", ["Platform"]),
        tests("LogsTests", ["Logs", "Platform"]),
        tests("WireTests", ["Wire", protobuf, yams]),
        tests("RulesTests", ["Rules", "Wire"]),
        tests("DeclarationsTests", ["Declarations", "Rules"]),
        tests("XESTests", ["XES"]),
        tests(
            "LedgerTests",
            ["Ledger", "Declarations", "SQLite", "CSQLite", "Platform", "Rules", "Wire"]
        ),
        tests(
            "ProofTests",
            [
                "ProofKit", "Ledger", "Declarations", "SQLite", "CSQLite", "Platform", "Rules",
                "Wire", crypto,
            ]
        ),
        tests(
            "CourierTests",
            ["Courier", "CZeroMQ", "ZeroMQ", "Keys", "Wire", "Rules", "Platform"]
        ),
        tests("ControlTests", ["Control", "Platform", "XES", "baridctl"]),
        tests(
            "BaridClientTests",
            ["BaridClient", "barid", "Wire", "ZeroMQ", "Keys", "Platform", "XES"]
        ),
        tests(
            "DaemonTests",
            [
                "baridd", "baridctl", "barid", "Trials", "manual", "Daemon", "BaridClient",
                "Control", "XES",
                "ZeroMQ", "Keys", "Wire", "Platform",
            ]
        ),
        .executableTarget(
            name: "LedgerCost",
            dependencies: ["Bench"],
            path: "Tests/LedgerCost",
            swiftSettings: settings
        ),
        tests("CostTests", ["LedgerCost"]),
        .executableTarget(
            name: "Trials",
            dependencies: [
                "baridd", "ProofKit", "TestKit", "Ledger", "Declarations", "Control",
                "BaridClient", "Keys", "ZeroMQ", "Rules", "Wire", "Platform", arguments,
            ],
            path: "Tests/Trials",
            swiftSettings: settings
        ),
        tests("TidyTests", []),
    ]
)

if isFuzzing {
    package.targets.append(
        .executableTarget(
            name: "Fuzz",
            dependencies: ["Control", "Declarations", "Keys", "Rules", "Wire", "XES"],
            path: "Tests/Fuzz",
            swiftSettings: settings,
            linkerSettings: [.unsafeFlags(["-sanitize=fuzzer", "-use-ld=lld"])]
        )
    )
}
