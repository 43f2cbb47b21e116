import EventLog
import Governance
import Usage

/// One report that auditors ask for: what it answers, and how its rows are found.
public struct AuditReport: Sendable {
  /// What a report is about in time.
  public enum Time: String, Sendable {
    /// One moment: `at`.
    case moment
    /// A stretch: `from` and `to`.
    case stretch
  }

  /// One thing that a report may be asked with.
  public struct Parameter: Sendable {
    /// Its name, in the command and in the API alike.
    public let name: String
    /// Whether the report cannot do without it.
    public let isRequired: Bool
    /// What it means, and what holds where it is left out.
    public let summary: String
    /// Why a value of it makes no sense; nil where it does.
    let problem: @Sendable (String) -> String?

    init(
      _ name: String, required: Bool = false, _ summary: String, problem: @escaping @Sendable (String) -> String? = { _ in nil }
    ) {
      self.name = name
      isRequired = required
      self.summary = summary
      self.problem = problem
    }
  }

  /// Where the rows come from.
  enum Rows: Sendable {
    /// Of each of these keys some rows, asked for in slices; the keys are held in memory, the rows are not.
    case keys(
      @Sendable (ReportContext) throws -> [String], perSlice: Int, @Sendable (ReportContext, [String]) throws -> [ReportRow])
    /// Of each event of these types some rows, page by page; what was voided is left out.
    case events([String], @Sendable (ReportContext, [RecordedEvent]) throws -> [ReportRow])
    /// Of usage by identity, action, resource and day, within the stretch or up to the moment, page by page.
    case usage(@Sendable (ReportContext, [DailyUsage]) throws -> [ReportRow])
    /// Of each assignment that has ended by the moment and was not seen to be gone, page by page.
    case openEndings(@Sendable (ReportContext, [Fulfilment]) throws -> [ReportRow])
    /// Of each event whatever its type, voided ones too.
    case log(@Sendable (ReportContext, [RecordedEvent]) throws -> [ReportRow])
  }

  /// The name, as the command and the API take it.
  public let name: String
  /// Its number in the list of evidence that auditors ask for, such as R9; README says which list.
  public let number: String
  /// What it answers, in a line.
  public let title: String
  /// The controls that it is evidence for.
  public let controls: [String]
  /// What it is about in time.
  public let time: Time
  /// What it may be asked with.
  public let parameters: [Parameter]
  /// The names of the columns, in their order.
  public let columns: [String]
  let rows: Rows
  /// Totals that must agree with the log, beside those that follow from where the rows come from.
  let totals: @Sendable (ReportContext) throws -> [ControlTotal]
  /// Whether the events that the rows name are counted, in the column `event`, each once, against the log.
  let countsEvents: Bool

  init(
    _ name: String, _ number: String, _ title: String, controls: [String], _ time: Time, parameters: [Parameter] = [],
    columns: [String],
    _ rows: Rows, totals: @escaping @Sendable (ReportContext) throws -> [ControlTotal] = { _ in [] },
    countsEvents: Bool = false
  ) {
    precondition(!countsEvents || columns.contains("event"), "\(name) names its events")
    precondition(Set(columns).count == columns.count, "the columns of \(name) have names of their own")
    self.name = name
    self.number = number
    self.title = title
    self.controls = controls
    self.time = time
    self.parameters = parameters
    self.columns = columns
    self.rows = rows
    self.totals = totals
    self.countsEvents = countsEvents
  }

  /// The report of a name.
  public static func named(_ name: String) -> AuditReport? { all.first { $0.name == name } }
}
