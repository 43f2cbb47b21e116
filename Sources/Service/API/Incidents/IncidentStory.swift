import EventLog
import Governance
public import Temporal
import Usage

/// One line of what happened.
public struct IncidentLine: Hashable, Sendable {
  /// When it began.
  public var at: Instant
  /// When the last of it was; the same for a single act.
  public var until: Instant
  /// Who acted.
  public var identity: String
  /// What was done, in words.
  public var text: String
  /// How often, and how often of that it was refused or failed.
  public var count = 1, refused = 0, failed = 0
  /// From where, where that is known.
  public var address: String?
  /// The event that records the change; nil for a use that changed nothing that Tenure keeps.
  public var position: Int64?
}

extension IncidentEvidence {
  /// Uses of one action by one identity from one address that follow one another within this are one line: a person reads a scan
  /// of a thousand calls as one act.
  private static let lineSeconds: Int64 = 120

  /// What happened, in the order of time: each change by itself, and uses of one kind together.
  func story() -> [IncidentLine] {
    let recorded = Dictionary(grouping: events) { $0.authority.ticket?.key ?? "" }
    let byID = Dictionary(uses.map { ($0.record.id, $0.record) }) { first, _ in first }
    var lines = events.map { event in
      let use = event.authority.ticket.flatMap { byID[$0.key] }
      return IncidentLine(
        at: event.effectiveAt, until: event.effectiveAt, identity: event.authority.actor?.id ?? "", text: event.change.phrase,
        address: use?.address, position: event.position)
    }
    var open: [[String?]: Int] = [:]
    for use in uses.map(\.record) where recorded[use.id] == nil {
      let key = [use.identity, use.action, use.address, use.session]
      if let index = open[key], lines[index].until.distance(to: use.at) <= Self.lineSeconds * 1_000_000 {
        lines[index].until = use.at
        lines[index].count += 1
      } else {
        open[key] = lines.count
        lines.append(
          IncidentLine(at: use.at, until: use.at, identity: use.identity, text: use.action, address: use.address))
      }
      guard let index = open[key] else { continue }
      if use.outcome == .denied { lines[index].refused += 1 }
      if use.outcome == .failed { lines[index].failed += 1 }
    }
    return lines.sorted { ($0.at, $0.position ?? .max, $0.text) < ($1.at, $1.position ?? .max, $1.text) }
  }
}

extension Change {
  /// What the change did, in a few words.
  var phrase: String {
    switch self {
    case .identityRegistered(let id, let kind, _): "registered \(kind.rawValue) \(id)"
    case .identitySuspended(let id): "suspended \(id)"
    case .identityResumed(let id): "resumed \(id)"
    case .identityRetired(let id): "retired \(id)"
    case .identityLinked(let account, let person): "linked account \(account) to \(person)"
    case .identityUnlinked(let account): "unlinked account \(account)"
    case .groupCreated(let id, _): "created group \(id)"
    case .groupDeleted(let id): "deleted group \(id)"
    case .membershipAdded(let group, let member, _): "added \(member) to group \(group)"
    case .membershipRemoved(let group, let member): "removed \(member) from group \(group)"
    case .roleDefined(let id, let document, _): "defined role \(id)" + document.phrase
    case .roleRetired(let id): "retired role \(id)"
    case .assignmentGranted(let id, let grant):
      "granted \(grant.principal) role \(grant.role) on \(grant.scope) (\(id))"
        + (grant.expiresAt.map { " until \($0)" } ?? "")
    case .assignmentExtended(let id, _): "extended assignment \(id)"
    case .assignmentRevoked(let id): "revoked assignment \(id)"
    case .credentialIssued(let id, let document, _):
      "issued \(document.kind.rawValue) \(id) acting as \(document.identity)"
        + (document.holder.map { $0.isExactly(document.identity) ? "" : ", obtained by \($0)" } ?? "")
    case .credentialRevoked(let id): "revoked credential \(id)"
    case .policyDefined(let id, let policy, _): "defined \(policy.type.rawValue) policy \(id)"
    case .policyRetired(let id): "retired policy \(id)"
    case .resourceDescribed(let path, _): "described \(path)"
    case .resourceRemoved(let path): "removed \(path)"
    case .coverageGap(let source, let resource, _): "stopped what \(source) sees of \(resource)"
    case .coverageBegan(let source, let resource, _): "began what \(source) sees of \(resource)"
    case .coverageEnded(let source, let resource): "ended what \(source) sees of \(resource)"
    default: "\(type) of \(entity)"
    }
  }
}

extension RoleDocument {
  /// What it allows, as far as a line goes.
  fileprivate var phrase: String {
    guard let permissions else { return ", what it allows not known" }
    let actions = permissions.filter { $0.effect == .allow }.flatMap(\.actions)
    let shown = actions.prefix(6).joined(separator: " ")
    return actions.isEmpty ? "" : ": \(shown)" + (actions.count > 6 ? " and \(actions.count - 6) more" : "")
  }
}
