public import Temporal
public import Usage

/// What an import of a trail did.
public struct CloudTrailReport: Hashable, Sendable {
  /// The accounts whose trail it is, in order.
  public internal(set) var accounts: [String] = []
  /// Files that were read.
  public internal(set) var files = 0
  /// Records in them, each once.
  public internal(set) var records = 0
  /// Records that came again under the same id.
  public internal(set) var duplicates = 0
  /// Records of unusual numbers of calls, which tell of no call of their own.
  public internal(set) var insights = 0
  /// The first record's instant.
  public internal(set) var from: Instant?
  /// The last record's instant.
  public internal(set) var to: Instant?
  /// Records, and parts of the baseline, that changed something and are recorded now.
  public internal(set) var recorded = 0
  /// Events that they made.
  public internal(set) var events = 0
  /// Records that were recorded before.
  public internal(set) var known = 0
  /// What became of the records as usage.
  public internal(set) var usage = UsageReceipt()
  /// Days that usage is kept from now on, where that had to be raised for the oldest record.
  public internal(set) var keptDays: Int?
  /// The instant that the baseline is taken for, and why.
  public internal(set) var baseline: String?
  /// What was not understood, each with how often.
  public internal(set) var remarks: [String: Int] = [:]
  /// Records that were passed over because they cannot be read.
  public internal(set) var invalid: [TrailError] = []

  mutating func remark(_ text: String) {
    if remarks[text] == nil, remarks.count >= TrailLimits.remarks {
      remarks["further remarks", default: 0] += 1
      return
    }
    remarks[text, default: 0] += 1
  }
}
