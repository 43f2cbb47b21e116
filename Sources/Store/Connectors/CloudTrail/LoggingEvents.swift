import JSON

/// What keeps trails from recording: each trail's own gap, whether or not it is the one that is read.
extension TrailReader {
  func loggingEvents(_ record: TrailRecord) -> [TrailStep] {
    switch record.name {
    case "StartLogging", "StopLogging", "DeleteTrail":
      guard let trail = trail(record, "name") else { return remark(record, "names no trail") }
      return [.logs(trail: trail, .logging, isOn: record.name == "StartLogging")]
    case "PutEventSelectors":
      guard let trail = trail(record, "trailName") else { return remark(record, "names no trail") }
      guard let isOn = selectsManagementEvents(record) else { return remark(record, "selects what is not known") }
      return [.logs(trail: trail, .managementEvents, isOn: isOn)]
    default: return []
    }
  }

  private func trail(_ record: TrailRecord, _ member: String) -> String? {
    guard let name = record.answered("trailARN") ?? record.asked(member) else { return nil }
    return AmazonName(name) == nil ? names.arn("cloudtrail", record, "trail/\(name)") : TrailWords.fitted(name)
  }

  /// Whether a trail records all reads and writes of the control plane; nil where the record does not say.
  private func selectsManagementEvents(_ record: TrailRecord) -> Bool? {
    if let selectors = record.request["eventSelectors"]?.arrayValue {
      return selectors.contains { selector in
        let isLeftOut = !(selector["excludeManagementEventSources"]?.arrayValue ?? []).isEmpty
        let kind = selector["readWriteType"]?.stringValue ?? "All"
        return selector["includeManagementEvents"]?.boolValue ?? true && kind == "All" && !isLeftOut
      }
    }
    guard let selectors = record.request["advancedEventSelectors"]?.arrayValue else { return nil }
    return selectors.contains { selector in
      guard let fields = selector["fieldSelectors"]?.arrayValue else { return false }
      // Any further field makes the selection smaller.
      return fields.count == 1 && fields[0]["field"]?.stringValue == "eventCategory"
        && fields[0]["equals"]?.arrayValue?.contains { $0.stringValue == "Management" } ?? false
    }
  }
}
