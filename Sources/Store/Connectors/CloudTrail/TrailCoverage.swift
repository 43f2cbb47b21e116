import Governance
import JSON
import Temporal

/// What an account's trail vouches for: the account, from its first record to its last.
enum TrailCoverage {
  /// The longest silence that is taken for one: in an account that is used, Amazon's own services leave records every day.
  ///
  /// A longer one is taken for files that were not read.
  static let longestSilence: Int64 = 86_400_000_000

  /// What is said of the source itself: it delivers usage, but for what management events do not tell.
  static func attributes(_ account: String) -> [String: AttributeValue] {
    [
      "account": .open(.string(account)), "delivers_usage": .open(true),
      "usage_unseen_actions": .open(.array(unseen.map { .string($0) })),
    ]
  }

  /// Patterns of actions that leave no management event: data events, which a trail records of chosen resources at most, and
  /// what no trail records.
  ///
  /// And becoming another identity, which a trail tells as sessions of that one.
  private static let unseen = [
    "identity:*",
    "s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListMultipart*",
    "s3:ListBucketMultipart*", "s3:AbortMultipartUpload", "s3:RestoreObject", "s3:ReplicateObject", "s3:ReplicateDelete",
    "lambda:InvokeFunction*", "lambda:InvokeAsync", "dynamodb:*Item*", "dynamodb:Query", "dynamodb:Scan", "dynamodb:PartiQL*",
    "dynamodb:GetRecords", "dynamodb:GetShardIterator", "sns:Publish*", "sqs:SendMessage*", "sqs:ReceiveMessage",
    "sqs:DeleteMessage*", "sqs:ChangeMessageVisibility*", "kinesis:PutRecord*", "kinesis:GetRecords",
    "kinesis:GetShardIterator", "kinesis:SubscribeToShard", "firehose:PutRecord*", "ebs:*", "cloudwatch:PutMetricData",
    "cloudwatch:GetMetric*", "logs:PutLogEvents", "xray:Put*", "execute-api:*", "rds-db:connect", "es:ESHttp*", "iam:PassRole",
    "sts:TagSession", "sts:SetSourceIdentity", "ssmmessages:*", "ec2messages:*", "bedrock:InvokeModel*",
  ]

  /// Stretches of records, joined where no longer silence lies between them.
  static func stretches(_ instants: some Sequence<Instant>, joining others: IntervalSet = IntervalSet()) -> IntervalSet {
    var intervals = others.intervals
    for t in instants { intervals.append(Interval(from: t, to: t.next)) }
    intervals.sort { $0.from < $1.from }
    var joined: [Interval] = []
    for interval in intervals {
      if let last = joined.last, last.to.map({ $0.distance(to: interval.from) <= longestSilence }) ?? true {
        let to = last.to.flatMap { a in interval.to.map { max(a, $0) } }
        joined[joined.count - 1] = Interval(from: last.from, to: to)
      } else {
        joined.append(interval)
      }
    }
    return IntervalSet(joined)
  }

  /// Stretches over which a trail was told not to record, and which left no record either: then it was the one that is read.
  ///
  /// Where records go on, another trail recorded them, and nothing is missing.
  ///
  /// - Parameter instants: those of the records, in order.
  static func silences(_ switches: [(at: Instant, isOn: Bool)], _ instants: [Instant]) -> [Interval] {
    let ons = Set(switches.filter(\.isOn).map(\.at))
    return switches.filter { !$0.isOn }.compactMap { off in
      guard let next = instants.first(after: off.at), ons.contains(next) else { return nil }
      return Interval(exactly: off.at.next, to: next)
    }
  }

  /// The commands that record a gap, where it is not recorded.
  static func gaps(of source: String, resource: String, _ gap: Interval, in world: some World) -> [Command] {
    guard let until = gap.to else { return [] }
    let fact = Fact.coverageGap(source: source, resource: resource, from: gap.from)
    if world.holds(fact).contains(where: { $0.to == until }) { return [] }
    return [
      Command(
        .coverageGap(source: source, resource: resource, until: until), effectiveAt: gap.from,
        authority: Authority(reason: "the trail was told not to record, and there are no records"))
    ]
  }

  /// The commands that lead from the coverage that is recorded to the one that the records show.
  static func commands(of source: String, resource: String, _ instants: some Sequence<Instant>, in world: some World)
    -> [Command]
  {
    let spans = world.holds(.coverage(source: source, resource: resource))
    let covered = IntervalSet(spans.map { Interval(from: $0.from, to: $0.to) })
    let missing = stretches(instants, joining: covered).subtracting(covered)
    return missing.intervals.map { missing in
      let change = Change.coverageBegan(source: source, resource: resource, expiresAt: missing.to)
      return Command(
        change, expecting: .either, effectiveAt: missing.from, authority: Authority(reason: "records of the trail"))
    }
  }
}

extension [Instant] {
  /// The first that is later than an instant; they are in order.
  fileprivate func first(after t: Instant) -> Instant? {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if self[middle] > t { high = middle } else { low = middle + 1 }
    }
    return low < count ? self[low] : nil
  }
}
