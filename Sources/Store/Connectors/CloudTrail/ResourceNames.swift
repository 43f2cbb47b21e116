import JSON

/// Which parameter of a request names the resource, and how its ARN is made of it: data, so that a service is a line.
struct ResourceNames {
  /// The member of the request; of a list in it, the first item's.
  let parameter: String
  /// The event that the rule is only for; nil where it is for all of the service.
  let event: String?
  /// What stands in the ARN for the service.
  let service: String
  /// What stands before the name.
  let begins: String
  /// What is Amazon's or anybody's has no account in its ARN.
  let isOfNobody: Bool
  let isGlobal: Bool

  /// A rule for a parameter, or `Event.parameter`, and the form of the ARN; nil where that is none.
  init?(_ parameter: String, _ form: String) {
    guard let name = AmazonName(form) else { return nil }
    let parts = parameter.split(separator: ".").map(String.init)
    self.parameter = parts[parts.count - 1]
    event = parts.count == 2 ? parts[0] : nil
    (service, begins) = (String(name.service), String(name.resource.dropLast("{}".count)))
    (isOfNobody, isGlobal) = (name.account.isEmpty, name.region.isEmpty)
  }

  /// The resource's ARN; nil where the record does not name it.
  func arn(in record: TrailRecord, _ names: TrailNames) -> String? {
    guard let name = name(in: record) else { return nil }
    if AmazonName(name) != nil { return TrailWords.fitted(name) }
    return names.arn(
      service, record, region: isGlobal ? "" : record.region, account: isOfNobody ? "" : record.account,
      begins + name.drop { $0 == "/" })
  }

  /// The resource's name; nil where the record does not say it.
  func name(in record: TrailRecord) -> String? {
    if let event, !event.utf8.elementsEqual(record.plainName.utf8) { return nil }
    return Self.text(record.request[parameter], parameter) ?? Self.text(record.response[parameter], parameter)
  }

  /// A text, or the first one in a list of them, in which it may stand under the name of one of the parameter's kind.
  private static func text(_ value: JSONValue?, _ parameter: String) -> String? {
    guard let value else { return nil }
    if let text = value.stringValue { return text.isEmpty || text.utf8.count > nameBytes ? nil : text }
    if let first = (value["items"] ?? value).arrayValue?.first {
      if let text = first.stringValue { return text.isEmpty ? nil : text }
      // `instanceId` in `instancesSet`, and not the `imageId` beside it.
      for member in first.objectValue ?? JSONObject() where zip(member.name.utf8, parameter.utf8).prefix(while: ==).count >= 5 {
        if let text = member.value.stringValue, !text.isEmpty { return text }
      }
    }
    return nil
  }

  /// Bytes of a text that may be a resource's name.
  private static let nameBytes = 1_024

  /// The rules by the service of the record, the first that fits counting.
  static let rules: [String: [ResourceNames]] = {
    var rules: [String: [ResourceNames]] = [:]
    for line in table.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 3, let rule = ResourceNames(words[1], words[2]) else {
        preconditionFailure("a rule in three words: \(line)")
      }
      rules[words[0], default: []].append(rule)
    }
    return rules
  }()

  /// Service, parameter (of one event: `Event.parameter`), ARN; `P`, `R`, `A` and `{}` stand for the partition, region, account and name.
  private static let table = """
    ec2 instanceId arn:P:ec2:R:A:instance/{}
    ec2 instancesSet arn:P:ec2:R:A:instance/{}
    ec2 snapshotId arn:P:ec2:R::snapshot/{}
    ec2 imageId arn:P:ec2:R::image/{}
    ec2 volumeId arn:P:ec2:R:A:volume/{}
    ec2 groupId arn:P:ec2:R:A:security-group/{}
    ec2 networkInterfaceId arn:P:ec2:R:A:network-interface/{}
    ec2 subnetId arn:P:ec2:R:A:subnet/{}
    ec2 routeTableId arn:P:ec2:R:A:route-table/{}
    ec2 internetGatewayId arn:P:ec2:R:A:internet-gateway/{}
    ec2 natGatewayId arn:P:ec2:R:A:natgateway/{}
    ec2 allocationId arn:P:ec2:R:A:elastic-ip/{}
    ec2 associationId arn:P:ec2:R:A:route-table-association/{}
    ec2 networkAclId arn:P:ec2:R:A:network-acl/{}
    ec2 launchTemplateId arn:P:ec2:R:A:launch-template/{}
    ec2 keyName arn:P:ec2:R:A:key-pair/{}
    ec2 vpcId arn:P:ec2:R:A:vpc/{}
    ec2 flowLogIds arn:P:ec2:R:A:vpc-flow-log/{}
    rds dBInstanceIdentifier arn:P:rds:R:A:db:{}
    rds dBSnapshotIdentifier arn:P:rds:R:A:snapshot:{}
    rds dBClusterIdentifier arn:P:rds:R:A:cluster:{}
    rds dBClusterSnapshotIdentifier arn:P:rds:R:A:cluster-snapshot:{}
    rds dBSubnetGroupName arn:P:rds:R:A:subgrp:{}
    lambda functionName arn:P:lambda:R:A:function:{}
    lambda layerName arn:P:lambda:R:A:layer:{}
    dynamodb tableName arn:P:dynamodb:R:A:table/{}
    secretsmanager secretId arn:P:secretsmanager:R:A:secret:{}
    secretsmanager name arn:P:secretsmanager:R:A:secret:{}
    kms keyId arn:P:kms:R:A:key/{}
    ssm GetParameters.names arn:P:ssm:R:A:parameter/{}
    ssm SendCommand.instanceIds arn:P:ec2:R:A:instance/{}
    ssm StartSession.target arn:P:ec2:R:A:instance/{}
    ssm GetCommandInvocation.instanceId arn:P:ec2:R:A:instance/{}
    ssm UpdateInstanceInformation.instanceId arn:P:ec2:R:A:instance/{}
    ssm GetDocument.name arn:P:ssm:R:A:document/{}
    ssm DescribeDocument.name arn:P:ssm:R:A:document/{}
    ssm CreateDocument.name arn:P:ssm:R:A:document/{}
    ssm name arn:P:ssm:R:A:parameter/{}
    ssm resourceId arn:P:ssm:R:A:parameter/{}
    ssm instanceId arn:P:ec2:R:A:instance/{}
    cloudtrail name arn:P:cloudtrail:R:A:trail/{}
    cloudtrail trailName arn:P:cloudtrail:R:A:trail/{}
    logs logGroupName arn:P:logs:R:A:log-group:{}
    sqs queueName arn:P:sqs:R:A:{}
    sns name arn:P:sns:R:A:{}
    ecr repositoryName arn:P:ecr:R:A:repository/{}
    eks name arn:P:eks:R:A:cluster/{}
    eks clusterName arn:P:eks:R:A:cluster/{}
    ecs cluster arn:P:ecs:R:A:cluster/{}
    guardduty detectorId arn:P:guardduty:R:A:detector/{}
    cloudformation stackName arn:P:cloudformation:R:A:stack/{}
    states name arn:P:states:R:A:stateMachine:{}
    events eventBusName arn:P:events:R:A:event-bus/{}
    events name arn:P:events:R:A:rule/{}
    glue databaseName arn:P:glue:R:A:database/{}
    glue jobName arn:P:glue:R:A:job/{}
    codebuild projectName arn:P:codebuild:R:A:project/{}
    kinesis streamName arn:P:kinesis:R:A:stream/{}
    elasticfilesystem fileSystemId arn:P:elasticfilesystem:R:A:file-system/{}
    es domainName arn:P:es:R:A:domain/{}
    sagemaker notebookInstanceName arn:P:sagemaker:R:A:notebook-instance/{}
    organizations policyId arn:P:organizations::A:policy/{}
    route53 hostedZoneId arn:P:route53:::hostedzone/{}
    """
}
