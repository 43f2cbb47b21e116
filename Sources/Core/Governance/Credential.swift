import JSON
public import Temporal

/// What a credential is.
public enum CredentialKind: String, Hashable, Sendable, CaseIterable, BitwiseCopyable {
  case key, token, certificate, password
  /// It acts as another identity than the one who obtained it: a role that was assumed, an impersonation.
  case session
}

/// A credential's whole value: as whom it acts, who obtained it, and under what; it changes no access by itself.
public struct CredentialDocument: Hashable, Sendable {
  /// What it is.
  public var kind: CredentialKind
  /// The identity that it acts as.
  public var identity: String
  /// The identity who obtained it; nil where that is not known.
  public var holder: String?
  /// The id of the assignment, or trust, that it was obtained under.
  public var grant: String?
  /// The credential that it was obtained with.
  public var parent: String?
  /// The first instant at which it is no longer good; nil for no end.
  public var expiresAt: Instant?

  /// A credential.
  public init(
    kind: CredentialKind, identity: String, holder: String? = nil, grant: String? = nil, parent: String? = nil,
    expiresAt: Instant? = nil
  ) {
    self.kind = kind
    self.identity = identity
    self.holder = holder
    self.grant = grant
    self.parent = parent
    self.expiresAt = expiresAt
  }

  /// Equal exactly if the bytes of their ids are.
  public static func == (a: CredentialDocument, b: CredentialDocument) -> Bool {
    func same(_ x: String?, _ y: String?) -> Bool {
      guard let x, let y else { return x == nil && y == nil }
      return x.isExactly(y)
    }
    return a.kind == b.kind && a.expiresAt == b.expiresAt && a.identity.isExactly(b.identity) && same(a.holder, b.holder)
      && same(a.grant, b.grant) && same(a.parent, b.parent)
  }
}

/// What credentials are found by: one of the ids that their documents name.
public enum CredentialEnd: Hashable, Sendable {
  /// Those that act as an identity.
  case identity(String)
  /// Those that an identity obtained.
  case holder(String)
  /// Those obtained under an assignment.
  case grant(String)
  /// Those obtained with another credential.
  case parent(String)

  /// Whether a credential names it.
  public func isNamed(by document: CredentialDocument) -> Bool {
    switch self {
    case .identity(let id): document.identity.isExactly(id)
    case .holder(let id): document.holder?.isExactly(id) ?? false
    case .grant(let id): document.grant?.isExactly(id) ?? false
    case .parent(let id): document.parent?.isExactly(id) ?? false
    }
  }

  /// Equal exactly if the bytes of their ids are.
  public static func == (a: CredentialEnd, b: CredentialEnd) -> Bool {
    switch (a, b) {
    case (.identity(let x), .identity(let y)), (.holder(let x), .holder(let y)), (.grant(let x), .grant(let y)),
      (.parent(let x), .parent(let y)):
      x.isExactly(y)
    default: false
    }
  }
}

extension CredentialDocument {
  init(reading data: inout FieldReader) throws(JSONFieldError) {
    self.init(
      kind: try data.choice("kind", of: CredentialKind.self), identity: try data.id("identity"),
      holder: try data.optionalID("holder"), grant: try data.optionalID("grant"), parent: try data.optionalID("parent"),
      expiresAt: try data.optionalInstant("expires_at"))
  }

  /// Adds its members, absent ones left out.
  func write(to data: inout JSONObject) {
    data["kind"] = .string(kind.rawValue)
    data["identity"] = .string(identity)
    if let holder { data["holder"] = .string(holder) }
    if let grant { data["grant"] = .string(grant) }
    if let parent { data["parent"] = .string(parent) }
    data.put("expires_at", expiresAt)
  }
}

/// How credentials are issued and revoked.
extension Decision {
  func check(_ id: String, _ document: CredentialDocument) throws(Refusal) {
    try check(id: id, "/id")
    try check(id: document.identity, "/identity")
    if let holder = document.holder { try check(id: holder, "/holder") }
    if let grant = document.grant { try check(id: grant, "/grant") }
    if let parent = document.parent {
      try check(id: parent, "/parent")
      if parent.isExactly(id) { throw Refusal(.malformed, "must be another credential", at: "/parent") }
    }
    if let end = document.expiresAt { try check(end: end, "/expires_at") }
  }

  /// Issues a credential; one that is there is revised, one that was revoked is back.
  mutating func issue(_ id: String, _ document: CredentialDocument, _ attributes: [String: AttributeValue]) throws(Refusal) {
    try require(.identity(document.identity), "/identity")
    if let holder = document.holder { try require(.identity(holder), "/holder") }
    if isGoverned {
      if let grant = document.grant, !world.hasUsed(assignment: grant) {
        throw Refusal(.unknownReference, "there never was an assignment \(grant)", at: "/grant")
      }
      // It may have ended since: what was obtained with it has not.
      if let parent = document.parent, world.entries(of: .existence(.credential(parent))).isEmpty {
        throw Refusal(.unknownReference, "there never was a credential \(parent)", at: "/parent")
      }
      let held = world.value(of: .existence(.credential(id)), at: at)
      if attributes.isEmpty, held?.value == .credential(document) {
        throw Refusal(.noChange, "is issued already, with the same ends", at: "/id")
      }
    }
    try define(.credential(id), attributes)
  }
}
