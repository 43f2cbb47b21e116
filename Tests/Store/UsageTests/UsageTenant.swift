import EventLog
import Postgres
import Temporal
import TestSupport

@testable import Usage

/// An instant of the tests' own calendar: so many hours into 2024.
func hour(_ number: Int64) -> Instant { Instant(microseconds: 1_704_067_200_000_000 + number * 3_600_000_000) }

/// A tenant of its own with a clock that the test sets; it is hour 1,000, ten days into February.
final class UsageTenant {
  let clock: TestClock
  let store: EventStore
  let tenant: Tenant

  init() throws {
    let clock = TestClock(hour(1_000))
    self.clock = clock
    store = try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }))
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
  }

  deinit { store.close() }

  var usage: UsageStore { UsageStore(tenant) }

  /// What the tenant has in a table of usage.
  func count(_ table: String) throws -> Int64 {
    try tenant.withConnection {
      try $0.query("SELECT count(*) FROM tenure.\(identifier: table) WHERE tenant_id = \(tenant.id)")[0].int64(0)
    }
  }
}

extension UsageRecord {
  /// A use that says little.
  static func of(_ id: String, at: Instant, by identity: String = "ada", action: String = "read") -> UsageRecord {
    UsageRecord(id: id, at: at, identity: identity, action: action)
  }
}

extension UsageReceipt {
  init(new: Int = 0, repeated: Int = 0, conflicting: Int = 0, tooOld: Int = 0) {
    self.init()
    self.new = new
    self.repeated = repeated
    self.conflicting = conflicting
    self.tooOld = tooOld
  }
}
