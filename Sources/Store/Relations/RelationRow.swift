import AccessGraph
import Governance
import JSON
import Postgres
import Temporal

/// One value of a row.
enum Cell: Hashable, Sendable {
  case text(String?)
  case texts([String]?)
  case json(String?)
  case instant(Timestamp?)
  case range(TimestampRange)
  case bool(Bool?)
  case integer(Int64?)
}

/// The row of one entry, as known at one position.
struct RelationRow: Hashable, Sendable {
  let table: RelationTable
  /// The position of the event that made the entry.
  let position: Int64
  /// The cells of `table.columns`.
  let cells: [Cell]

  /// The cells that name the fact.
  var key: ArraySlice<Cell> { cells.prefix(table.key.count) }
}

/// Rows from the visible entries of a fact; pure, and the same whether they are written by an append or by a rebuild.
extension RelationRow {
  /// One row for each visible entry that an entry at one of some moments may make another.
  ///
  /// O(these entries): what has a thousand revisions is not written a thousand times for the next.
  static func rows(of fact: Fact, around moments: ClosedRange<Moment>, in world: some World) -> [RelationRow] {
    let window = world.entries(of: fact, around: moments)
    let entries = window.entries
    if entries.isEmpty { return [] }
    // In the order of the entries, of which some have none.
    var spans = Span.spans(of: entries)[...]
    let existences: [Existence]
    if case .existence = fact {
      existences = Existence.stretches(of: entries, since: window.since)
    } else {
      existences = []
    }
    let table = table(of: fact)
    let key = keyCells(of: fact)
    return entries.dropLast(window.isBounded ? 1 : 0).map { entry in
      let span = spans.first?.entry == entry.moment ? spans.popFirst() : nil
      let shape = Shape(entry: entry, span: span, since: existences.first { $0.contains(entry.moment) }?.since)
      let cells = key + shape.values(of: fact) + shape.entryCells + (table.began.isEmpty ? [] : shape.begunCells(of: fact))
      return RelationRow(table: table, position: entry.moment.position, cells: cells)
    }
  }

  private static func table(of fact: Fact) -> RelationTable {
    switch fact {
    case .existence(let entity):
      switch entity.kind {
      case .identity: .identities
      case .group: .groups
      case .role: .roles
      case .policy: .policies
      case .request: .requests
      case .credential: .credentials
      case .finding: .findings
      case .review: .reviews
      case .resource: .resources
      case .source: .sources
      case .assignment, .event: preconditionFailure("no existence is recorded of a \(entity.kind.rawValue)")
      }
    case .attribute: .attributes
    case .suspension: .suspensions
    case .acceptance: .acceptances
    case .link: .links
    case .membership: .memberships
    case .assignment: .assignments
    case .coverage: .coverage
    case .coverageGap: .gaps
    case .reviewItem: .reviewItems
    }
  }

  private static func keyCells(of fact: Fact) -> [Cell] {
    switch fact {
    case .existence(let entity): [.text(entity.id)]
    case .attribute(let entity, let name): [.text(entity.kind.rawValue), .text(entity.id), .text(name)]
    case .suspension(let identity): [.text(identity)]
    case .acceptance(let finding): [.text(finding)]
    case .link(let account): [.text(account)]
    case .membership(let group, let member): [.text(group), .text(member.kind.rawValue), .text(member.id)]
    case .assignment(let id): [.text(id)]
    case .coverage(let source, let resource): [.text(source), .text(resource)]
    case .coverageGap(let source, let resource, let from): [.text(source), .text(resource), .instant(Timestamp(from))]
    case .reviewItem(let review, let item): [.text(review), .text(item.text)]
    }
  }
}

/// One entry with what follows from its neighbours.
private struct Shape {
  let entry: Entry
  /// Where its value holds by the fact's own entries; nil where it never does.
  let span: Span?
  /// Of an existence: where it began without a break.
  let since: Moment?

  /// The value that holds after the entry; nil where it ends the fact or extends nothing.
  private var value: FactValue? {
    switch entry.effect {
    case .begins(let value, _): value
    case .extends: span?.value
    case .ends: nil
    }
  }

  private var expiresAt: Cell {
    switch entry.effect {
    case .begins(_, let expiresAt), .extends(let expiresAt): .instant(expiresAt.map { Timestamp($0) })
    case .ends: .instant(nil)
    }
  }

  private var extends: Bool {
    if case .extends = entry.effect { return true }
    return false
  }

  private var begins: Bool {
    if case .begins = entry.effect { return true }
    return false
  }

  var entryCells: [Cell] {
    let valid = span.map { TimestampRange(lower: Timestamp($0.from), upper: $0.to.map { Timestamp($0) }) } ?? .empty
    return [
      .instant(Timestamp(entry.moment.effective)), .integer(entry.moment.position), .text(entry.source),
      .instant(entry.dueAt.map { Timestamp($0) }), .bool(begins), .range(valid),
    ]
  }

  func begunCells(of fact: Fact) -> [Cell] {
    var moment: Moment?
    if case .assignment = fact { moment = begins ? entry.moment : span?.begun } else { moment = begins ? since : nil }
    return [.instant(moment.map { Timestamp($0.effective) }), .integer(moment?.position)]
  }

  func values(of fact: Fact) -> [Cell] {
    switch fact {
    case .existence(let entity): return document(of: entity.kind)
    case .attribute:
      switch value {
      case .attribute(.open(let json)): return [.json(json.canonicalText), .text(nil)]
      case .attribute(.sealed(let digest)): return [.json(nil), .text(digest)]
      default: return [.json(nil), .text(nil)]
      }
    case .suspension: return []
    case .link:
      guard case .person(let person) = value else { return [.text(nil)] }
      return [.text(person)]
    case .reviewItem:
      guard case .reviewItem(let state) = value else { return [] }
      return [
        .text(state.step.rawValue), .text(state.decision?.choice.rawValue), .text(state.decision?.by),
        .text(state.execution?.outcome.rawValue), .json(state.json.canonicalText),
      ]
    case .membership, .coverage, .coverageGap, .acceptance: return [expiresAt]
    case .assignment:
      guard case .grant(let grant) = value else {
        return [.text(nil), .text(nil), .text(nil), .text(nil), .text(nil), expiresAt, .bool(extends)]
      }
      return [
        .text(grant.principal.kind.rawValue), .text(grant.principal.id), .text(grant.role), .text(grant.scope),
        .text(grant.condition?.canonicalText), expiresAt, .bool(extends),
      ]
    }
  }

  private func document(of kind: EntityKind) -> [Cell] {
    switch (kind, value) {
    case (.identity, .identity(let kind)): [.text(kind.rawValue)]
    case (.identity, _): [.text(nil)]
    case (.role, .role(let document)): [.bool(document.permissions != nil), .texts(document.includes)]
    case (.role, _): [.bool(nil), .texts(nil)]
    case (.policy, .policy(let policy)): [.text(policy.type.rawValue), .json(policy.rule.canonicalText)]
    case (.policy, _): [.text(nil), .json(nil)]
    case (.request, .request(let request)):
      [
        .text(request.step.rawValue), .text(request.progress?.state.rawValue),
        .instant(request.progress?.expiresAt.map { Timestamp($0) }), .text(request.terms.requester),
        .json(request.json.canonicalText),
      ]
    case (.credential, .credential(let credential)):
      [
        .text(credential.kind.rawValue), .text(credential.identity), .text(credential.holder), .text(credential.grant),
        .text(credential.parent), .instant(credential.expiresAt.map { Timestamp($0) }),
      ]
    case (.credential, _): [.text(nil), .text(nil), .text(nil), .text(nil), .text(nil), .instant(nil)]
    case (.finding, .finding(let finding)):
      [
        .text(finding.rule), .text(finding.subject.kind.rawValue), .text(finding.subject.id),
        .text(finding.severity.rawValue), .text(finding.owner), .json(finding.evidence.canonicalText),
        .json(finding.fix.canonicalText),
      ]
    case (.finding, _): [.text(nil), .text(nil), .text(nil), .text(nil), .text(nil), .json(nil), .json(nil)]
    case (.review, .review(let review)):
      [
        .text(review.step.rawValue), .text(review.progress?.state.rawValue),
        .instant(review.progress.map { Timestamp($0.deadline) }), .text(review.terms.policy), .json(review.json.canonicalText),
      ]
    default: []
    }
  }
}

extension Timestamp {
  init(_ instant: Instant) { self.init(microsecondsSinceUnixEpoch: instant.microseconds) }
}
