/// What sources call an action, and what permissions call it.
///
/// A use carries both names. What no rule and no exception speaks of is its own name: most of AWS's events are called as IAM calls
/// the action.
public enum ActionNames {
  /// The name that permissions have for an action.
  ///
  /// An exception comes first; then the rules: the version of an API at the end of an event's name is no part of the action
  /// (`lambda:AddPermission20150331v2`, `cloudfront:CreateDistribution2020_05_31`), some services have another prefix in IAM, and
  /// API Gateway's permissions are verbs of HTTP. O(length of the name).
  public static func permission(for sourceAction: String) -> String {
    if let exception = exceptions[sourceAction] { return exception }
    guard let colon = sourceAction.utf8.firstIndex(of: UInt8(ascii: ":")) else { return sourceAction }
    let service = String(sourceAction[..<colon])
    let name = withoutVersion(sourceAction[sourceAction.utf8.index(after: colon)...])
    if service == "apigateway", let verb = verb(of: name) { return "apigateway:\(verb)" }
    let plain = "\(prefixes[service] ?? service):\(name)"
    return exceptions[plain] ?? plain
  }

  /// Both names of an event of AWS's CloudTrail.
  ///
  /// - Parameters:
  ///   - eventName: such as `ListBuckets`.
  ///   - eventSource: such as `s3.amazonaws.com`.
  public static func cloudTrail(_ eventName: String, of eventSource: String) -> (source: String, permission: String) {
    let domain = ".amazonaws.com"
    let service = eventSource.hasSuffix(domain) ? String(eventSource.dropLast(domain.count)) : eventSource
    let source = "\(service):\(eventName)"
    return (source, permission(for: source))
  }

  // MARK: Rules

  /// A name without a date at its end, `20150331` or `2020_05_31`, and the `v2` that may follow it.
  private static func withoutVersion(_ name: Substring) -> Substring {
    var rest = name.utf8
    let digits = rest.reversed().prefix { isDigit($0) }.count
    if digits > 0, digits < 3, rest.dropLast(digits).last == UInt8(ascii: "v") { rest = rest.dropLast(digits + 1) }
    for (form, length) in [("dddddddd", 8), ("dddd_dd_dd", 10)] {
      let tail = rest.suffix(length)
      // Only of this century, and never the whole name.
      guard rest.count > length, tail.starts(with: "20".utf8), zip(tail, form.utf8).allSatisfy(fits) else { continue }
      return Substring(rest.dropLast(length))
    }
    return name
  }

  private static func fits(_ byte: UInt8, _ form: UInt8) -> Bool {
    form == UInt8(ascii: "d") ? isDigit(byte) : byte == form
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private static func verb(of name: Substring) -> String? {
    verbs.first { name.utf8.starts(with: $0.begins.utf8) }?.verb
  }

  private static let verbs: [(begins: String, verb: String)] = [
    ("Get", "GET"), ("Create", "POST"), ("Import", "POST"), ("Test", "POST"), ("Generate", "POST"), ("Update", "PATCH"),
    ("Delete", "DELETE"), ("Flush", "DELETE"), ("Put", "PUT"), ("Tag", "PUT"), ("Untag", "DELETE"),
  ]

  /// Services whose events come from another name than IAM's prefix.
  private static let prefixes = [
    "monitoring": "cloudwatch", "tagging": "tag", "rdsdata": "rds-data", "models.lex": "lex", "runtime.lex": "lex",
    "api.pricing": "pricing", "data.iot": "iot", "runtime.sagemaker": "sagemaker", "metering-marketplace": "aws-marketplace",
    "entitlement.marketplace": "aws-marketplace", "streams.dynamodb": "dynamodb",
  ]

  // MARK: Exceptions

  private static let exceptions: [String: String] = {
    var exceptions: [String: String] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      for name in words.dropFirst(2) { exceptions["\(words[0]):\(name)"] = "\(words[0]):\(words[1])" }
    }
    return exceptions
  }()

  /// A line each: the service, the permission, and the events that need it.
  ///
  /// After "Required permissions for Amazon S3 API operations", "Actions, resources, and condition keys for AWS services" and the
  /// services' own pages on CloudTrail.
  private static let table = """
    s3 ListAllMyBuckets ListBuckets
    s3 ListBucket ListObjects ListObjectsV2 HeadBucket
    s3 ListBucketVersions ListObjectVersions
    s3 ListBucketMultipartUploads ListMultipartUploads
    s3 ListMultipartUploadParts ListParts
    s3 GetObject HeadObject SelectObjectContent
    s3 PutObject CopyObject PostObject CreateMultipartUpload UploadPart UploadPartCopy CompleteMultipartUpload
    s3 DeleteObject DeleteObjects
    s3 GetEncryptionConfiguration GetBucketEncryption
    s3 PutEncryptionConfiguration PutBucketEncryption DeleteBucketEncryption
    s3 GetLifecycleConfiguration GetBucketLifecycle GetBucketLifecycleConfiguration
    s3 PutLifecycleConfiguration PutBucketLifecycle PutBucketLifecycleConfiguration DeleteBucketLifecycle
    s3 GetReplicationConfiguration GetBucketReplication
    s3 PutReplicationConfiguration PutBucketReplication DeleteBucketReplication
    s3 GetBucketCORS GetBucketCors
    s3 PutBucketCORS PutBucketCors DeleteBucketCors
    s3 PutBucketTagging DeleteBucketTagging
    s3 GetBucketNotification GetBucketNotificationConfiguration
    s3 PutBucketNotification PutBucketNotificationConfiguration
    s3 GetAccelerateConfiguration GetBucketAccelerateConfiguration
    s3 PutAccelerateConfiguration PutBucketAccelerateConfiguration
    s3 GetBucketObjectLockConfiguration GetObjectLockConfiguration
    s3 PutBucketObjectLockConfiguration PutObjectLockConfiguration
    s3 GetBucketPublicAccessBlock GetPublicAccessBlock
    s3 PutBucketPublicAccessBlock PutPublicAccessBlock DeleteBucketPublicAccessBlock DeletePublicAccessBlock
    s3 PutAccountPublicAccessBlock DeleteAccountPublicAccessBlock
    s3 PutBucketOwnershipControls DeleteBucketOwnershipControls
    s3 GetAnalyticsConfiguration GetBucketAnalyticsConfiguration ListBucketAnalyticsConfigurations
    s3 PutAnalyticsConfiguration PutBucketAnalyticsConfiguration DeleteBucketAnalyticsConfiguration
    s3 GetInventoryConfiguration GetBucketInventoryConfiguration ListBucketInventoryConfigurations
    s3 PutInventoryConfiguration PutBucketInventoryConfiguration DeleteBucketInventoryConfiguration
    s3 GetMetricsConfiguration GetBucketMetricsConfiguration ListBucketMetricsConfigurations
    s3 PutMetricsConfiguration PutBucketMetricsConfiguration DeleteBucketMetricsConfiguration
    s3 GetIntelligentTieringConfiguration GetBucketIntelligentTieringConfiguration ListBucketIntelligentTieringConfigurations
    s3 PutIntelligentTieringConfiguration PutBucketIntelligentTieringConfiguration DeleteBucketIntelligentTieringConfiguration
    s3 GetStorageLensDashboard GetStorageLensDashboardDataInternal
    lambda InvokeFunction Invoke InvokeWithResponseStream
    kms ReEncryptFrom ReEncrypt
    sqs SendMessage SendMessageBatch
    sqs DeleteMessage DeleteMessageBatch
    sqs ChangeMessageVisibility ChangeMessageVisibilityBatch
    sns Publish PublishBatch
    dynamodb GetItem TransactGetItems
    dynamodb PutItem TransactWriteItems
    """
}
