import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// What every kind of entity is read by: a paged list of what exists at (t, k), and one of them.
struct EntityPages: Sendable {
  /// Writes members.
  typealias Writing = @Sendable (inout JSONWriter) -> Void
  /// Looks up what one entity has beside its own members, to be written once the graph is given back.
  typealias Details = @Sendable (Entity, GraphWorld, Instant) -> Writing

  let kind: EntityKind
  /// The path's segment, and the list's member.
  let plural: String
  /// What one of them has beside.
  var details: Details = { _, _, _ in { _ in } }

  /// The list and the single one.
  var endpoints: [Endpoint] {
    let name = plural.prefix(1).uppercased() + plural.dropFirst()
    let single = kind == .identity ? "Identity" : kind.rawValue.prefix(1).uppercased() + kind.rawValue.dropFirst()
    return [
      Endpoint(
        .get, "/v1/\(plural)", "list\(name)", "The \(plural) that exist at a moment, by id",
        .query([.at, .asKnownAt] + Member.paging)
      ) { call in try list(call) },
      Endpoint(
        .get, "/v1/\(plural)/{id}", "get\(single)", "One of the \(plural) at a moment", .query([.at, .asKnownAt])
      ) { call in try one(call) },
    ]
  }

  private func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let after = try view.after
    return .waiting {
      // One more than asked for tells whether there is a next page.
      let (found, moment, position) = try call.questions.ask(view.at, view.asKnownAt) { graph, moment in
        let ids = graph.ids(of: kind)
        let world = graph.world(asKnownAt: moment.asKnownAt)
        var live: [EntityDescription] = []
        for id in ids[ids.firstIndex(after: after)...] {
          guard let entity = EntityDescription(Entity(kind, id), in: world, at: moment.at), entity.isLive else { continue }
          live.append(entity)
          if live.count > view.page.rows { break }
        }
        return (live, moment, graph.position)
      }
      let personal = try Self.personal(found, call.tenant)
      let after: (EntityDescription) -> JSONValue = { .string($0.entity.id) }
      let page = Array(found.prefix(view.page.rows))
      return view.response(
        plural, page, at: moment, position: position, next: found.count > page.count ? page.last.map(after) : .none,
        after: after
      ) {
        $1.writeMembers(to: &$0, personal: personal)
      }
    }
  }

  private func one(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    let entity = Entity(kind, call.parameters["id"])
    return .waiting {
      let (found, beside, moment, position) = try call.questions.ask(at, asKnownAt) { graph, moment in
        let world = graph.world(asKnownAt: moment.asKnownAt)
        let found = EntityDescription(entity, in: world, at: moment.at)
        return (found, details(entity, world, moment.at), moment, graph.position)
      }
      guard let found else {
        throw Problem(.notFound, "\(entity) was not heard of up to \(moment.at) as known at \(moment.asKnownAt)")
      }
      let personal = try Self.personal([found], call.tenant)
      var writer = JSONWriter()
      writer.beginObject()
      writer.write(moment, position)
      found.writeMembers(to: &writer, personal: personal)
      beside(&writer)
      writer.endObject()
      return .json(writer.take(), position: position)
    }
  }

  private static func personal(_ found: [EntityDescription], _ tenant: Tenant) throws -> [PersonalKey: JSONValue] {
    let keys = found.flatMap(\.personalKeys)
    return keys.isEmpty ? [:] : try tenant.personalValues(for: keys)
  }
}

extension [String] {
  /// The first index of a text after this one, the array being in byte order; O(log n).
  func firstIndex(after text: String?) -> Int {
    guard let text else { return 0 }
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if text.precedes(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}
