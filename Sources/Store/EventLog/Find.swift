import AccessGraph
public import Governance
public import JSON
import Postgres
public import Temporal

/// The place of a personal value: the event that wrote it, and the attribute.
public struct PersonalKey: Hashable, Sendable {
  /// The position of the event whose body holds the digest.
  public var position: Int64
  /// The attribute's name.
  public var name: String

  /// Names a personal value.
  public init(position: Int64, name: String) {
    self.position = position
    self.name = name
  }
}

/// What an identity is looked for by.
public struct FindQuestion: Hashable, Sendable {
  /// The id, or the exact value of an attribute.
  public var text: String
  /// The attribute; nil for the id or any attribute.
  public var attribute: String?

  /// A question.
  public init(_ text: String, attribute: String? = nil) {
    self.text = text
    self.attribute = attribute
  }
}

/// One identity that was found.
public struct FoundIdentity: Hashable, Sendable {
  /// The identity's id.
  public var identity: String
  /// What it is.
  public var kind: IdentityKind
  /// What matched: `id`, or the attribute's name.
  public var matched: String
}

extension Tenant {
  /// The personal values at some places, one round trip; those that were erased are left out.
  public func personalValues(for keys: [PersonalKey]) throws -> [PersonalKey: JSONValue] {
    guard !keys.isEmpty else { return [:] }
    let rows = try pool.withConnection { connection in
      try connection.query(
        """
        SELECT p.position, p.attribute, p.value
        FROM unnest(\(keys.map(\.position)), \(keys.map(\.name))) AS k (position, attribute)
        JOIN tenure.personal p ON p.tenant_id = \(id) AND p.position = k.position AND p.attribute = k.attribute
        """)
    }
    var values: [PersonalKey: JSONValue] = [:]
    for row in rows {
      values[PersonalKey(position: try row.int64(0), name: try row.string(1))] = try JSONValue(parsing: try row.string(2))
    }
    return values
  }

  /// Identities that exist at t and match, as known at k; by id, at most `limit`.
  ///
  /// The database proposes who ever had the value, the graph says who has it at (t, k). One round trip.
  public func find(_ question: FindQuestion, at t: Instant, asKnownAt k: Int64, limit: Int = 100) throws -> [FoundIdentity] {
    var candidates = try pool.withConnection { try self.candidates(question, on: $0) }
    if question.attribute == nil { candidates.insert(Candidate(identity: question.text, name: nil, digest: nil)) }
    return try read { graph in
      let world = graph.world(asKnownAt: k)
      var found: [FoundIdentity] = []
      for candidate in candidates.sorted(by: Candidate.precedes) where found.count < limit {
        let identity = Entity.identity(candidate.identity)
        guard found.last?.identity != candidate.identity,
          case .identity(let kind)? = world.value(of: .existence(identity), at: t)?.value,
          candidate.holds(question.text, in: world, at: t)
        else { continue }
        found.append(FoundIdentity(identity: candidate.identity, kind: kind, matched: candidate.name ?? "id"))
      }
      return found
    }
  }

  private func candidates(_ question: FindQuestion, on connection: Connection) throws -> Set<Candidate> {
    let value = JSONValue.string(question.text).canonicalText
    let rows = try connection.query(
      """
      SELECT entity, name, NULL::text FROM tenure.attributes
      WHERE tenant_id = \(id) AND entity_kind = 'identity' AND value = \(JSONText(value))
        AND (\(question.attribute) IS NULL OR name = \(question.attribute))
      UNION
      SELECT substr(entity, length('identity:') + 1), attribute, digest FROM tenure.personal
      WHERE tenant_id = \(id) AND entity LIKE 'identity:%' AND value = \(value)
        AND (\(question.attribute) IS NULL OR attribute = \(question.attribute))
      """)
    var candidates: Set<Candidate> = []
    for row in rows {
      candidates.insert(
        Candidate(identity: try row.string(0), name: try row.string(1), digest: try row.optionalString(2)))
    }
    return candidates
  }
}

/// An identity that may have the value, by an attribute of it or by its id.
private struct Candidate: Hashable {
  var identity: String
  /// The attribute; nil for the id.
  var name: String?
  /// Of a personal value: the digest that the graph must hold.
  var digest: String?

  static func precedes(_ a: Candidate, _ b: Candidate) -> Bool {
    a.identity == b.identity ? (a.name ?? "") < (b.name ?? "") : a.identity.precedes(b.identity)
  }

  func holds(_ text: String, in world: GraphWorld, at t: Instant) -> Bool {
    guard let name else { return true }
    guard case .attribute(let value)? = world.value(of: .attribute(.identity(identity), name: name), at: t)?.value else {
      return false
    }
    return value == digest.map(AttributeValue.sealed) ?? .open(.string(text))
  }
}
