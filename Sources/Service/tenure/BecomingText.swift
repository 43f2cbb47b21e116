import AccessGraph
import Governance
import JSON
import Temporal

/// Ways of becoming another identity as people read them.
extension BecomingAnswer {
  /// The ways, each as it is written there, and whether these are all; nothing where there are none.
  func text(_ write: (Becoming) -> String) -> String {
    ways.map(write).joined() + (isWhole ? "" : "  there are more ways of becoming another: a limit was hit\n")
  }
}

extension Becoming {
  /// Beside `who`: `becoming: eve becomes ci becomes deploy (conditional)`.
  var whoText: String { "  becoming: \(chain)\(note)\n" }

  /// Beside `what`: the same, its rights being asked about by the name of whom it becomes.
  var whatText: String { whoText }

  private var chain: String { steps.reduce(identity) { "\($0)\($1.by) becomes \($1.becomes)" } }

  private var note: String { status == .allowed ? "" : " (\(status.rawValue))" }
}

extension StretchBecomingAnswer {
  /// One line for each stretch: `becoming: eve becomes ci  2024-01-01… – 2024-02-01…  conditional`.
  var text: String {
    var table = TextTable()
    for way in ways {
      let chain = way.steps.reduce(way.identity) { "\($0) becomes \($1.becomes)" }
      for (set, word) in [(way.allowed, ""), (way.conditional, "conditional"), (way.unknown, "unknown")] {
        for interval in set.intervals { table.add("  becoming: \(chain)", interval.text, word) }
      }
    }
    return table.text.trimmingLines + (isWhole ? "" : "  there are more ways of becoming another: a limit was hit\n")
  }
}

extension BecomingStep {
  /// One line of a path: `eve becomes deploy: identity:assume by assignment a1`.
  var text: String {
    "\(identity)\(by) becomes \(becomes): \(action) by assignment \(assignment)"
      + (status == .allowed ? "" : ", \(status.rawValue)")
  }

  fileprivate var by: String { account.map { ", as \($0)," } ?? "" }
}
