import Governance
import JSON
import Temporal
import TestSupport

@testable import Connectors

/// A random history of an account: the records that it leaves, and what truly held after each second.
struct RandomTrail {
  static let account = "111122223333"
  static let outside = ["444455556666", "777788889999"]

  private(set) var records: [(second: Int, record: JSONValue)] = []
  /// What held after each second in which something happened.
  private(set) var truth: [Int: Set<String>] = [:]

  private var random: SeededGenerator
  private var second = 0
  private var touched: Set<String> = []
  private var count = 0

  private var users: Set<String> = []
  private var policies: [String: (versions: [String: String], current: String, next: Int)] = [:]
  private var attached: Set<[String]> = []
  private var inline: [[String]: String] = [:]
  private var groups: Set<String> = []
  private var members: Set<[String]> = []
  private var keys: [String: String] = [:]
  private var roles: [String: Set<String>] = [:]
  private var buckets: [String: Set<String>] = [:]
  private var shared: Set<[String]> = []
  private var bounds: [String: String] = [:]

  static let start = Instant(microseconds: 1_700_000_000_000_000)
  static func instant(_ second: Int) -> Instant { start.adding(microseconds: Int64(second) * 1_000_000) }

  /// - Parameter renames: whether users get other names.
  init(seed: UInt64, steps: Int, renames: Bool = true) {
    random = SeededGenerator(seed: seed)
    while records.count < steps {
      if random.chance(1, in: 2) { advance() }
      if renames, random.chance(1, in: 8) { rename() } else { step() }
    }
    advance()
  }

  private mutating func advance() {
    truth[second] = holdings
    second += 1 + random.below(3)
    touched = []
  }

  /// Whether a thing was not yet touched in this second: what happens to it twice has no order.
  private mutating func touch(_ thing: String) -> Bool { touched.insert(thing).inserted }

  private mutating func emit(_ action: String, _ request: JSONValue, _ response: JSONValue = nil) {
    count += 1
    // Ids in no order: within a second nothing tells which was first.
    let id = "\(random.below(1_000_000))-\(count)"
    records.append((second, record(action, at: "\(Self.instant(second))", id: id, request: request, response: response)))
  }

  static func user(_ name: String) -> String { "arn:aws:iam::\(account):user/\(name)" }
  static func group(_ name: String) -> String { "arn:aws:iam::\(account):group/\(name)" }
  static func role(_ name: String) -> String { "arn:aws:iam::\(account):role/\(name)" }
  static func policy(_ name: String) -> String { "arn:aws:iam::\(account):policy/\(name)" }

  static func document(_ action: String) -> String {
    #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:\#(action)","Resource":"*"}]}"#
  }

  private static func permissions(_ action: String) -> String {
    "\([Permission(actions: ["s3:\(action)"], resources: ["aws/\(account)/*"])])"
  }

  private static func trust(_ accounts: Set<String>) -> JSONValue {
    .object([
      "Statement": .array(
        accounts.sorted().map {
          ["Effect": "Allow", "Action": "sts:AssumeRole", "Principal": ["AWS": .string("arn:aws:iam::\($0):root")]]
        })
    ])
  }

  private static func bucketPolicy(_ bucket: String, _ accounts: Set<String>) -> JSONValue {
    .object([
      "Statement": .array(
        accounts.sorted().map {
          [
            "Effect": "Allow", "Action": "s3:GetObject",
            "Principal": ["AWS": .string($0.hasPrefix("u") ? user($0) : $0)],
            "Resource": .string("arn:aws:s3:::\(bucket)/*"),
          ]
        })
    ])
  }

  private mutating func step() {
    let user = random.chance(1, in: 3) ? random.pick(Self.userNames) : "u\(random.below(3))"
    let group = "g\(random.below(2))"
    let policy = "p\(random.below(3))"
    let role = "r\(random.below(2))"
    let bucket = "b\(random.below(2))"
    let action = "A\(random.below(6))x"
    var accounts = Set(random.some(Self.outside, chance: 1, in: 2))
    if random.chance(1, in: 4) { accounts.insert(Self.account) }
    switch random.below(14) {
    case 0: turnUser(user)
    case 1: turnGroup(group)
    case 2: turnMember(user, of: group)
    case 3: turnPolicy(policy, action)
    case 4: changeVersion(of: policy, action)
    case 5, 6: turnAttachment(user, policy)
    case 7: turnInline(user, "own\(random.below(2))", action)
    case 8: turnKey(of: user)
    case 9: turnRole(role, accounts)
    case 10: turnBucket(bucket, accounts.union(Set(random.some(users.sorted(), chance: 1, in: 3))))
    case 11, 12: turnBoundary(user, policy)
    default: turnShare("snap-\(random.below(2))", random.pick(Self.outside))
    }
  }

  private static let userNames = ["u0", "u1", "u2", "u3", "u4"]

  /// Everything goes on under another name; alone in its second, for what happened before it in the same one nothing tells.
  private mutating func rename() {
    guard let old = users.sorted().randomElement(using: &random),
      let new = Self.userNames.filter({ !users.contains($0) }).randomElement(using: &random)
    else { return }
    advance()
    emit("iam:UpdateUser", ["userName": .string(old), "newUserName": .string(new)])
    func named(_ name: String) -> String { name == old ? new : name }
    users = Set(users.map(named))
    attached = Set(attached.map { [named($0[0]), $0[1]] })
    inline = Dictionary(uniqueKeysWithValues: inline.map { ([named($0.key[0]), $0.key[1]], $0.value) })
    members = Set(members.map { [$0[0], named($0[1])] })
    keys = keys.mapValues(named)
    bounds = Dictionary(uniqueKeysWithValues: bounds.map { (named($0.key), $0.value) })
    buckets = buckets.mapValues { Set($0.map(named)) }
    advance()
  }

  private mutating func turnBoundary(_ user: String, _ policy: String) {
    guard users.contains(user), policies[policy] != nil, touch("boundary \(user)"), touch("user \(user)") else { return }
    if bounds[user] != nil, random.chance(1, in: 2) {
      bounds[user] = nil
      return emit("iam:DeleteUserPermissionsBoundary", ["userName": .string(user)])
    }
    bounds[user] = policy
    emit(
      "iam:PutUserPermissionsBoundary",
      ["userName": .string(user), "permissionsBoundary": .string(Self.policy(policy))])
  }

  private mutating func turnUser(_ name: String) {
    let isFree = !attached.contains { $0[0] == name } && !inline.keys.contains { $0[0] == name }
    let isNamed = buckets.values.contains { $0.contains(name) }
    let isAlone = !members.contains { $0[1] == name } && !keys.values.contains(name) && !isNamed
    guard !users.contains(name) || (isFree && isAlone), touch("user \(name)") else { return }
    bounds[name] = nil
    if users.remove(name) != nil { return emit("iam:DeleteUser", ["userName": .string(name)]) }
    users.insert(name)
    emit("iam:CreateUser", ["userName": .string(name)], ["user": ["arn": .string(Self.user(name))]])
  }

  private mutating func turnGroup(_ name: String) {
    guard !members.contains(where: { $0[0] == name }), touch("group \(name)") else { return }
    if groups.remove(name) != nil { return emit("iam:DeleteGroup", ["groupName": .string(name)]) }
    groups.insert(name)
    emit("iam:CreateGroup", ["groupName": .string(name)], ["group": ["arn": .string(Self.group(name))]])
  }

  private mutating func turnMember(_ user: String, of group: String) {
    guard users.contains(user), groups.contains(group), touch("member \(group) \(user)") else { return }
    let request: JSONValue = ["groupName": .string(group), "userName": .string(user)]
    if members.remove([group, user]) != nil { return emit("iam:RemoveUserFromGroup", request) }
    members.insert([group, user])
    emit("iam:AddUserToGroup", request)
  }

  private mutating func turnPolicy(_ name: String, _ action: String) {
    guard !attached.contains(where: { $0[1] == name }), !bounds.values.contains(name), touch("policy \(name)"),
      touch("version \(name)")
    else { return }
    if policies.removeValue(forKey: name) != nil {
      return emit("iam:DeletePolicy", ["policyArn": .string(Self.policy(name))])
    }
    policies[name] = (["v1": action], "v1", 2)
    emit(
      "iam:CreatePolicy", ["policyName": .string(name), "policyDocument": .string(Self.document(action))],
      ["policy": ["arn": .string(Self.policy(name)), "defaultVersionId": "v1"]])
  }

  private mutating func changeVersion(of name: String, _ action: String) {
    guard var policy = policies[name], touch("version \(name)") else { return }
    if random.chance(1, in: 3), let version = policy.versions.keys.sorted().randomElement(using: &random) {
      policy.current = version
      policies[name] = policy
      return emit(
        "iam:SetDefaultPolicyVersion", ["policyArn": .string(Self.policy(name)), "versionId": .string(version)])
    }
    let version = "v\(policy.next)"
    let isDefault = random.chance(1, in: 2)
    policy.versions[version] = action
    policy.next += 1
    if isDefault { policy.current = version }
    policies[name] = policy
    emit(
      "iam:CreatePolicyVersion",
      [
        "policyArn": .string(Self.policy(name)), "policyDocument": .string(Self.document(action)),
        "setAsDefault": .bool(isDefault),
      ], ["policyVersion": ["versionId": .string(version)]])
  }

  private mutating func turnAttachment(_ user: String, _ policy: String) {
    guard users.contains(user), policies[policy] != nil, touch("attached \(user) \(policy)") else { return }
    let request: JSONValue = ["userName": .string(user), "policyArn": .string(Self.policy(policy))]
    if attached.remove([user, policy]) != nil { return emit("iam:DetachUserPolicy", request) }
    attached.insert([user, policy])
    emit("iam:AttachUserPolicy", request)
  }

  private mutating func turnInline(_ user: String, _ name: String, _ action: String) {
    guard users.contains(user), touch("inline \(user) \(name)") else { return }
    let request: JSONValue = ["userName": .string(user), "policyName": .string(name)]
    if inline[[user, name]] != nil, random.chance(1, in: 2) {
      inline[[user, name]] = nil
      return emit("iam:DeleteUserPolicy", request)
    }
    inline[[user, name]] = action
    var object = request.objectValue ?? JSONObject()
    object["policyDocument"] = .string(Self.document(action))
    emit("iam:PutUserPolicy", .object(object))
  }

  private mutating func turnKey(of user: String) {
    if let key = keys.filter({ $0.value == user }).keys.sorted().first, random.chance(2, in: 3) {
      guard touch("key \(key)") else { return }
      keys[key] = nil
      return emit("iam:DeleteAccessKey", ["userName": .string(user), "accessKeyId": .string(key)])
    }
    guard users.contains(user) else { return }
    let key = "AKIA\(count)"
    guard touch("key \(key)") else { return }
    keys[key] = user
    emit(
      "iam:CreateAccessKey", ["userName": .string(user)],
      ["accessKey": ["accessKeyId": .string(key), "userName": .string(user)]])
  }

  private mutating func turnRole(_ name: String, _ accounts: Set<String>) {
    guard touch("role \(name)") else { return }
    if roles[name] != nil, random.chance(1, in: 3) {
      roles[name] = nil
      return emit("iam:DeleteRole", ["roleName": .string(name)])
    }
    let isNew = roles.updateValue(accounts, forKey: name) == nil
    let document = String(decoding: Self.trust(accounts).canonicalBytes(), as: UTF8.self)
    if isNew {
      emit(
        "iam:CreateRole", ["roleName": .string(name), "assumeRolePolicyDocument": .string(document)],
        ["role": ["arn": .string(Self.role(name))]])
    } else {
      emit("iam:UpdateAssumeRolePolicy", ["roleName": .string(name), "policyDocument": .string(document)])
    }
  }

  private mutating func turnBucket(_ name: String, _ accounts: Set<String>) {
    guard touch("bucket \(name)") else { return }
    if buckets[name] != nil, random.chance(1, in: 3) {
      buckets[name] = nil
      return emit("s3:DeleteBucketPolicy", ["bucketName": .string(name)])
    }
    buckets[name] = accounts
    emit("s3:PutBucketPolicy", ["bucketName": .string(name), "bucketPolicy": Self.bucketPolicy(name, accounts)])
  }

  private mutating func turnShare(_ snapshot: String, _ account: String) {
    guard touch("share \(snapshot) \(account)") else { return }
    let isOn = shared.remove([snapshot, account]) == nil
    if isOn { shared.insert([snapshot, account]) }
    emit(
      "ec2:ModifySnapshotAttribute",
      [
        "snapshotId": .string(snapshot), "attributeType": "CREATE_VOLUME_PERMISSION",
        "createVolumePermission": .object([isOn ? "add" : "remove": ["items": [["userId": .string(account)]]]]),
      ])
  }

  // MARK: What truly holds

  private var holdings: Set<String> {
    var all = Set(users.map { "user \(Self.user($0))" }).union(groups.map { "group \(Self.group($0))" })
    all.formUnion(members.map { "member \(Self.group($0[0])) \(Self.user($0[1]))" })
    all.formUnion(keys.map { "key \($0.key) \(Self.user($0.value))" })
    for pair in attached {
      guard let policy = policies[pair[1]], let action = policy.versions[policy.current] else { continue }
      all.insert("attached \(Self.user(pair[0])) \(Self.policy(pair[1])) \(Self.permissions(action))")
    }
    for (pair, action) in inline { all.insert("inline \(Self.user(pair[0])) \(pair[1]) \(Self.permissions(action))") }
    for (role, accounts) in roles {
      all.insert("role \(Self.role(role))")
      for account in accounts { all.insert("trust account:\(account) \(Self.role(role))") }
    }
    for (bucket, whom) in buckets {
      for who in whom { all.insert("bucket \(who.hasPrefix("u") ? Self.user(who) : "account:" + who) \(bucket)") }
    }
    for (user, policy) in bounds {
      guard let policy = policies[policy], let action = policy.versions[policy.current] else { continue }
      all.insert("boundary \(Self.user(user)) s3:\(action)")
      // What a bucket gives by name goes through it.
      for (bucket, whom) in buckets where whom.contains(user) { all.insert("through \(Self.user(user)) \(bucket)") }
    }
    for share in shared { all.insert("share account:\(share[1]) \(share[0])") }
    return all
  }

  /// What a world says holds at a moment, in the same words.
  static func holdings(in world: some World, at t: Instant) -> Set<String> {
    var all: Set<String> = []
    for fact in world.facts(from: "cloudtrail:\(account)") {
      guard let value = world.value(of: fact, at: t)?.value else { continue }
      switch (fact, value) {
      case (.existence(let entity), .identity) where entity.id.contains(":user/u"): all.insert("user \(entity.id)")
      case (.existence(let entity), .identity) where entity.id.contains(":role/"): all.insert("role \(entity.id)")
      case (.existence(let entity), .group) where entity.id.hasPrefix("account:"): continue
      case (.existence(let entity), .group): all.insert("group \(entity.id)")
      case (.existence(let entity), .credential(let document)) where entity.id != "AKIAEXAMPLE":
        all.insert("key \(entity.id) \(document.identity)")
      case (.existence(let entity), .policy(let document)): all.formUnion(text(document, of: entity.id))
      case (.membership(let group, _), .member) where group.hasPrefix("account:"): continue
      case (.membership(let group, let member), .member): all.insert("member \(group) \(member.id)")
      case (.assignment, .grant(let grant)): if let text = text(grant, world, t) { all.insert(text) }
      default: continue
      }
    }
    return all
  }

  private static func text(_ boundary: PolicyDocument, of id: String) -> [String] {
    guard let rule = try? BoundaryRule(boundary.rule), let user = rule.subjects.principals?.first else { return [] }
    return rule.permissions.compactMap { permission in
      if permission.actions == ["identity:*"] { return nil }
      let place = "aws/\(account)/arn:aws:s3:::"
      guard let resource = permission.resources.first, resource.hasPrefix(place) else {
        return "boundary \(user.id) \(permission.actions.joined())\(permission.condition == .none ? "" : " unsaid")"
      }
      return "through \(user.id) \(resource.dropFirst(place.count).prefix { $0 != "/" })"
    }
  }

  private static func text(_ grant: Grant, _ world: some World, _ t: Instant) -> String? {
    guard case .role(let document)? = world.value(of: .existence(.role(grant.role)), at: t)?.value else { return nil }
    let permissions = document.permissions.map { "\($0)" } ?? "unknown"
    let who = grant.principal.id
    if grant.role == TrailWords.unrecordedRole { return who.contains("user/admin") ? nil : "unrecorded \(who)" }
    if let name = grant.role.components(separatedAt: "/inline/") { return "inline \(who) \(name) \(permissions)" }
    if grant.role.contains(":policy/") { return "attached \(who) \(grant.role) \(permissions)" }
    if grant.role.hasSuffix("/trust") { return "trust \(who) \(grant.scope.dropFirst("identity/".count))" }
    if grant.role.hasPrefix("arn:aws:s3:::") {
      return "bucket \(who) \(grant.role.dropFirst("arn:aws:s3:::".count).prefix { $0 != "/" })"
    }
    return "share \(who) \(grant.role.split(separator: "/")[1])"
  }
}

extension String {
  /// What stands behind a separator; nil where it is not there.
  fileprivate func components(separatedAt separator: String) -> String? {
    guard let first = split(separator: separator).dropFirst().first else { return nil }
    return String(first)
  }
}
