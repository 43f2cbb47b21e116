import Temporal

/// What a generated organisation is to be: everything that follows is a function of it.
///
/// The shape is fitted to a real history: the access configuration of the Kubernetes GitHub organisations, 2,775 commits from
/// 2018-06-21 to 2026-08-21, imported with `tenure import peribolos` and counted with SQL over the log and the relation tables
/// (rows with `recorded_to IS NULL` whose `valid` contains the last day; quantiles with `percentile_cont`):
///
/// | measured | there | constant here |
/// |---|---|---|
/// | events for each live identity | 30,002 / 1,509 = 19.9 | `eventsPerIdentity` |
/// | live groups for each live identity | 774 / 1,509 = 0.51 | `groupsPerIdentity` |
/// | live memberships of identities for each identity | 6,281 / 1,509 = 4.16 | follows from sizes and turnover: about 4.4 |
/// | share of identities in the one group of everybody | 1,276 / 1,509 = 0.85 | `everybodyShare` |
/// | sizes of groups, quantiles 10, 25, 50, 75, 90, 99 % | 2, 3, 4, 6, 8, 32 | `sizeQuantiles` |
/// | share of groups nested in another; of those at depth 2 | 56 / 774 = 0.072; 6 / 56 = 0.11 | `nestedShare`, `deepShare` |
/// | live assignments for each identity; share held by identities | 726 / 1,509 = 0.48; 87 / 726 = 0.12 | `assignmentsPerIdentity`, `directShare` |
/// | scopes for each identity | 336 / 1,509 = 0.22 | `scopesPerIdentity` |
/// | levels of access granted | admin 640, write 320, maintain 37, triage 32, read 17 | `levelWeights` |
/// | events in a batch | median 4, mean 10.8 | `batchQuantiles` |
/// | changes at constant size: a member for another, a person for another, a grant for another, a group founded anew | 8,205, 1,585, 160, 371 | `Turn` |
///
/// What that history does not have was chosen: roles that include roles (five levels in eight systems), grants that end by
/// themselves, changes learnt late, losses later than they were due, voidings, and the probes: groups of a known size, each
/// nested in parts, for questions whose answers have that size.
struct OrganisationPlan: Hashable, Sendable {
  static let eventsPerIdentity = 19.9
  static let groupsPerIdentity = 0.51
  static let everybodyShare = 0.85
  static let sizeQuantiles: [(share: Double, size: Double)] = [
    (0, 1), (0.10, 2), (0.25, 3), (0.50, 4), (0.75, 6), (0.90, 8), (0.99, 32), (1, 100),
  ]
  static let nestedShare = 0.072
  static let deepShare = 0.11
  static let assignmentsPerIdentity = 0.48
  static let directShare = 0.12
  static let scopesPerIdentity = 0.22
  static let levelWeights = [17, 32, 320, 37, 640]
  /// Sizes at which a batch is closed: the last turn in it goes beyond.
  static let batchQuantiles: [(share: Double, size: Double)] = [(0, 1), (0.5, 3), (0.75, 7), (0.9, 15), (1, 45)]
  /// Identities whose place is taken by another person when they leave.
  static let turnoverShare = 0.30
  /// Teams of such an identity beside the group of everybody.
  static let turnoverTeams = 2
  /// Groups without grants that are disbanded and founded anew.
  static let workingGroupShare = 0.10
  /// Parts of a probe's group.
  static let probeParts = 10

  /// The first day of the history, and the day that it is told on.
  static let began = Instant(microseconds: 1_529_620_190_000_000)
  static let ended = Instant(microseconds: 1_787_299_273_000_000)
  /// How long the founding takes in the story: questions about a later moment meet the whole organisation.
  static let foundingMicroseconds: Int64 = 86_400_000_000

  /// Where the randomness begins; the same plan makes the same organisation, byte for byte.
  var seed: UInt64
  /// Identities that exist at any moment after the founding.
  var identities: Int
  /// Events in all.
  ///
  /// Where they are fewer than the founding takes, it is cut short.
  var events: Int
  /// Sizes of the answers that are to be asked for.
  var probes: [Int]

  /// A plan; the identities default to what the real history has for so many events.
  init(seed: UInt64, identities: Int? = nil, events: Int, probes: [Int] = []) {
    self.seed = seed
    self.events = events
    self.identities = max(identities ?? Int(Double(events) / Self.eventsPerIdentity), 20)
    self.probes = probes.filter { $0 < Self.steady(max(identities ?? Int(Double(events) / Self.eventsPerIdentity), 20)) }
  }

  /// Identities that stay throughout, of so many.
  static func steady(_ identities: Int) -> Int { identities - Int(Double(identities) * turnoverShare) }
}
