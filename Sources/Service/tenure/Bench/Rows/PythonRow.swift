extension BenchRow {
  static let python = BenchRow(name: "python", summary: "pycasbin, cedarpy and eventsourcing, on what they can do") { context in
    []
  }
}
