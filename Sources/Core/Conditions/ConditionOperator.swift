/// An operator of a condition: `StringLike`, `ForAnyValue:StringEquals`, `NumericLessThanIfExists`.
///
/// The names and their meaning are those of AWS's policy language.
public struct ConditionOperator: Hashable, Sendable {
  /// How values are compared.
  enum Test: Hashable, Sendable {
    case text(ignoringCase: Bool)
    case like
    case number(Order)
    case instant(Order)
    case truth
    case binary
    case address
    case resourceName
    /// Whether the key is absent.
    case absence
  }

  /// What a value has to be, compared with that of the condition.
  enum Order: Hashable, Sendable {
    case equal, less, lessOrEqual, greater, greaterOrEqual
  }

  /// How a key with several values is asked.
  enum Quantifier: Hashable, Sendable {
    /// The key has one value.
    case single
    case forAny, forAll
  }

  let test: Test
  /// None of the condition's values may match.
  let isNegated: Bool
  let quantifier: Quantifier
  /// Holds where the key is absent.
  let ifExists: Bool

  /// The operators without prefix and suffix.
  private static let tests: [String: (Test, isNegated: Bool)] = [
    "StringEquals": (.text(ignoringCase: false), false), "StringNotEquals": (.text(ignoringCase: false), true),
    "StringEqualsIgnoreCase": (.text(ignoringCase: true), false),
    "StringNotEqualsIgnoreCase": (.text(ignoringCase: true), true), "StringLike": (.like, false),
    "StringNotLike": (.like, true),
    "NumericEquals": (.number(.equal), false), "NumericNotEquals": (.number(.equal), true),
    "NumericLessThan": (.number(.less), false), "NumericLessThanEquals": (.number(.lessOrEqual), false),
    "NumericGreaterThan": (.number(.greater), false), "NumericGreaterThanEquals": (.number(.greaterOrEqual), false),
    "DateEquals": (.instant(.equal), false), "DateNotEquals": (.instant(.equal), true),
    "DateLessThan": (.instant(.less), false),
    "DateLessThanEquals": (.instant(.lessOrEqual), false), "DateGreaterThan": (.instant(.greater), false),
    "DateGreaterThanEquals": (.instant(.greaterOrEqual), false), "Bool": (.truth, false), "BinaryEquals": (.binary, false),
    "IpAddress": (.address, false), "NotIpAddress": (.address, true), "ArnEquals": (.resourceName, false),
    "ArnLike": (.resourceName, false), "ArnNotEquals": (.resourceName, true), "ArnNotLike": (.resourceName, true),
    "Null": (.absence, false),
  ]

  /// The names without prefix and suffix, sorted.
  public static let names: [String] = tests.keys.sorted()

  /// Reads an operator; nil where there is none of that name.
  public init?(_ text: String) {
    var rest = text[...]
    switch text.split(separator: ":", maxSplits: 1).first {
    case "ForAnyValue": quantifier = .forAny
    case "ForAllValues": quantifier = .forAll
    default: quantifier = .single
    }
    if quantifier != .single { rest = rest[(rest.firstIndex(of: ":") ?? rest.startIndex)...].dropFirst() }
    ifExists = rest.hasSuffix("IfExists")
    if ifExists { rest = rest.dropLast("IfExists".count) }
    guard let known = Self.tests[String(rest)] else { return nil }
    // Whether a key exists is one question, whatever its values.
    if known.0 == .absence, ifExists || quantifier != .single { return nil }
    (test, isNegated) = known
  }

  /// The kinds of keys that it can match.
  var kinds: Set<ConditionKey.Kind> {
    switch test {
    case .text, .like, .resourceName, .binary: [.text, .any]
    case .number: [.number, .any]
    case .instant: [.instant, .any]
    case .truth: [.truth, .any]
    case .address: [.address, .any]
    case .absence: [.text, .number, .truth, .address, .any]
    }
  }

  /// Whether its values may hold variables.
  var takesVariables: Bool {
    switch test {
    case .text, .like, .truth, .resourceName: true
    case .number, .instant, .binary, .address, .absence: false
    }
  }
}
