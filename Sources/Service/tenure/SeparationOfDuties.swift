import API
import Governance

extension Subcommand {
  static let sod = Subcommand(
    name: "sod", summary: "who held roles together that policies of separation of duties keep apart",
    usage: """
      sod [--policy ID | --roles ROLE,ROLE,… [--n 2]] [--from T] [--to T] [--as-known-at POSITION|T]
          without --policy and --roles all policies are asked about; --roles asks about any roles, at any time
      """
  ) { arguments in
    let policy = arguments.option("policy")
    let roles = arguments.option("roles").map { $0.split(separator: ",").map(String.init) }
    let n = try arguments.integer("n", in: 2...Limits.rolesPerSeparation)
    if policy != nil, roles != nil { throw UsageError("--policy and --roles exclude each other") }
    if roles == nil, n != nil { throw UsageError("--n belongs to --roles") }
    if let roles, !(2...Limits.rolesPerSeparation).contains(roles.count) || n ?? 2 > roles.count {
      throw UsageError("--roles must name 2 to \(Limits.rolesPerSeparation) roles, and --n no more than there are")
    }
    let question = roles.map { SeparationQuestion.roles($0, n: n ?? 2) } ?? .policies(only: policy)
    let stretch = try arguments.stretch()
    let known = try arguments.asKnownAt()
    return try ask(&arguments) {
      try $0.separation(question, during: stretch, asKnownAt: known)
    } text: {
      $0.text
    } status: {
      $0.conflicts.isEmpty ? .no : .yes
    }
  }
}
