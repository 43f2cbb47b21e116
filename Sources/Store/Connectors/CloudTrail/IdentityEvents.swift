import Governance
import JSON

/// What IAM's own events change: users, roles, groups, policies, and who has them.
extension TrailReader {
  func identityEvents(_ record: TrailRecord) -> [TrailStep] {
    if record.isReadOnly { return [] }
    switch record.name {
    case "CreateUser", "DeleteUser", "UpdateUser", "CreateGroup", "DeleteGroup", "UpdateGroup", "AddUserToGroup",
      "RemoveUserFromGroup":
      return userEvents(record)
    case "CreateRole", "CreateServiceLinkedRole", "DeleteRole", "DeleteServiceLinkedRole", "UpdateAssumeRolePolicy":
      return roleEvents(record)
    case "CreatePolicy", "CreatePolicyVersion", "SetDefaultPolicyVersion", "DeletePolicy": return policyEvents(record)
    case "CreateInstanceProfile", "DeleteInstanceProfile", "AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile":
      return profileEvents(record)
    case "CreateSAMLProvider", "CreateOpenIDConnectProvider":
      guard let arn = record.answered("sAMLProviderArn") ?? record.answered("openIDConnectProviderArn") else {
        return remark(record, "names no provider")
      }
      return [.begins(.identity(TrailWords.fitted(arn)), .external, [:])]
    case "DeleteSAMLProvider", "DeleteOpenIDConnectProvider":
      guard let arn = record.asked("sAMLProviderArn") ?? record.asked("openIDConnectProviderArn") else {
        return remark(record, "names no provider")
      }
      return [.ends(.identity(TrailWords.fitted(arn)))]
    default: break
    }
    if let steps = grantEvents(record) ?? credentialEvents(record) { return steps }
    if Self.withoutEffect.contains(record.name) || record.name.hasPrefix("Tag") || record.name.hasPrefix("Untag") { return [] }
    return remark(record, "is not known")
  }

  /// Writes of IAM that change nobody's access: descriptions, second factors, reports.
  private static let withoutEffect: Set<String> = [
    "UpdateRole", "UpdateRoleDescription", "DeletePolicyVersion", "ChangePassword", "UpdateLoginProfile",
    "CreateVirtualMFADevice",
    "DeleteVirtualMFADevice", "EnableMFADevice", "DeactivateMFADevice", "ResyncMFADevice", "CreateAccountAlias",
    "DeleteAccountAlias", "UpdateAccountPasswordPolicy", "DeleteAccountPasswordPolicy", "GenerateCredentialReport",
    "GenerateServiceLastAccessedDetails", "GenerateOrganizationsAccessReport", "SetSecurityTokenServicePreferences",
    "UploadServerCertificate", "UpdateServerCertificate", "DeleteServerCertificate", "UpdateSAMLProvider",
    "UpdateOpenIDConnectProviderThumbprint", "AddClientIDToOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider", "GetServiceLastAccessedDetails", "SimulatePrincipalPolicy",
    "SimulateCustomPolicy",
  ]

  // MARK: Users and groups

  private func userEvents(_ record: TrailRecord) -> [TrailStep] {
    let isUser = !record.name.hasSuffix("Group")
    let kind: TrailNames.Kind = isUser ? .user : .group
    let word = isUser ? "user" : "group"
    switch record.name {
    case "AddUserToGroup", "RemoveUserFromGroup":
      guard let user = record.asked("userName"), let group = record.asked("groupName") else {
        return remark(record, "names no user or no group")
      }
      let member = names.arn(.user, user, in: record.account)
      let place = names.arn(.group, group, in: record.account)
      let joins = record.name.hasPrefix("Add")
      return [joins ? .joins(group: place, member: member) : .leaves(group: place, member: member)]
    default: break
    }
    guard let name = record.asked("\(word)Name") else { return remark(record, "names no \(word)") }
    let id = names.arn(kind, name, in: record.account)
    let entity: Entity = isUser ? .identity(id) : .group(id)
    if record.name.hasPrefix("Delete") { return [.ends(entity)] }
    if record.name.hasPrefix("Update") {
      if record.asked("newUserName") ?? record.asked("newGroupName") ?? record.asked("newPath") == nil { return [] }
      // The path stays where none is asked for: what stands in the ARN between the kind and the name.
      let place = AmazonName(id)?.resource.dropFirst(word.count).dropLast(AmazonName(id)?.name.count ?? 0)
      let path = record.asked("newPath") ?? place.map(String.init) ?? "/"
      let new = record.asked("newUserName") ?? record.asked("newGroupName") ?? name
      let arn = TrailWords.fitted("arn:\(names.partition(record.account)):iam::\(record.account):\(word)\(path)\(new)")
      return [.renames(entity, to: isUser ? .identity(arn) : .group(arn), .account)]
    }
    let created = begins(record, word, at: record.asked("path"), name)
    let steps: [TrailStep] = [.begins(isUser ? .identity(created.id) : .group(created.id), .account, created.attributes)]
    return steps + bound(record, created.id)
  }

  /// The ARN of what was created, as the answer says it or else from its path, and its attributes.
  private func begins(
    _ record: TrailRecord, _ word: String, at path: String?, _ name: String
  ) -> (id: String, attributes: [String: AttributeValue]) {
    let made = "arn:\(names.partition(record.account)):iam::\(record.account):\(word)\(path ?? "/")\(name)"
    var attributes: [String: AttributeValue] = ["account": .open(.string(record.account))]
    if let id = record.answered(word, "\(word)Id") { attributes["aws_id"] = .open(.string(TrailWords.fitted(id))) }
    return (TrailWords.fitted(record.answered(word, "arn") ?? made), attributes)
  }

  /// The boundary that a user or role is created with.
  private func bound(_ record: TrailRecord, _ identity: String) -> [TrailStep] {
    guard let policy = record.asked("permissionsBoundary") else { return [] }
    return [.bounds(identity: identity, policy: TrailWords.fitted(policy))]
  }

  // MARK: Roles

  private func roleEvents(_ record: TrailRecord) -> [TrailStep] {
    let asked = record.asked("roleName") ?? record.answered("role", "roleName")
    guard let name = asked else { return remark(record, "names no role") }
    switch record.name {
    case "CreateRole", "CreateServiceLinkedRole":
      let created = begins(record, "role", at: record.asked("path"), name)
      let document = record.request["assumeRolePolicyDocument"] ?? record.response["role"]?["assumeRolePolicyDocument"]
      return [.begins(.identity(created.id), .assumableRole, created.attributes), trust(created.id, document, record.account)]
        + bound(record, created.id)
    case "UpdateAssumeRolePolicy":
      let id = names.arn(.role, name, in: record.account)
      return [trust(id, record.request["policyDocument"], record.account)]
    default:
      let id = names.arn(.role, name, in: record.account)
      return [.clears(TrailWords.id(id, "trust"), withAllBelow: false), .ends(.identity(id))]
    }
  }

  // MARK: Managed policies

  private func policyEvents(_ record: TrailRecord) -> [TrailStep] {
    let made = record.asked("policyName").map {
      "arn:\(names.partition(record.account)):iam::\(record.account):policy\(record.asked("path") ?? "/")\($0)"
    }
    guard let arn = (record.answered("policy", "arn") ?? record.asked("policyArn") ?? made).map(TrailWords.fitted) else {
      return remark(record, "names no policy")
    }
    switch record.name {
    case "DeletePolicy": return [.retires(policy: arn)]
    case "SetDefaultPolicyVersion":
      guard let version = record.asked("versionId") else { return remark(record, "names no version") }
      return [.defaults(policy: arn, version: TrailWords.fitted(version))]
    default: break
    }
    let document = document(record.request["policyDocument"], in: record.account).1
    let said = record.answered("policyVersion", "versionId") ?? record.answered("policy", "defaultVersionId")
    let isNew = record.name == "CreatePolicy"
    // Without an answer the version's number is not known, and its id is the record's.
    let version = TrailWords.fitted(said ?? (isNew ? "v1" : record.id))
    let isDefault = isNew || record.request["setAsDefault"]?.boolValue == true
    return [.defines(policy: arn, version: version, isDefault: isDefault, document)]
  }

  // MARK: Instance profiles

  private func profileEvents(_ record: TrailRecord) -> [TrailStep] {
    guard let name = record.asked("instanceProfileName") else { return remark(record, "names no instance profile") }
    let arn = names.arn(.instanceProfile, name, in: record.account)
    switch record.name {
    case "CreateInstanceProfile":
      let created = TrailWords.fitted(record.answered("instanceProfile", "arn") ?? arn)
      return [.begins(.identity(created), .workload, ["account": .open(.string(record.account))])]
    case "DeleteInstanceProfile": return [.ends(.identity(arn))]
    default:
      guard let role = record.asked("roleName") else { return remark(record, "names no role") }
      let pair = profilePair(arn, names.arn(.role, role, in: record.account))
      return [record.name.hasPrefix("Add") ? .attaches(pair) : .detaches(pair)]
    }
  }

  /// What an instance profile gives: the machines that run with it become the role.
  func profilePair(_ profile: String, _ role: String) -> TrailPair {
    TrailPair(
      principal: .identity(profile), role: TrailWords.id(role, "instance-profile"), permissions: [Self.assuming],
      scope: TrailReader.scope(becoming: role))
  }
}
