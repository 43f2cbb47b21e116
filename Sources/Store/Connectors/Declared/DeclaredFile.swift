import Governance
import JSON

/// The sections of one file, added to a desired state.
struct DeclaredFile {
  private let source: String
  private var desired: DesiredState

  private static let sections: Set<String> = [
    "identities", "groups", "roles", "policies", "resources", "assignments", "coverage",
  ]

  /// - Throws: `JSONFieldError` with a pointer into the document.
  static func add(_ document: JSONValue, of source: String, to desired: inout DesiredState) throws(JSONFieldError) {
    var file = DeclaredFile(source: source, desired: desired)
    guard let sections = document.objectValue else {
      throw JSONFieldError(pointer: "", problem: "must be a mapping of sections, such as identities and groups")
    }
    for section in sections {
      let at = JSONPointer.child(section.name, of: "")
      guard Self.sections.contains(section.name) else { throw JSONFieldError(pointer: at, problem: "is not a known section") }
      if section.value.isNull { continue }
      if let object = section.value.objectValue, section.name != "assignments", section.name != "coverage" {
        for member in object { try file.read(member, of: section.name, at: JSONPointer.child(member.name, of: at)) }
      } else if let items = section.value.arrayValue, section.name == "assignments" || section.name == "coverage" {
        for (place, item) in items.enumerated() {
          let at = JSONPointer.child(place, of: at)
          if section.name == "assignments" { try file.assignment(item, at: at) } else { try file.coverage(item, at: at) }
        }
      } else {
        let isList = section.name == "assignments" || section.name == "coverage"
        throw JSONFieldError(pointer: at, problem: isList ? "must be a list" : "must be a mapping from id to description")
      }
    }
    desired = file.desired
  }

  private mutating func read(_ member: JSONObject.Member, of section: String, at pointer: String) throws(JSONFieldError) {
    var body = JSONObject()
    if !member.value.isNull {
      guard let object = member.value.objectValue else {
        throw JSONFieldError(pointer: pointer, problem: "must be a mapping")
      }
      body = object
    }
    let key = section == "resources" ? "path" : "id"
    // The name above it is the id: a second one inside could only contradict it.
    if body[key] != nil { throw JSONFieldError(pointer: JSONPointer.child(key, of: pointer), problem: "is not a known field") }
    body[key] = .string(member.name)
    switch section {
    case "identities": try identity(body, member.name, at: pointer)
    case "groups": try group(body, member.name, at: pointer)
    case "roles":
      if body["permissions"]?.isNull ?? true {
        let at = JSONPointer.child("permissions", of: pointer)
        throw JSONFieldError(pointer: at, problem: "must be given, if only as an empty list")
      }
      try define("role.defined", body, at: pointer)
    case "policies": try define("policy.defined", body, at: pointer)
    default: try define("resource.described", body, at: pointer)
    }
  }

  private mutating func define(_ type: String, _ body: JSONObject, at pointer: String) throws(JSONFieldError) {
    var reader = FieldReader(object: body, at: pointer)
    let change = try Change(type: type, reading: &reader)
    try reader.finish()
    try insert(change, at: pointer)
  }

  private mutating func insert(_ change: Change, at pointer: String) throws(JSONFieldError) {
    guard desired.insert(change) != nil else { return }
    throw JSONFieldError(pointer: pointer, problem: "is declared twice")
  }

  private mutating func identity(_ body: JSONObject, _ id: String, at pointer: String) throws(JSONFieldError) {
    var reader = FieldReader(object: body, at: pointer)
    let person = try reader.optionalID("person")
    let change = try Change(type: "identity.registered", reading: &reader)
    try reader.finish()
    try insert(change, at: pointer)
    if let person { try insert(.identityLinked(account: id, person: person), at: reader.pointer(to: "person")) }
  }

  private mutating func group(_ body: JSONObject, _ id: String, at pointer: String) throws(JSONFieldError) {
    var reader = FieldReader(object: body, at: pointer)
    let members = try reader.optionalArray("members") ?? []
    let change = try Change(type: "group.created", reading: &reader)
    try reader.finish()
    try insert(change, at: pointer)
    for (place, member) in members.enumerated() {
      let at = JSONPointer.child(place, of: reader.pointer(to: "members"))
      // A member is a text, or a mapping where it has an end.
      var body = member.objectValue ?? ["member": member]
      if body["group"] != nil {
        throw JSONFieldError(pointer: JSONPointer.child("group", of: at), problem: "is not a known field")
      }
      body["group"] = .string(id)
      var fields = FieldReader(object: body, at: at)
      let change = try Change(type: "membership.added", reading: &fields)
      try fields.finish()
      try insert(change, at: at)
    }
  }

  private mutating func assignment(_ item: JSONValue, at pointer: String) throws(JSONFieldError) {
    guard var body = item.objectValue else { throw JSONFieldError(pointer: pointer, problem: "must be a mapping") }
    let isNamed = body["id"].map { !$0.isNull } ?? false
    if !isNamed { body["id"] = "unnamed" }
    var reader = FieldReader(object: body, at: pointer)
    let change = try Change(type: "assignment.granted", reading: &reader)
    try reader.finish()
    guard case .assignmentGranted(_, let grant) = change else { return }
    if isNamed { return try insert(change, at: pointer) }
    if desired.grants.contains(grant) {
      throw JSONFieldError(pointer: pointer, problem: "stands twice; give each an id if there shall be two")
    }
    desired.insert(grant)
  }

  private mutating func coverage(_ item: JSONValue, at pointer: String) throws(JSONFieldError) {
    var body = item.objectValue ?? ["resource": item]
    if body["source"] != nil {
      throw JSONFieldError(pointer: JSONPointer.child("source", of: pointer), problem: "is not a known field")
    }
    body["source"] = .string(source)
    try define("coverage.began", body, at: pointer)
  }
}
