import EventLog
import Governance
public import Temporal
import Usage

/// One line of what happened: one act that changed something, or a run of acts of one kind.
public struct IncidentLine: Hashable, Sendable {
  /// One kind of act and how often it was done.
  public struct Act: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// How often.
    public var count: Int
  }

  /// When it began.
  public var at: Instant
  /// When the last of it was; the same for a single act.
  public var until: Instant
  /// Who acted.
  public var identity: String
  /// What was changed, in words; of a run of uses, the service they were of.
  public var text: String
  /// Of a run of uses: what was used, in the order of the first use.
  public var acts: [Act] = []
  /// How often, and how often of that it was refused or failed.
  public var count = 1, refused = 0, failed = 0
  /// From where, where that is known.
  public var address: String?
  /// The events that record the change; none for uses that changed nothing that Tenure keeps.
  public var positions: [Int64] = []
}

extension IncidentEvidence {
  /// Acts of one kind that follow one another within this are one line: a person reads a scan of a thousand calls as one act.
  private static let lineSeconds: Int64 = 120

  /// What happened, in the order of time: each change by itself, and uses of one service together.
  func story() -> [IncidentLine] {
    (changeLines() + useLines()).sorted {
      ($0.at, $0.positions.first ?? .max, $0.text) < ($1.at, $1.positions.first ?? .max, $1.text)
    }
  }

  /// The events that one act recorded are one line, and what it had to make up for them is left out.
  private func changeLines() -> [IncidentLine] {
    let byID = Dictionary(uses.map { ($0.record.id, $0.record) }) { first, _ in first }
    var lines: [IncidentLine] = []
    var open: [[String?]: Int] = [:]
    for (index, event) in events.enumerated() {
      let ticket = event.authority.ticket?.key
      let use = ticket.flatMap { byID[$0] }
      let identity = event.authority.actor?.id ?? ""
      let key = ticket.map { ["act", $0] } ?? ["event", String(index)]
      if let index = open[key] {
        lines[index].positions.append(event.position)
        if lines[index].text.isEmpty {
          lines[index].text = event.change.phrase
        } else if !event.change.isMadeUp {
          lines[index].text += "; " + event.change.phrase
        }
        continue
      }
      // Sessions that a service opens by the dozen read as one.
      if case .credentialIssued(_, let document, _) = event.change, document.kind == .session {
        let key = ["session", identity, document.identity, use?.address]
        if let index = open[key], lines[index].until.distance(to: event.effectiveAt) <= Self.lineSeconds * 1_000_000 {
          lines[index].until = event.effectiveAt
          lines[index].count += 1
          lines[index].positions.append(event.position)
          lines[index].text = "issued \(lines[index].count) sessions acting as \(document.identity)"
          continue
        }
        open[key] = lines.count
      }
      open[key] = lines.count
      // What an act recorded may reach further back than itself: it was done when it was seen to be done.
      let at = use?.at ?? event.effectiveAt
      lines.append(
        IncidentLine(
          at: at, until: at, identity: identity,
          text: event.change.isMadeUp ? "" : event.change.phrase,
          address: use?.address, positions: [event.position]))
    }
    return lines.filter { !$0.text.isEmpty }
  }

  private func useLines() -> [IncidentLine] {
    let recorded = Set(events.compactMap { $0.authority.ticket?.key })
    var lines: [IncidentLine] = []
    var open: [[String?]: Int] = [:]
    for use in uses.map(\.record) where !recorded.contains(use.id) {
      let parts = use.action.split(separator: ":", maxSplits: 1).map(String.init)
      let service = parts.count == 2 ? parts[0] : ""
      let key = [use.identity, service, use.address, use.session]
      let index: Int
      if let known = open[key], lines[known].until.distance(to: use.at) <= Self.lineSeconds * 1_000_000 {
        index = known
        lines[index].until = use.at
        lines[index].count += 1
      } else {
        index = lines.count
        open[key] = index
        lines.append(IncidentLine(at: use.at, until: use.at, identity: use.identity, text: service, address: use.address))
      }
      let name = parts.last ?? use.action
      if let act = lines[index].acts.firstIndex(where: { $0.name == name }) {
        lines[index].acts[act].count += 1
      } else {
        lines[index].acts.append(IncidentLine.Act(name: name, count: 1))
      }
      if use.outcome == .denied { lines[index].refused += 1 }
      if use.outcome == .failed { lines[index].failed += 1 }
    }
    return lines
  }
}

extension Change {
  /// Whether the change is there only because another names what it writes: somebody outside, a document that is not known.
  var isMadeUp: Bool {
    switch self {
    case .identityRegistered(_, let kind, _): kind == .external || kind == .placeholder
    case .roleDefined(_, let document, _): document.permissions == nil
    default: false
    }
  }

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
