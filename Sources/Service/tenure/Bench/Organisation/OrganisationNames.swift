import Governance
import JSON
import Temporal

/// The names of a generated organisation, and the sentences about it.
enum OrganisationNames {
  static let systems = ["repo", "database", "cloud", "pipeline", "chat", "ledger", "wiki", "registry"]
  static let levels = ["read", "triage", "write", "maintain", "admin"]
  static let source = "generated"
  static let root = "example.org"
  static let everybody = "team-0000000"

  /// A number with zeros before it.
  static func padded(_ number: Int, _ width: Int = 7) -> String {
    let digits = String(number)
    return digits.utf8.count >= width ? digits : String(repeating: "0", count: width - digits.utf8.count) + digits
  }

  static func person(_ number: Int) -> String { "person-" + padded(number) }
  /// The person who has a turnover identity's place in a generation.
  static func person(_ place: Int, generation: Int) -> String { "person-t" + padded(place) + "-" + padded(generation, 4) }
  static func team(_ number: Int) -> String { "team-" + padded(number) }
  static func grant(_ number: Int) -> String { "grant-" + padded(number, 8) }
  static func role(_ number: Int) -> String { systems[number / levels.count] + "-" + levels[number % levels.count] }
  static func action(_ role: Int) -> String { systems[role / levels.count] + "." + levels[role % levels.count] }
  static var roles: Int { systems.count * levels.count }
  static func scope(_ number: Int) -> String { root + "/area-" + padded(number % 100, 2) + "/item-" + padded(number, 6) }

  static func probeGroup(_ size: Int) -> String { "probe-\(size)" }
  static func probePart(_ size: Int, _ part: Int) -> String { "probe-\(size)-part-\(part)" }
  static func probeScope(_ size: Int) -> String { root + "/probes/answer-\(size)" }
  static let probeRole = "probe-reader"
  static let probeAction = "probe.read"

  /// The document of a role: its own action, and what the level below it has.
  static func document(_ role: Int) -> RoleDocument {
    let permission = Permission(actions: [action(role)])
    return RoleDocument(permissions: [permission], includes: role % levels.count == 0 ? [] : [self.role(role - 1)])
  }

  /// By whose authority: as long as the real ones are, so that bodies have their length.
  static func authority(_ number: Int) -> Authority {
    let key = String(number % 100_000)
    return Authority(
      actor: Actor(id: "operator-\(number % 40)"), reason: "Change \(key) of the access configuration, as reviewed",
      ticket: Ticket(system: "tickets", key: key, url: "https://tickets.example.org/access/changes/\(key)"))
  }
}
