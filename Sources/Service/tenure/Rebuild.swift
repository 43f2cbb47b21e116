import EventLog
import JSON
import Relations

extension Subcommand {
  static let rebuild = Subcommand(
    name: "rebuild", summary: "folds the log anew and mends the relation tables where they differ",
    usage: "rebuild [--tenant NAME]"
  ) { arguments in
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let rebuild = Rebuild(tenant: try session.tenant(name).id) { body, position in
        try EventCodec.decode(Array(body.utf8), at: position)
      }
      let progress = Progress("rebuilding \(name)")
      let report = try rebuild.run(on: try session.connect()) { done, total in progress.advance(done, of: total) }
      switch format {
      case .json: try Output.standard.writeBytes(report.json.canonicalBytes() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeBytes(Array(report.text.utf8))
      }
      return report.isClean ? .yes : .no
    }
  }
}

extension RebuildReport {
  fileprivate var text: String {
    var text = "folded \(events) events\n"
    for difference in differences {
      text += "\(difference.table): \(difference.missing) rows missing, \(difference.extra) too many; mended\n"
      for example in difference.examples { text += "  \(example)\n" }
    }
    return text + (isClean ? "no difference\n" : "mended; running nodes load anew\n")
  }

  fileprivate var json: JSONValue {
    let tables = differences.map { difference -> JSONValue in
      [
        "table": .string(difference.table), "missing": .integer(difference.missing), "extra": .integer(difference.extra),
        "examples": .array(difference.examples.map { .string($0) }),
      ]
    }
    return ["events": .integer(events), "is_clean": .bool(isClean), "differences": .array(tables)]
  }
}
