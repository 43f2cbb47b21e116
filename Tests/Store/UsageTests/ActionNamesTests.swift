import Testing

@testable import Usage

/// What permissions call what sources tell.
@Suite struct ActionNamesTests {
  @Test(
    arguments: [
      ("lambda:AddPermission20150331v2", "lambda:AddPermission"), ("lambda:CreateFunction20150331", "lambda:CreateFunction"),
      ("lambda:GetFunction20150331v2", "lambda:GetFunction"), ("lambda:ListTags20170331", "lambda:ListTags"),
      ("lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionCodeSigningConfig"),
      ("lambda:Invoke", "lambda:InvokeFunction"),
      ("cloudfront:CreateDistribution2020_05_31", "cloudfront:CreateDistribution"),
      ("s3:ListBuckets", "s3:ListAllMyBuckets"), ("s3:HeadObject", "s3:GetObject"), ("s3:ListObjects", "s3:ListBucket"),
      ("s3:GetBucketVersioning", "s3:GetBucketVersioning"), ("s3:GetBucketLifecycle", "s3:GetLifecycleConfiguration"),
      ("s3:DeleteBucketLifecycle", "s3:PutLifecycleConfiguration"), ("s3:GetBucketCors", "s3:GetBucketCORS"),
      ("monitoring:DescribeAlarms", "cloudwatch:DescribeAlarms"), ("apigateway:CreateRestApi", "apigateway:POST"),
      ("ec2:DescribeInstances", "ec2:DescribeInstances"), ("s3:20150331", "s3:20150331"), ("s3:Get19990331", "s3:Get19990331"),
      ("ssm:Getv2", "ssm:Getv2"), ("read", "read"), ("", ""), (":", ":"), ("repo.admin", "repo.admin"),
    ])
  func `the name that permissions have`(source: String, permission: String) {
    #expect(ActionNames.permission(for: source) == permission)
    // Names of permissions are their own.
    #expect(ActionNames.permission(for: permission) == permission)
  }

  @Test func `an event of CloudTrail has both names`() {
    let names = ActionNames.cloudTrail("ListBuckets", of: "s3.amazonaws.com")
    #expect(names.source == "s3:ListBuckets")
    #expect(names.permission == "s3:ListAllMyBuckets")
  }
}
