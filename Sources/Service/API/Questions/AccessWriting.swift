import AccessGraph
import Governance
public import JSON
import Temporal

extension WhoReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("identities", holders.count), ("eligible", eligible.count), ("becoming", becoming.ways.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    subject.write(to: &writer)
    writer.write(view, position, coverage)
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return eligible[index].write(to: &writer) }
    if list == 2 { return becoming.ways[index].write(to: &writer) }
    let holder = holders[index]
    writer.beginObject()
    writer.member("identity", holder.identity)
    writer.member("status", holder.status.rawValue)
    writer.member("without_entitlement", holder.isWithoutEntitlement)
    if holder.isExternal { writer.member("external", true) }
    writer.endObject()
  }
}

extension WhoDuringReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] { [("identities", holders.count), ("becoming", becoming.ways.count)] }

  func writeHead(to writer: inout JSONWriter) {
    subject.write(to: &writer)
    writer.write(during, asKnownAt, position, coverage)
    writer.writeNotAnswered()
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return becoming.ways[index].write(to: &writer) }
    let holder = holders[index]
    writer.beginObject()
    writer.member("identity", holder.identity)
    writer.member("allowed", holder.allowed)
    writer.member("conditional", holder.conditional)
    writer.member("unknown", holder.unknown)
    if holder.isExternal { writer.member("external", true) }
    writer.endObject()
  }
}

extension WhatReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("rights", rights.count), ("eligible", eligible.count), ("becoming", becoming.ways.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "what")
    writer.member("identity", identity)
    writer.member("identity_known", isKnown)
    writer.write(view, position, coverage)
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return eligible[index].write(to: &writer) }
    if list == 2 { return becoming.ways[index].write(to: &writer) }
    writer.beginObject()
    rights[index].right.write(to: &writer)
    rights[index].remainder.write(to: &writer)
    writer.member("without_entitlement", rights[index].isWithoutEntitlement)
    writer.endObject()
  }
}

extension WhatDuringReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] { [("rights", rights.count), ("becoming", becoming.ways.count)] }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "what")
    writer.member("identity", identity)
    writer.member("identity_known", isKnown)
    writer.write(during, asKnownAt, position, coverage)
    writer.writeNotAnswered()
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return becoming.ways[index].write(to: &writer) }
    writer.beginObject()
    rights[index].right.write(to: &writer)
    writer.member("status", rights[index].status.rawValue)
    writer.member("held", rights[index].held)
    writer.member("conditional", rights[index].conditional)
    writer.member("denied", rights[index].denied)
    writer.endObject()
  }
}

extension DiffReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("gained", difference.gained.count), ("lost", difference.lost.count), ("changed", difference.changed.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "diff")
    writer.member("resource", resource)
    writer.member("identity", identity)
    for (name, view, coverage) in [("from", first, firstCoverage), ("to", second, coverage)] {
      writer.key(name)
      writer.beginObject()
      writer.member("at", view.at)
      writer.member("as_known_at", view.asKnownAt)
      writer.write(coverage)
      writer.endObject()
    }
    writer.member("position", position)
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    guard list == 2 else { return (list == 0 ? difference.gained : difference.lost)[index].write(to: &writer) }
    writer.beginObject()
    difference.changed[index].now.writeMembers(to: &writer)
    writer.key("before")
    writer.beginObject()
    difference.changed[index].before.write(to: &writer)
    writer.endObject()
    writer.endObject()
  }
}

extension WhoSubject {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("question", "who")
    switch self {
    case .access(let action, let resource):
      writer.member("action", action)
      writer.member("resource", resource)
    case .role(let role): writer.member("role", role)
    case .group(let group): writer.member("group", group)
    case .privileged: writer.member("privileged", true)
    }
  }
}

extension Right {
  /// Writes the members of the right as it was granted.
  func write(to writer: inout JSONWriter) {
    writer.member("action", action)
    if let unknownRole { writer.member("unknown_role", unknownRole) }
    writer.member("resource", resource)
    writer.member("scope", scope)
    writer.member("conditions", conditions)
    if effect == .deny { writer.member("effect", effect.rawValue) }
  }
}

extension Remainder {
  /// Writes the members of what is left.
  func write(to writer: inout JSONWriter) {
    writer.member("status", status.rawValue)
    writer.member("open_conditions", openConditions)
    writer.key("restricted_by")
    writer.beginArray()
    for denial in restrictedBy { writer.write(denial) }
    writer.endArray()
  }
}

extension Entitlement {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeMembers(to: &writer)
    writer.endObject()
  }

  func writeMembers(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    right.write(to: &writer)
    remainder.write(to: &writer)
  }
}
