import Governance
import JSON
import Memory

extension AccessGraph {
  /// What a value that is kept as an object takes, in round numbers: a document with its strings, arrays and dictionaries.
  private enum Estimate {
    static let role = 1_024
    static let policy = 512
    static let condition = 512
    static let request = 1_024
    static let finding = 768
    static let review = 512
    static let attribute = 64
    /// Of a hash table of small keys, with the room that it keeps.
    static let tableEntry = 32
  }

  /// Bytes that the graph takes: flat storage as it is, the few kinds of objects beside it by estimate.
  ///
  /// O(indexes of time). What the allocator keeps of what was given back is not in it.
  public var bytes: Int {
    let records =
      nodes.bytes + nodeTexts.bytes + facts.bytes + entries.bytes + bareEvents.bytes + grants.bytes + resources.bytes
    let issued = credentials.bytes + credentialLists.count * Estimate.tableEntry
    let listed = edges.bytes + factLists.bytes + timeIndexes.reduce(0) { $0 + $1.bytes }
    let names =
      texts.bytes + nodeNumbers.bytes + factNumbers.bytes + resourceNumbers.bytes + identityOrder.bytes + nameLists.bytes
    let numbers =
      (policyNodes.capacity + requestNodes.capacity + reviewNodes.capacity + roleNodes.capacity + sourceNodes.capacity
        + identityNodes.capacity) * 4
    let values =
      roles.count * Estimate.role + policies.count * Estimate.policy + conditions.count * Estimate.condition
      + requests.count * Estimate.request + findings.count * Estimate.finding
      + (reviews.count + reviewItems.count) * Estimate.review
      + attributes.count * Estimate.attribute
      + gaps.count * MemoryLayout<GapKey>.stride
    let tables =
      gapNumbers.count + factsBySource.count + furtherSources.count + dues.count + trustScopes.count
      + includers.reduce(0) { $0 + $1.value.count }
      + approvalLists.count
    return records + issued + listed + names + numbers + values + tables * Estimate.tableEntry
  }
}
