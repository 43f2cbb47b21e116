public import JSON
public import Temporal

/// How the words of the domain are read from JSON, for commands, events and API bodies alike.
extension FieldReader {
  /// An id: a non-empty string within `Limits.identifierBytes`, without control characters.
  public mutating func id(_ name: String) throws(JSONFieldError) -> String {
    let text = try string(name, maximumBytes: Limits.identifierBytes)
    if let problem = Limits.problem(identifier: text) { throw error(name, problem) }
    return text
  }

  /// An id that may be absent.
  public mutating func optionalID(_ name: String) throws(JSONFieldError) -> String? {
    guard let text = try optionalString(name, maximumBytes: Limits.identifierBytes) else { return nil }
    if let problem = Limits.problem(identifier: text) { throw error(name, problem) }
    return text
  }

  /// A resource path or `*`.
  public mutating func path(_ name: String) throws(JSONFieldError) -> String {
    let text = try string(name, maximumBytes: Limits.pathBytes)
    if let problem = Limits.problem(path: text) { throw error(name, problem) }
    return text
  }

  /// An entity in the form `kind:id`.
  public mutating func entity(_ name: String) throws(JSONFieldError) -> Entity {
    let text = try string(name, maximumBytes: Limits.pathBytes + Limits.kindBytes)
    guard let entity = Entity(text: text) else { throw error(name, "must have the form kind:id, such as identity:alice") }
    return entity
  }

  /// An identity or a group in the form `identity:id` or `group:id`.
  public mutating func principal(_ name: String) throws(JSONFieldError) -> Entity {
    let entity = try entity(name)
    guard entity.kind == .identity || entity.kind == .group else { throw error(name, "must begin with identity: or group:") }
    if let problem = Limits.problem(identifier: entity.id) { throw error(name, problem) }
    return entity
  }

  /// An instant in RFC 3339.
  public mutating func instant(_ name: String) throws(JSONFieldError) -> Instant {
    guard let instant = try optionalInstant(name) else { throw error(name, "is missing") }
    return instant
  }

  /// An instant in RFC 3339 that may be absent.
  public mutating func optionalInstant(_ name: String) throws(JSONFieldError) -> Instant? {
    guard let text = try optionalString(name, maximumBytes: Limits.instantBytes) else { return nil }
    do { return try Instant(rfc3339: text) } catch { throw self.error(name, "\(error)") }
  }

  /// One of an enumeration's raw values.
  public mutating func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, of type: T.Type
  ) throws(JSONFieldError) -> T where T.RawValue == String {
    let text = try string(name, maximumBytes: Limits.identifierBytes)
    guard let value = T(rawValue: text) else {
      throw error(name, "must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }

  /// The member `attributes`: name → value, empty where absent.
  public mutating func attributes() throws(JSONFieldError) -> [String: AttributeValue] {
    guard let value = optionalValue("attributes") else { return [:] }
    let at = pointer(to: "attributes")
    guard let object = value.objectValue else { throw JSONFieldError(pointer: at, problem: "must be an object") }
    guard object.count <= Limits.attributesPerEntity else {
      throw JSONFieldError(pointer: at, problem: "must have at most \(Limits.attributesPerEntity) members")
    }
    var attributes: [String: AttributeValue] = [:]
    for member in object {
      let at = JSONPointer.child(member.name, of: at)
      if attributes[member.name] != nil {
        throw JSONFieldError(pointer: at, problem: "is given twice, in two Unicode forms")
      }
      if let problem = Limits.problem(attribute: member.name) { throw JSONFieldError(pointer: at, problem: problem) }
      if let sealed = member.value.objectValue {
        guard sealed.count == 1, let digest = sealed["sha256"]?.stringValue, Limits.isDigest(digest) else {
          throw JSONFieldError(pointer: at, problem: "must not be an object, but for the digest of a sealed value")
        }
        attributes[member.name] = .sealed(digest)
      } else if let problem = Limits.problem(attributeValue: member.value) {
        throw JSONFieldError(pointer: at, problem: problem)
      } else {
        attributes[member.name] = .open(member.value)
      }
    }
    return attributes
  }

  mutating func roleDocument() throws(JSONFieldError) -> RoleDocument {
    let includes = try optionalStrings("includes") ?? []
    for (index, role) in includes.enumerated() {
      if let problem = Limits.problem(identifier: role) {
        throw JSONFieldError(pointer: JSONPointer.child(index, of: pointer(to: "includes")), problem: problem)
      }
    }
    guard includes.count <= Limits.includesPerRole else {
      throw error("includes", "must have at most \(Limits.includesPerRole) members")
    }
    guard let items = try optionalArray("permissions") else { return RoleDocument(permissions: nil, includes: includes) }
    guard items.count <= Limits.permissionsPerRole else {
      throw error("permissions", "must have at most \(Limits.permissionsPerRole) members")
    }
    var permissions: [Permission] = []
    for (index, item) in items.enumerated() {
      var reader = try FieldReader(item, at: JSONPointer.child(index, of: pointer(to: "permissions")))
      permissions.append(try reader.permission())
      try reader.finish()
    }
    return RoleDocument(permissions: permissions, includes: includes)
  }

  mutating func permission() throws(JSONFieldError) -> Permission {
    let effect = try optionalString("effect") ?? PermissionEffect.allow.rawValue
    guard let effect = PermissionEffect(rawValue: effect) else { throw error("effect", "must be allow or deny") }
    let actions = try patterns("actions") ?? []
    guard !actions.isEmpty else { throw error("actions", "must name at least one pattern of actions") }
    let resources = try patterns("resources") ?? ["*"]
    guard !resources.isEmpty else { throw error("resources", "must name at least one pattern, or be left out for *") }
    return Permission(effect: effect, actions: actions, resources: resources, condition: try condition())
  }

  mutating func patterns(_ name: String) throws(JSONFieldError) -> [String]? {
    guard let patterns = try optionalStrings(name, maximumBytes: Limits.pathBytes) else { return nil }
    guard patterns.count <= Limits.patternsPerPermission else {
      throw error(name, "must have at most \(Limits.patternsPerPermission) members")
    }
    for (index, pattern) in patterns.enumerated() {
      if let problem = Limits.problem(pattern: pattern) {
        throw JSONFieldError(pointer: JSONPointer.child(index, of: pointer(to: name)), problem: problem)
      }
    }
    return patterns
  }

  /// The member `condition`: an object, carried as it is; an empty one is no condition.
  mutating func condition() throws(JSONFieldError) -> JSONValue? {
    guard let value = optionalValue("condition") else { return nil }
    guard let object = value.objectValue else { throw error("condition", "must be an object") }
    guard value.canonicalBytes().count <= Limits.conditionBytes else {
      throw error("condition", "must be at most \(Limits.conditionBytes) bytes")
    }
    // Not by a ternary: `nil` beside a JSON value is its null.
    if object.isEmpty { return nil }
    return value
  }

  mutating func grant() throws(JSONFieldError) -> Grant {
    Grant(
      principal: try principal("principal"), role: try id("role"), scope: try path("scope"), condition: try condition(),
      expiresAt: try optionalInstant("expires_at"))
  }
}
