import AccessGraph
import Governance
import JSON
import Temporal
import Testing

@testable import Connectors
@testable import Usage

@Suite struct `A trail` {
  let log = MemoryLog()
  let usage = MemoryUsage()
  let folder = ScratchTrail()

  static let account = "aws/111122223333"
  static func user(_ name: String) -> String { "arn:aws:iam::111122223333:user/\(name)" }
  static func at(_ time: String) throws -> Instant { try Instant(rfc3339: "2024-05-01T\(time)Z") }

  @discardableResult
  private func bring(_ records: [JSONValue], baseline: String? = nil) throws -> CloudTrailReport {
    let folder = ScratchTrail()
    folder.write(records)
    return try CloudTrailImport.testing([folder.path], baseline: baseline).run(into: log, usage: usage)
  }

  private func status(_ identity: String, _ action: String, _ resource: String, _ time: String) throws -> Status? {
    let view = Viewpoint(at: try Self.at(time), asKnownAt: log.graph.position)
    return log.graph.who(.access(action: action, resource: resource), from: view).first { $0.identity == identity }?.status
  }

  private func event(
    _ action: String, _ time: String, _ request: JSONValue, _ response: JSONValue = nil, error: String? = nil, id: String? = nil
  ) -> JSONValue {
    record(
      action, at: "2024-05-01T\(time)Z", id: id ?? "\(action)-\(time)", request: request, response: response, error: error)
  }

  // MARK: Files

  @Test func `files are named by what is wrong with them, and nothing is recorded`() throws {
    let cases: [(bytes: String, name: String, says: String)] = [
      ("{", "broken.json", "is not JSON: line 1"), (#"{"Other": []}"#, "other.json", "has no array `Records`"),
      (#"{"Records": {}}"#, "object.json", "`Records` is an object"),
      (#"[{"eventID": "a"}]"#, "short.json", "record 1: /eventTime"),
      ("no gzip", "plain.json.gz", "the file is not gzip"),
      (#"{"Records": [1]}"#, "number.json", "record 1: the document must be"),
    ]
    for (bytes, name, says) in cases {
      let folder = ScratchTrail()
      folder.write([event("iam:CreateUser", "10:00:00", ["userName": "eve"])], name: "0-good.json")
      folder.write(Array(bytes.utf8), name: name)
      do {
        _ = try CloudTrailImport.testing([folder.path]).run(into: log, usage: usage)
        Issue.record("\(name) was read")
      } catch let error as TrailError {
        #expect(error.description.contains(says) && error.path.hasSuffix(name), "\(error)")
      }
      #expect(log.events.isEmpty && usage.records.isEmpty)
      let report = try CloudTrailImport.testing([folder.path], skipsInvalid: true).run(into: MemoryLog(), usage: MemoryUsage())
      #expect((report.records, report.invalid.count) == (1, 1))
    }
    #expect(throws: TrailError.self) { try CloudTrailImport.testing(["/nowhere"]) }
    #expect(throws: TrailError.self) { try CloudTrailImport.testing([ScratchTrail().path]) }
  }

  @Test func `an import that is killed goes on where it was`() throws {
    let records = (0..<30).map { event("iam:CreateUser", "10:00:\($0 + 10)", ["userName": .string("u\($0)")], id: "e\($0)") }
    log.batchesLeft = 11
    #expect(throws: ImportError.self) { try bring(records) }
    log.batchesLeft = .max
    let report = try bring(records)
    #expect((report.known, report.records) == (11, 30))
    #expect(
      log.events.filter { $0.change.type == "identity.registered" && $0.change.entity.id.contains(":user/u") }.count == 30)
  }

  // MARK: Documents

  @Test func `what cannot be said exactly is unknown, with its reason, and never wider or narrower`() throws {
    let documents: [(name: String, text: String, says: String)] = [
      ("not-action", #"{"Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}]}"#, "NotAction"),
      ("not-resource", #"{"Statement":[{"Effect":"Allow","Action":"s3:*","NotResource":"arn:aws:s3:::a"}]}"#, "NotResource"),
      (
        "variable", #"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::a/${aws:username}"}}"#, "variable"
      ),
      ("lower", #"{"Statement":{"Effect":"Allow","Action":"iam:passrole","Resource":"*"}}"#, "lower case"),
      ("operator", #"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"Odd":{"a":"b"}}}}"#, "Odd"),
      ("broken", "{", "not JSON"),
    ]
    try bring([event("iam:CreateUser", "10:00:00", ["userName": "plain"])])
    for (index, (name, text, says)) in documents.enumerated() {
      try bring([
        event("iam:CreateUser", "10:00:0\(index)", ["userName": .string(name)], id: "c\(index)"),
        event(
          "iam:PutUserPolicy", "10:01:0\(index)",
          ["userName": .string(name), "policyName": "p", "policyDocument": .string(text)], id: "p\(index)"),
      ])
      #expect(
        try status(Self.user(name), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b", "10:01:0\(index)") == .unknown, "\(name)")
      let why = log.world.entries(of: .attribute(.role("\(Self.user(name))/inline/p"), name: "not_understood")).last?.effect
      #expect("\(why as Any)".contains(says), "\(name): \(why as Any)")
    }
    #expect(try status(Self.user("plain"), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b", "10:01:00") == nil)
  }

  @Test func `a denial that cannot be said exactly may apply, so that nothing under it is plainly allowed`() throws {
    let denials = [
      #"{"Statement":{"Effect":"Deny","NotAction":"s3:*","Resource":"*"}}"#,
      #"{"Statement":{"Effect":"Deny","Action":"iam:*","NotResource":"arn:aws:iam::111122223333:user/self"}}"#,
      #"{"Statement":{"Effect":"Deny","Action":"iam:*","Resource":"*","Condition":{"Odd":{"a":"b"}}}}"#,
    ]
    let allow = #"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#
    for (index, denial) in denials.enumerated() {
      let name = "u\(index)"
      try bring([
        event("iam:CreateUser", "10:00:0\(index)", ["userName": .string(name)], id: "c\(index)"),
        event(
          "iam:PutUserPolicy", "10:01:0\(index)",
          ["userName": .string(name), "policyName": "a", "policyDocument": .string(allow)], id: "a\(index)"),
        event(
          "iam:PutUserPolicy", "10:02:0\(index)",
          ["userName": .string(name), "policyName": "d", "policyDocument": .string(denial)], id: "d\(index)"),
      ])
      let resource = "\(Self.account)/arn:aws:iam::111122223333:user/other"
      #expect(try status(Self.user(name), "iam:CreateUser", resource, "10:01:0\(index)") == .allowed)
      #expect(try status(Self.user(name), "iam:CreateUser", resource, "10:02:0\(index)") == .conditional, "\(denial)")
      let why = log.world.entries(of: .attribute(.role("\(Self.user(name))/inline/d"), name: "not_understood")).last?.effect
      #expect(why != nil)
    }
    // What only the condition leaves open is open for its own actions alone.
    #expect(try status(Self.user("u2"), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b/x", "10:03:00") == .allowed)
  }

  @Test func `a resource's policy on everything is about that resource alone`() throws {
    let text = #"{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}}"#
    try bring([event("s3:PutBucketPolicy", "10:00:00", ["bucketName": "b", "bucketPolicy": .string(text)])])
    #expect(try status("everyone", "s3:GetObject", "\(Self.account)/arn:aws:s3:::b/x", "10:00:01") == .allowed)
    #expect(try status("everyone", "s3:GetObject", "\(Self.account)/arn:aws:s3:::other/x", "10:00:01") == nil)
    #expect(
      try status("everyone", "sqs:SendMessage", "\(Self.account)/arn:aws:sqs:us-east-1:111122223333:q", "10:00:01") == nil)
  }

  @Test func `conditions are judged by what a request says`() throws {
    let text =
      #"{"Statement":[{"Effect":"Allow","Action":["s3:get*","S3:PutObject"],"Resource":"*","Condition":{"#
      + #""IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"Bool":{"aws:MultiFactorAuthPresent":"true"},"#
      + #""StringEquals":{"aws:PrincipalOrgID":"o-1"}}}]}"#
    try bring([
      event("iam:CreateUser", "10:00:00", ["userName": "u"]),
      event("iam:PutUserPolicy", "10:00:01", ["userName": "u", "policyName": "p", "policyDocument": .string(text)]),
    ])
    guard
      case .begins(.role(let document), _)? = log.world.entries(of: .existence(.role("\(Self.user("u"))/inline/p"))).last?
        .effect
    else {
      Issue.record("no role")
      return
    }
    #expect(document.permissions?.first?.actions == ["s3:Get*", "s3:PutObject"])
    #expect(
      document.permissions?.first?.condition == [
        "IpAddress": ["request.ip": "192.0.2.0/24"], "Bool": ["request.mfa": "true"],
        "StringEquals": ["request.attribute.aws:PrincipalOrgID": "o-1"],
      ])
    #expect(try status(Self.user("u"), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b", "10:00:02") == .conditional)
  }

  @Test func `an attached policy is unknown until its document is read, also where that comes in a later call`() throws {
    let policy = "arn:aws:iam::111122223333:policy/p"
    let resource = "\(Self.account)/arn:aws:s3:::b"
    try bring([
      event("iam:CreateUser", "10:00:00", ["userName": "u"]),
      event("iam:AttachUserPolicy", "10:00:05", ["userName": "u", "policyArn": .string(policy)]),
    ])
    #expect(try status(Self.user("u"), "s3:GetObject", resource, "10:00:05") == .unknown)
    try bring([
      event(
        "iam:CreatePolicy", "10:00:02", ["policyName": "p", "policyDocument": .string(RandomTrail.document("GetObject"))],
        ["policy": ["arn": .string(policy), "defaultVersionId": "v1"]])
    ])
    #expect(try status(Self.user("u"), "s3:GetObject", resource, "10:00:05") == .allowed)
    #expect(try status(Self.user("u"), "s3:PutObject", resource, "10:00:05") == nil)
    try bring([
      event(
        "iam:CreatePolicyVersion", "10:00:07",
        ["policyArn": .string(policy), "setAsDefault": true, "policyDocument": .string(RandomTrail.document("PutObject"))],
        ["policyVersion": ["versionId": "v2"]]),
      event("iam:SetDefaultPolicyVersion", "10:00:09", ["policyArn": .string(policy), "versionId": "v1"]),
    ])
    for (time, get, put) in [("10:00:06", true, false), ("10:00:07", false, true), ("10:00:09", true, false)] {
      #expect((try status(Self.user("u"), "s3:GetObject", resource, time) == .allowed) == get, "\(time)")
      #expect((try status(Self.user("u"), "s3:PutObject", resource, time) == .allowed) == put, "\(time)")
    }
  }

  @Test func `a boundary bounds, and one that is not known leaves it open`() throws {
    let policy = "arn:aws:iam::111122223333:policy/limit"
    let resource = "\(Self.account)/arn:aws:s3:::b"
    try bring([
      event("iam:CreateUser", "10:00:00", ["userName": "u"]),
      event(
        "iam:PutUserPolicy", "10:00:01",
        ["userName": "u", "policyName": "p", "policyDocument": .string(RandomTrail.document("*"))]),
      event("iam:PutUserPermissionsBoundary", "10:00:03", ["userName": "u", "permissionsBoundary": .string(policy)]),
      event(
        "iam:CreatePolicy", "10:00:05", ["policyName": "limit", "policyDocument": .string(RandomTrail.document("GetObject"))],
        ["policy": ["arn": .string(policy), "defaultVersionId": "v1"]]),
      event("iam:DeleteUserPermissionsBoundary", "10:00:07", ["userName": "u"]),
    ])
    for (time, get, put) in [
      ("10:00:02", Status.allowed, Status.allowed), ("10:00:04", .conditional, .conditional), ("10:00:07", .allowed, .allowed),
    ] {
      #expect(try status(Self.user("u"), "s3:GetObject", resource, time) == get, "\(time)")
      #expect(try status(Self.user("u"), "s3:PutObject", resource, time) == put, "\(time)")
    }
    #expect(try status(Self.user("u"), "s3:GetObject", resource, "10:00:06") == .allowed)
    #expect(try status(Self.user("u"), "s3:PutObject", resource, "10:00:06") == nil)
  }

  // MARK: Other shapes

  @Test func `other services' policies share by one rule, and what is not understood is named`() throws {
    let other = #"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"ecr:BatchGetImage"}]}"#
    let report = try bring([
      event(
        "ecr:SetRepositoryPolicy", "10:00:00",
        ["repositoryName": "app", "registryId": "111122223333", "policyText": .string(other)]),
      event("ecr:DeleteRepositoryPolicy", "10:00:05", ["repositoryName": "app", "registryId": "111122223333"]),
      event("sso:CreateAccountAssignment", "10:00:01", ["principalId": "x", "targetId": "444455556666"]),
      event("iam:InventedCall", "10:00:02", ["userName": "u"]),
      event("iam:AttachUserPolicy", "10:00:03", nil),
      event("s3:PutBucketPolicy", "10:00:04", ["bucketName": "b"], error: "AccessDenied"),
      event(
        "kms:CreateGrant", "10:00:06",
        ["keyId": "k", "granteePrincipal": "arn:aws:iam::444455556666:root", "operations": ["Decrypt"]],
        ["grantId": "g1"]),
      event("s3:PutBucketAcl", "10:00:07", ["bucketName": "open", "x-amz-acl": "public-read"]),
    ])
    let app = "\(Self.account)/arn:aws:ecr:us-east-1:111122223333:repository/app"
    #expect(try status("account:444455556666", "ecr:BatchGetImage", app, "10:00:04") == .allowed)
    #expect(try status("account:444455556666", "ecr:BatchGetImage", app, "10:00:05") == nil)
    let key = "\(Self.account)/arn:aws:kms:us-east-1:111122223333:key/k"
    #expect(try status("account:444455556666", "kms:Decrypt", key, "10:00:08") == .allowed)
    #expect(try status("everyone", "s3:GetObject", "\(Self.account)/arn:aws:s3:::open/x", "10:00:08") == .allowed)
    #expect(
      report.remarks == [
        "sso:CreateAccountAssignment may share access and is not understood": 1, "iam:InventedCall is not known": 1,
        "iam:AttachUserPolicy names no user": 1,
      ])
    let denied = try #require(usage.records.first { $0.sourceAction == "s3:PutBucketPolicy" })
    #expect((denied.outcome, denied.errorCode, denied.resource) == (.denied, "AccessDenied", "\(Self.account)/arn:aws:s3:::b"))
  }

  @Test func `a session acts as its role, under the trust, held by who assumed it`() throws {
    let role = "arn:aws:iam::111122223333:role/r"
    try bring([
      event(
        "iam:CreateRole", "10:00:00",
        [
          "roleName": "r",
          "assumeRolePolicyDocument": .string(#"{"Statement":{"Effect":"Allow","Action":"sts:*","Principal":{"AWS":"*"}}}"#),
        ],
        ["role": ["arn": .string(role)]], id: "create"),
      event(
        "sts:AssumeRole", "10:00:01", ["roleArn": .string(role), "roleSessionName": "s"],
        ["credentials": ["accessKeyId": "ASIA1", "expiration": "May 1, 2024 11:00:01 AM"]]),
    ])
    guard
      case .begins(.credential(let session), _)? = log.world.entries(of: .existence(.credential("ASIA1"))).last?.effect
    else {
      Issue.record("no session")
      return
    }
    #expect((session.kind, session.identity, session.holder) == (.session, role, Self.user("admin")))
    #expect((session.grant, session.parent) == ("cloudtrail:111122223333/create/1", "AKIAEXAMPLE"))
    let expected = try Self.at("11:00:01")
    #expect(session.expiresAt == expected)
  }

  @Test func `an identity that another account names is external there, and unknown in its own`() throws {
    let other = "arn:aws:iam::444455556666:user/bea"
    let trust = #"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"\#(other)"}}}"#
    try bring([
      event(
        "iam:CreateRole", "10:00:00", ["roleName": "r", "assumeRolePolicyDocument": .string(trust)],
        ["role": ["arn": "arn:aws:iam::111122223333:role/r"]])
    ])
    #expect(try status(other, "identity:assume", "identity/arn:aws:iam::111122223333:role/r", "10:00:00") == .allowed)
    #expect(log.world.value(of: .existence(.identity(other)), at: try Self.at("10:00:00"))?.value == .identity(.external))
    var own = event("s3:ListBuckets", "10:00:05", nil).objectValue ?? JSONObject()
    own["recipientAccountId"] = "444455556666"
    own["userIdentity"] = ["type": "IAMUser", "arn": .string(other), "accountId": "444455556666"]
    try bring([.object(own)])
    #expect(log.world.value(of: .existence(.identity(other)), at: try Self.at("10:00:05"))?.value == .identity(.account))
    #expect(try status(other, "s3:GetObject", "aws/444455556666/arn:aws:s3:::b", "10:00:05") == .unknown)
  }

  @Test func `what is taken away and given again in one second is in the order that what was before allows`() throws {
    let policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    let request: JSONValue = ["userName": "u", "policyArn": .string(policy)]
    // Ids against the order of cause, in both seconds.
    try bring([
      event("iam:AttachUserPolicy", "10:00:00", request, id: "a"),
      event("iam:CreateUser", "10:00:00", ["userName": "u"], id: "z"),
      event("iam:DetachUserPolicy", "10:00:05", request, id: "y"),
      event("iam:DeleteUser", "10:00:05", ["userName": "u"], id: "b"),
      event("iam:CreateUser", "10:00:05", ["userName": "u"], id: "x"),
      event("iam:AttachUserPolicy", "10:00:05", request, id: "c"),
      event("iam:DetachUserPolicy", "10:00:09", request, id: "n"),
      event("iam:DeleteUser", "10:00:09", ["userName": "u"], id: "m"),
    ])
    let user = Entity.identity(Self.user("u"))
    for (time, isThere) in [
      ("09:59:59", false), ("10:00:00", true), ("10:00:05", true), ("10:00:08", true), ("10:00:09", false),
    ] {
      let t = try Self.at(time)
      #expect(log.world.exists(user, at: t) == isThere, "\(time)")
      let held = log.world.facts(about: user).filter { fact in
        guard case .assignment = fact, case .grant(let grant)? = log.world.value(of: fact, at: t)?.value else { return false }
        return grant.role == policy
      }
      #expect(held.count == (isThere ? 1 : 0), "\(time)")
    }
    #expect(log.world.entries(of: .existence(user)).filter { $0.effect == .ends }.count == 2)
  }

  @Test(arguments: [
    ("ec2:DescribeInstances", #"{"instancesSet":{}}"#, "*"),
    (
      "ec2:TerminateInstances", #"{"instancesSet":{"items":[{"instanceId":"i-1"}]}}"#,
      "arn:aws:ec2:us-east-1:111122223333:instance/i-1"
    ),
    ("ec2:RunInstances", #"{"instancesSet":{"items":[{"imageId":"ami-1"}]}}"#, nil),
    ("ec2:DeleteSecurityGroup", #"{"groupId":"sg-1"}"#, "arn:aws:ec2:us-east-1:111122223333:security-group/sg-1"),
    ("s3:PutBucketAcl", #"{"bucketName":"b"}"#, "arn:aws:s3:::b"),
    ("s3:GetObject", #"{"bucketName":"b","key":"a/x"}"#, "arn:aws:s3:::b/a/x"),
    ("lambda:GetFunction20150331v2", #"{"functionName":"f"}"#, "arn:aws:lambda:us-east-1:111122223333:function:f"),
    ("kms:DescribeKey", #"{"keyId":"k"}"#, "arn:aws:kms:us-east-1:111122223333:key/k"),
    ("iam:GetUser", "null", "arn:aws:iam::111122223333:user/admin"),
    ("sts:AssumeRole", #"{"roleArn":"arn:aws:iam::111122223333:role/r"}"#, nil),
    ("ssm:GetParameters", #"{"names":["/a/b"]}"#, "arn:aws:ssm:us-east-1:111122223333:parameter/a/b"),
    ("secretsmanager:GetSecretValue", #"{"secretId":"s"}"#, "arn:aws:secretsmanager:us-east-1:111122223333:secret:s"),
    ("organizations:LeaveOrganization", "null", nil), ("s3:ListBuckets", "null", "*"),
  ])
  func `a use names its resource`(_ action: String, _ request: String, _ resource: String?) throws {
    try bring([event(action, "10:00:00", try JSONValue(parsing: Array(request.utf8)))])
    #expect(usage.records.first?.resource == resource.map { "\(Self.account)/\($0)" })
  }

  @Test func `who was recorded without a path is named when the path is learnt`() throws {
    let arn = "arn:aws:iam::111122223333:user/team/ann"
    let first = try bring([
      event("iam:PutUserPolicy", "10:00:05", ["userName": "ann", "policyName": "p", "policyDocument": "{}"])
    ])
    #expect(first.remarks.keys.allSatisfy { !$0.contains("order of time") })
    let second = try bring([
      event("iam:CreateUser", "10:00:00", ["userName": "ann", "path": "/team/"], ["user": ["arn": .string(arn)]])
    ])
    #expect(
      second.remarks == [
        "\(Self.user("ann")) of an earlier import is \(arn), which these records tell: import the parts in the order of time": 1
      ])
  }

  @Test func `a use is the same whatever is known of the path of what it names`() throws {
    let uses = event("iam:GetRole", "10:00:05", ["roleName": "r"], id: "use")
    try bring([uses])
    let plain = try #require(usage.records.first)
    try bring([
      event(
        "iam:CreateRole", "10:00:00", ["roleName": "r", "path": "/team/"],
        ["role": ["arn": "arn:aws:iam::111122223333:role/team/r"]], id: "create")
    ])
    let other = MemoryUsage()
    let folder = ScratchTrail()
    folder.write([uses])
    _ = try CloudTrailImport.testing([folder.path]).run(into: log, usage: other)
    let pathed = try #require(other.records.first)
    #expect(plain.resource == "\(Self.account)/arn:aws:iam::111122223333:role/r")
    #expect(pathed.resource == "\(Self.account)/arn:aws:iam::111122223333:role/team/r")
    #expect(plain.digest == pathed.digest)
  }

  // MARK: The baseline

  @Test func `a baseline is what stood before the first record, and what the trail changes fits on it`() throws {
    let baseline = ScratchTrail()
    let policy = "arn:aws:iam::111122223333:policy/team/p"
    let file = baseline.write(
      JSONValue.object([
        "UserDetailList": [
          [
            "Arn": "arn:aws:iam::111122223333:user/team/ann", "UserName": "ann", "UserId": "AIDA1", "GroupList": ["devs"],
            "AttachedManagedPolicies": [["PolicyName": "p", "PolicyArn": .string(policy)]],
          ]
        ],
        "GroupDetailList": [
          [
            "Arn": "arn:aws:iam::111122223333:group/devs", "GroupName": "devs",
            "GroupPolicyList": [
              [
                "PolicyName": "g",
                "PolicyDocument": .object(try AccessDocument.document(.string(RandomTrail.document("ListBucket")))),
              ]
            ],
          ]
        ],
        "RoleDetailList": [],
        "Policies": [
          [
            "Arn": .string(policy), "PolicyName": "p", "DefaultVersionId": "v1",
            "PolicyVersionList": [
              ["VersionId": "v1", "IsDefaultVersion": true, "Document": .string(RandomTrail.document("GetObject"))]
            ],
          ]
        ],
      ]).canonicalBytes(), name: "baseline.json")
    let records = [
      record(
        "s3:ListBuckets", at: "2024-05-01T10:00:00Z", id: "first", by: "arn:aws:iam::111122223333:user/team/ann", readOnly: true
      ),
      event("iam:DetachUserPolicy", "10:00:05", ["userName": "ann", "policyArn": .string(policy)]),
      event("iam:RemoveUserFromGroup", "10:00:06", ["userName": "ann", "groupName": "devs"]),
    ]
    let report = try bring(records, baseline: file)
    #expect(report.baseline == "2024-05-01T09:59:59.999999Z, just before the first record")
    let ann = "arn:aws:iam::111122223333:user/team/ann"
    let resource = "\(Self.account)/arn:aws:s3:::b"
    for (time, get, list) in [
      ("10:00:00", Status.allowed as Status?, Status.allowed as Status?), ("10:00:05", nil, .allowed), ("10:00:06", nil, nil),
    ] {
      let found = try status(ann, "s3:GetObject", resource, time)
      #expect(found == get, "\(time)")
      #expect(try status(ann, "s3:ListBucket", resource, time) == list, "\(time)")
    }
    #expect(try bring(records, baseline: file).events == 0)
  }

  @Test func `without a baseline, whoever was there before has unknown access`() throws {
    try bring([event("s3:ListBuckets", "10:00:00", nil)])
    #expect(try status(Self.user("admin"), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b", "10:00:00") == .unknown)
    let root = "arn:aws:iam::111122223333:root"
    try bring([
      record("iam:CreateUser", at: "2024-05-01T09:00:00Z", id: "create", by: root, request: ["userName": "admin"])
    ])
    #expect(try status(Self.user("admin"), "s3:GetObject", "\(Self.account)/arn:aws:s3:::b", "10:00:00") == nil)
  }
}
