import Governance
import JSON
import Memory

/// Events by their outlines: from the bytes of a body into the graph, without an `Event` in between.
extension AccessGraph {
  /// Applies the next event above the published position; comes to the same as applying the decoded event.
  ///
  /// - Parameters:
  ///   - outline: the event.
  ///   - body: the body that it outlines.
  /// - Precondition: the event's position is `appliedPosition + 1`.
  public func apply(_ outline: EventOutline, _ body: Swift.Span<UInt8>) {
    let change = begin(outline.position, effective: outline.effective, recorded: outline.recorded)
    let due = outline.due == never ? nil : outline.due
    let source = texts.number(utf8: body.extracting(outline.source.offsets))
    Entrance(graph: self, source: source, due: due, change: change).enter(outline.change, body)
  }
}

/// Enters what one outlined event writes: the same writes, in the same order, as `Change.writes` names.
private struct Entrance {
  typealias Body = Swift.Span<UInt8>

  let graph: AccessGraph
  let source: Int32
  let due: Int64?
  let change: ListChange

  func enter(_ outline: ChangeOutline, _ body: Body) {
    switch outline {
    case .identityRegistered(let id, let kind, let attributes):
      register(.identity, id, value: kind.number, attributes, body)
    case .groupCreated(let id, let attributes): register(.group, id, value: 0, attributes, body)
    case .identityRetired(let id): insert(.ends, none, of: graph.nodes[node(.identity, id, body)].existence)
    case .groupDeleted(let id): insert(.ends, none, of: graph.nodes[node(.group, id, body)].existence)
    case .identitySuspended(let id): insert(.begins, 0, of: fact(.suspension, node(.identity, id, body), none))
    case .identityResumed(let id): insert(.ends, none, of: fact(.suspension, node(.identity, id, body), none))
    case .identityLinked(let account, let person):
      let link = fact(.link, node(.identity, account, body), none)
      insert(.begins, node(.identity, person, body), of: link)
    case .identityUnlinked(let account): insert(.ends, none, of: fact(.link, node(.identity, account, body), none))
    case .membershipAdded(let group, let member, let expires):
      insert(.begins, 0, of: membership(group, member, body), expires: expires)
    case .membershipRemoved(let group, let member): insert(.ends, none, of: membership(group, member, body))
    case .assignmentGranted(let id, let principal, let role, let scope, let expires):
      let assignment = fact(.assignment, text(id, body), none)
      let grant = graph.add(
        principal: node(principal.kind, principal.id, body), role: node(.role, role, body), scope: text(scope, body),
        condition: nil)
      insert(.begins, grant, of: assignment, expires: expires)
    case .assignmentExtended(let id, let expires):
      insert(.extends, none, of: fact(.assignment, text(id, body), none), expires: expires)
    case .assignmentRevoked(let id): insert(.ends, none, of: fact(.assignment, text(id, body), none))
    }
  }

  private func register(
    _ kind: EntityKind, _ id: ByteRange, value: Int32, _ attributes: AttributeOutlines, _ body: Body
  ) {
    let node = node(kind, id, body)
    insert(.begins, value, of: graph.nodes[node].existence)
    for place in 0..<attributes.count {
      let attribute = attributes[place]
      let named = fact(.attribute, node, text(attribute.name, body))
      if let value = written(attribute, body) {
        insert(.begins, graph.intern(.attribute(value)), of: named)
      } else {
        insert(.ends, none, of: named)
      }
    }
  }

  /// The attribute's value; nil where it takes the attribute away.
  private func written(_ attribute: AttributeOutline, _ body: Body) -> AttributeValue? {
    let bytes = body.extracting(attribute.value.offsets)
    var copy: [UInt8] = []
    for index in 0..<bytes.count { copy.append(bytes[index]) }
    if attribute.isSealed { return .sealed(String(decoding: copy, as: UTF8.self)) }
    // The scanner took it for one JSON value; nothing else can stand here.
    guard let value = try? JSONValue(parsing: copy) else { preconditionFailure("an outline's value is JSON") }
    return value == .null ? nil : .open(value)
  }

  private func insert(_ effect: EntryEffect, _ value: Int32, of fact: Int32, expires: Int64 = never) {
    graph.insert(effect, value, of: fact, expires: expires, source, due: due, change)
  }

  private func membership(_ group: ByteRange, _ member: EntityOutline, _ body: Body) -> Int32 {
    fact(.membership, node(.group, group, body), node(member.kind, member.id, body))
  }

  private func fact(_ kind: FactKind, _ a: Int32, _ b: Int32) -> Int32 {
    graph.number(of: FactKey(kind: kind, a: a, b: b))
  }

  private func node(_ kind: EntityKind, _ id: ByteRange, _ body: Body) -> Int32 {
    graph.node(kind, text: text(id, body))
  }

  private func text(_ range: ByteRange, _ body: Body) -> Int32 {
    graph.texts.number(utf8: body.extracting(range.offsets))
  }
}
