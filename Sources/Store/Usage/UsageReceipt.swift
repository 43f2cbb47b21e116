/// What became of the records of a batch; each counts once.
public struct UsageReceipt: Hashable, Sendable {
  /// Stored now.
  public var new = 0
  /// Told before, with the same content.
  public var repeated = 0
  /// Told before under the same id with another content; what was stored first stays.
  public var conflicting = 0
  /// Older than what is kept, or of a day whose roll-up is final; not stored.
  public var tooOld = 0

  /// A receipt of nothing.
  public init() {}

  /// All records that it is about.
  public var total: Int { new + repeated + conflicting + tooOld }

  /// Adds what became of another batch.
  public static func += (sum: inout UsageReceipt, other: UsageReceipt) {
    sum.new += other.new
    sum.repeated += other.repeated
    sum.conflicting += other.conflicting
    sum.tooOld += other.tooOld
  }
}
