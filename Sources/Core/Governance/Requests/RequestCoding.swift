public import JSON
import Temporal

/// An access request in JSON: the terms as a command gives them, beside them the progress, which only events have.
extension AccessRequest {
  /// Reads the members of a request; nil where the command names a request without saying it anew.
  init?(_ step: RequestStep, reading data: inout FieldReader) throws(JSONFieldError) {
    let isSaid = step == .submitted || step == .revised
    var progress: RequestProgress?
    if var part = try data.optionalObject("progress") {
      progress = try RequestProgress(reading: &part)
      try part.finish()
    }
    if !isSaid, progress == nil { return nil }
    self.init(step: step, terms: try RequestTerms(reading: &data), progress: progress)
  }

  /// Adds the members of a request.
  func write(to data: inout JSONObject) {
    data["requester"] = .string(terms.requester)
    data["proposal"] = terms.proposal.json
    data["policy"] = .string(terms.policy)
    if let seconds = terms.durationSeconds { data["duration_seconds"] = .integer(seconds) }
    data["start"] = .string(terms.start.text)
    if !terms.context.isEmpty { data["context"] = .object(terms.context) }
    if let progress { data["progress"] = progress.json }
  }

  /// The request as one object, without the step; from which it can be read again.
  public var json: JSONValue {
    var object = JSONObject()
    write(to: &object)
    return .object(object)
  }

  /// Reads what ``json`` gives.
  ///
  /// - Throws: `JSONFieldError` with a pointer; also where it is only proposed.
  public init(_ value: JSONValue, step: RequestStep) throws(JSONFieldError) {
    var reader = try FieldReader(value)
    guard let request = try AccessRequest(step, reading: &reader), request.progress != nil else {
      throw reader.error("progress", "is missing")
    }
    try reader.finish()
    self = request
  }
}

extension RequestTerms {
  init(reading data: inout FieldReader) throws(JSONFieldError) {
    self.init(requester: try data.id("requester"), proposal: try data.proposal(), policy: try data.id("policy"))
    durationSeconds = try data.optionalInteger("duration_seconds")
    if let text = try data.optionalString("start", maximumBytes: Limits.instantBytes) {
      guard let start = RequestStart(text) else {
        throw data.error("start", "must be approval, claim or an RFC 3339 instant")
      }
      self.start = start
    }
    if let value = data.optionalValue("context") {
      guard let object = value.objectValue else { throw data.error("context", "must be an object") }
      guard value.canonicalBytes().count <= Limits.contextBytes else {
        throw data.error("context", "must be at most \(Limits.contextBytes) bytes")
      }
      context = object
    }
  }
}

extension RequestStart {
  /// Reads `approval`, `claim` or an instant.
  public init?(_ text: String) {
    switch text {
    case "approval": self = .onApproval
    case "claim": self = .onClaim
    default:
      guard let instant = try? Instant(rfc3339: text) else { return nil }
      self = .at(instant)
    }
  }

  /// `approval`, `claim` or the instant.
  public var text: String {
    switch self {
    case .onApproval: "approval"
    case .onClaim: "claim"
    case .at(let instant): instant.description
    }
  }
}

extension RequestProposal {
  /// The proposal as the command that it asks for: its `type` and members, without those that follow from the request.
  public var json: JSONValue {
    var object = JSONObject()
    object["type"] = .string(verb)
    switch self {
    case .assignment(let principal, let role, let scope, let condition):
      object["principal"] = .string(principal.description)
      object["role"] = .string(role)
      object["scope"] = .string(scope)
      if let condition { object["condition"] = condition }
    case .membership(let group, let member):
      object["group"] = .string(group)
      object["member"] = .string(member.description)
    case .assignmentExtension(let assignment): object["id"] = .string(assignment)
    case .role(let id, let document):
      object["id"] = .string(id)
      object["permissions"] = .array((document.permissions ?? []).map(\.json))
      object["includes"] = .array(document.includes.map { .string($0) })
    case .policy(let id, let policy):
      object["id"] = .string(id)
      object["policy_type"] = .string(policy.type.rawValue)
      object["rule"] = policy.rule
    }
    return .object(object)
  }

  /// The command that is asked for.
  public var verb: String {
    switch self {
    case .assignment: "assignment.grant"
    case .membership: "membership.add"
    case .assignmentExtension: "assignment.extend"
    case .role: "role.revise"
    case .policy: "policy.revise"
    }
  }

  /// Every command that can be asked for.
  public static let verbs = ["assignment.grant", "membership.add", "assignment.extend", "role.revise", "policy.revise"]
}

extension FieldReader {
  fileprivate mutating func proposal() throws(JSONFieldError) -> RequestProposal {
    var reader = try object("proposal")
    let verb = try reader.string("type", maximumBytes: Limits.identifierBytes)
    let proposal: RequestProposal
    switch verb {
    case "assignment.grant":
      proposal = .assignment(
        principal: try reader.principal("principal"), role: try reader.id("role"), scope: try reader.path("scope"),
        condition: try reader.condition())
    case "membership.add": proposal = .membership(group: try reader.id("group"), member: try reader.principal("member"))
    case "assignment.extend": proposal = .assignmentExtension(assignment: try reader.id("id"))
    case "role.revise":
      let (id, document) = (try reader.id("id"), try reader.roleDocument())
      if document.permissions == nil { throw reader.error("permissions", "must be given, if only as an empty list") }
      proposal = .role(id: id, document)
    case "policy.revise":
      let policy = PolicyDocument(
        type: try reader.choice("policy_type", of: PolicyType.self), rule: try reader.value("rule"))
      proposal = .policy(id: try reader.id("id"), policy)
    default: throw reader.error("type", "must be one of \(RequestProposal.verbs.joined(separator: ", "))")
    }
    try reader.finish()
    return proposal
  }
}

extension RequestProgress {
  init(reading part: inout FieldReader) throws(JSONFieldError) {
    state = try part.choice("state", of: RequestState.self)
    submittedAt = try part.instant("submitted_at")
    expiresAt = try part.optionalInstant("expires_at")
    begunAt = try part.optionalInstant("begun_at")
    policyPosition = try part.integer("policy_position")
    isBreakGlass = try part.optionalBool("break_glass") ?? false
    approvals = []
    for (index, item) in try part.array("approvals", maximumCount: Limits.approvalsPerRequest).enumerated() {
      var reader = try FieldReader(item, at: JSONPointer.child(index, of: part.pointer(to: "approvals")))
      approvals.append(RequestApproval(approver: try reader.id("approver"), at: try reader.instant("at")))
      try reader.finish()
    }
    let said = try Authority(reading: &part)
    (reason, ticket) = (said.reason, said.ticket)
    if var reader = try part.optionalObject("failure") {
      failure = RequestFailure(
        code: try reader.id("code"), message: try reader.string("message", maximumBytes: Limits.reasonBytes))
      try reader.finish()
    }
  }

  /// The progress as it stands in an event and in answers.
  public var json: JSONValue {
    var object = JSONObject()
    object["state"] = .string(state.rawValue)
    object.put("submitted_at", submittedAt)
    object.put("expires_at", expiresAt)
    object.put("begun_at", begunAt)
    object["policy_position"] = .integer(policyPosition)
    if isBreakGlass { object["break_glass"] = true }
    object["approvals"] = .array(
      approvals.map { ["approver": .string($0.approver), "at": .string($0.at.description)] })
    Authority(reason: reason, ticket: ticket).write(to: &object)
    if let failure { object["failure"] = ["code": .string(failure.code), "message": .string(failure.message)] }
    return .object(object)
  }
}
