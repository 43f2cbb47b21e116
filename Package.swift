// swift-tools-version: 6.3
// The map of the house: one line a target, grouped by layer, from the ground up. A target may use only those above it.
// No package dependencies, on purpose: the whole supply chain is six Debian libraries and the toolchain.
import PackageDescription

/// The same strict settings for every Swift target.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

extension Target {
  static func module(_ name: String, in layer: String, uses: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: uses, path: "Sources/\(layer)/\(name)", swiftSettings: strict)
  }
  static func library(_ name: String, pkgConfig: String, debian: String) -> Target {
    .systemLibrary(
      name: name, path: "Sources/Platform/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
  }
  static func tests(
    _ module: String, in layer: String, uses: [Target.Dependency], besides: [String] = []
  ) -> Target {
    .testTarget(
      name: "\(module)Tests", dependencies: uses, path: "Tests/\(layer)/\(module)Tests", exclude: besides,
      swiftSettings: strict)
  }
}

let package = Package(
  name: "tenure",
  products: [.executable(name: "tenure", targets: ["tenure"])],
  targets: [
    // MARK: Platform: C libraries made safe; the only place where `unsafe` may appear
    .library("CPostgres", pkgConfig: "libpq", debian: "libpq-dev"),  // PostgreSQL's client library
    .library("COpenSSL", pkgConfig: "libcrypto", debian: "libssl-dev"),  // digests and randomness
    .library("CMicroHTTPD", pkgConfig: "libmicrohttpd", debian: "libmicrohttpd-dev"),  // the HTTP server
    .library("CYAML", pkgConfig: "yaml-0.1", debian: "libyaml-dev"),  // the YAML parser
    .library("CZlib", pkgConfig: "zlib", debian: "zlib1g-dev"),  // gzip
    .systemLibrary(name: "CMalloc", path: "Sources/Platform/CMalloc"),  // what the C library's allocator can besides
    .systemLibrary(name: "CProcessor", path: "Sources/Platform/CProcessor"),  // what the C compiler has for the processor
    .module(  // flat records outside Swift's arrays: chunks, lists, interned texts
      "Memory", in: "Platform", uses: ["CMalloc", "CProcessor"]),
    .module("Postgres", in: "Platform", uses: ["CPostgres"]),  // connection, pool, statement, COPY, LISTEN, embedded server
    .module("Cryptography", in: "Platform", uses: ["COpenSSL"]),  // SHA-256, HMAC, secure random
    .module("HTTP", in: "Platform", uses: ["CMicroHTTPD"]),  // request, response, router, listener; the client
    .module("YAML", in: "Platform", uses: ["CYAML"]),  // YAML text to a tree with lines
    .module("Compression", in: "Platform", uses: ["CZlib"]),  // gzip, unpacked within a limit

    // MARK: Core: values and pure functions; no clock, no randomness, no I/O
    .module("Temporal", in: "Core"),  // Instant, Interval, sets of intervals, zones and cron schedules
    .module("JSON", in: "Core"),  // strict reader with pointers, canonical writer (RFC 8785)
    .module("Conditions", in: "Core", uses: ["Temporal", "JSON"]),  // condition documents: read, judge
    .module(  // events, commands, decide, rules, desired state
      "Governance", in: "Core", uses: ["Cryptography", "Temporal", "JSON", "Conditions"]),
    .module(  // the bitemporal graph and its questions
      "AccessGraph", in: "Core", uses: ["Memory", "Temporal", "JSON", "Conditions", "Governance"]),

    // MARK: Store: what survives a restart
    .target(  // migrations, functions, views and roles, compiled in
      name: "Schema", dependencies: ["Postgres"], path: "sql",
      resources: [
        .embedInCode("migrations"), .embedInCode("functions"), .embedInCode("views"), .embedInCode("roles"),
      ], swiftSettings: strict),
    .module(  // the graph as SQL tables: row changes, rebuild
      "Relations", in: "Store", uses: ["Memory", "Postgres", "Temporal", "JSON", "Governance", "AccessGraph"]),
    .module(  // append, read, follow; personal values apart
      "EventLog", in: "Store",
      uses: [
        "Memory", "Postgres", "Cryptography", "Temporal", "JSON", "Governance", "AccessGraph", "Relations", "Schema",
      ]),
    .module(  // what identities did, as sources told it: rows, roll-up, and the paths that covered it
      "Usage", in: "Store",
      uses: ["Postgres", "Cryptography", "Temporal", "JSON", "Governance", "AccessGraph", "EventLog"]),
    .module(  // one folder a source
      "Connectors", in: "Store",
      uses: [
        "YAML", "Compression", "Cryptography", "Temporal", "JSON", "Conditions", "Governance", "AccessGraph", "EventLog",
        "Usage",
      ]),

    .module(  // the scheduler, one file a job, webhooks and what they are told
      "Jobs", in: "Store",
      uses: ["Postgres", "Cryptography", "HTTP", "Temporal", "JSON", "Governance", "AccessGraph", "EventLog", "Usage"]),

    // MARK: Service: the outside
    .module(  // one file a resource
      "API", in: "Service",
      uses: [
        "Memory", "HTTP", "Cryptography", "Temporal", "JSON", "Conditions", "Governance", "AccessGraph", "EventLog",
        "Relations", "Usage", "Jobs",
      ]),
    .module(  // configuration → parts → run → stop in reverse order
      "Server", in: "Service",
      uses: ["HTTP", "Postgres", "Schema", "EventLog", "Jobs", "API"]),
    .executableTarget(  // the command: one file a subcommand
      name: "tenure",
      dependencies: [
        "Postgres", "Cryptography", "HTTP", "Temporal", "JSON", "Conditions", "Governance", "AccessGraph", "Relations",
        "EventLog",
        "Usage", "Connectors", "Jobs", "API", "Server",
      ],
      path: "Sources/Service/tenure", swiftSettings: strict),

    // MARK: Tests: mirror Sources
    .target(  // the naive fold, random histories, a scratch database
      name: "TestSupport",
      dependencies: [
        "Postgres", "Cryptography", "Temporal", "JSON", "Conditions", "Governance", "AccessGraph", "Schema", "Relations",
        "EventLog",
      ],
      path: "Tests/TestSupport", swiftSettings: strict),
    .tests("Memory", in: "Platform", uses: ["Memory", "TestSupport"]),
    .tests("Postgres", in: "Platform", uses: ["Postgres"]),
    .tests("Cryptography", in: "Platform", uses: ["Cryptography"]),
    .tests("HTTP", in: "Platform", uses: ["HTTP"]),
    .tests("YAML", in: "Platform", uses: ["YAML"]),
    .tests("Compression", in: "Platform", uses: ["Compression", "TestSupport"]),
    .tests("Temporal", in: "Core", uses: ["Temporal", "JSON", "TestSupport"]),
    .tests("JSON", in: "Core", uses: ["JSON", "TestSupport"]),
    .tests("Conditions", in: "Core", uses: ["Temporal", "JSON", "Conditions", "TestSupport"], besides: ["oracle.py"]),
    .tests("Governance", in: "Core", uses: ["Temporal", "JSON", "Governance", "AccessGraph", "TestSupport"]),
    .tests(
      "AccessGraph", in: "Core", uses: ["Temporal", "JSON", "Governance", "AccessGraph", "TestSupport"],
      besides: ["cedar.py"]),
    .tests(
      "Relations", in: "Store",
      uses: [
        "Postgres", "Temporal", "JSON", "Conditions", "Governance", "AccessGraph", "Schema", "Relations", "EventLog",
        "Connectors", "TestSupport",
      ]),
    .tests(
      "EventLog", in: "Store",
      uses: [
        "Postgres", "Cryptography", "Temporal", "JSON", "Governance", "AccessGraph", "Schema", "Relations", "EventLog",
        "TestSupport",
      ], besides: ["rehash.py"]),
    .tests(
      "Usage", in: "Store",
      uses: [
        "Postgres", "Temporal", "JSON", "Governance", "AccessGraph", "Schema", "Relations", "EventLog", "Usage", "TestSupport",
      ]),
    .tests(
      "Connectors", in: "Store",
      uses: [
        "Postgres", "YAML", "Temporal", "JSON", "Governance", "AccessGraph", "Relations", "EventLog", "Usage", "Connectors",
        "TestSupport",
      ]),
    .tests(
      "Jobs", in: "Store",
      uses: [
        "Postgres", "Cryptography", "HTTP", "Temporal", "JSON", "Governance", "AccessGraph", "Schema", "Relations", "EventLog",
        "Usage", "Jobs", "TestSupport",
      ], besides: ["verify.py"]),
    .tests(
      "API", in: "Service",
      uses: [
        "Postgres", "HTTP", "Temporal", "JSON", "Governance", "AccessGraph", "Relations", "EventLog", "Usage", "Jobs", "API",
        "Server", "TestSupport",
      ], besides: ["csv_rows.py"]),
    .tests(
      "tenure", in: "Service",
      uses: [
        "Postgres", "Temporal", "JSON", "Governance", "AccessGraph", "EventLog", "Usage", "Jobs", "Server", "tenure",
        "TestSupport",
      ]),
  ]
)
