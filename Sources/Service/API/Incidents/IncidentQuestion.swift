import EventLog
public import Governance
public import Temporal

/// What an incident is about: whom or what was seen, and when.
public struct IncidentQuestion: Hashable, Sendable {
  /// Names of one kind at most: what one person can hold in view, each a round trip or some.
  public static let mostNames = 50
  /// Identities that are followed from one to the next at most.
  public static let mostParties = 200
  /// Uses that are looked at, the newest of the stretch; more are said to be left out.
  public static let mostUses = 50_000
  /// Events of the parties that are looked at.
  public static let mostEvents = 20_000

  /// Identities, by id.
  public var identities: [String]
  /// Credentials, by id.
  public var credentials: [String]
  /// Sessions, as usage names them.
  public var sessions: [String]
  /// Addresses, as usage names them.
  public var addresses: [String]
  /// When.
  public var during: Interval
  /// Events that are taken out of the world to ask what would have been reachable without them.
  public var without: [Int64]

  /// A question; what is left out is nothing.
  public init(
    identities: [String] = [], credentials: [String] = [], sessions: [String] = [], addresses: [String] = [],
    during: Interval, without: [Int64] = []
  ) {
    self.identities = identities
    self.credentials = credentials
    self.sessions = sessions
    self.addresses = addresses
    self.during = during
    self.without = without
  }
}

/// Somebody who has a part in an incident, and how they come into it.
public struct IncidentParty: Hashable, Sendable {
  /// How somebody comes into an incident.
  public enum Part: Hashable, Sendable {
    /// Named in the question.
    case named
    /// An account of a party, or the person whose account a party is: the same hands.
    case linked(to: String)
    /// A credential that was named acts as them, or was obtained by them.
    case credential(String)
    /// They used an address, a session or a credential that was named.
    case used(String)
    /// A party registered them.
    case registered(by: String, position: Int64)
    /// A party obtained or issued a credential that acts as them, or a session did.
    case obtained(by: String, credential: String)
  }

  /// The identity.
  public var identity: String
  /// What it is; nil where it was never registered.
  public var kind: IdentityKind?
  /// How they come into it.
  public var part: Part
  /// How many steps they are away from what was named.
  public var depth: Int
  /// The event that registered them last; nil where there is none.
  public var registered: EventNote?
}

extension IncidentParty.Part {
  /// In words.
  public var text: String {
    switch self {
    case .named: "named"
    case .linked(let other): "linked to \(other)"
    case .credential(let id): "credential \(id)"
    case .used(let what): "used \(what)"
    case .registered(let by, let position): "registered by \(by), event \(position)"
    case .obtained(let by, let credential): "\(by) obtained \(credential)"
    }
  }
}
