import Foundation
import Jobs
import Temporal
import Testing

/// The files that have cron or systemd run Tenure.
@Suite struct UnitFileTests {
  @Test func `systemd finds nothing wrong with the units`() throws {
    let analyze = "/usr/bin/systemd-analyze"
    guard FileManager.default.isExecutableFile(atPath: analyze) else {
      print("skipped: there is no \(analyze)")
      return
    }
    let folder = try ScratchFolder()
    let units = try Self.files("ops/systemd")
    let ofJobs = Job.all.flatMap { ["tenure-\($0.name).service", "tenure-\($0.name).timer"] }
    #expect(Set(units.map(\.name)) == Set(["tenure.service"] + ofJobs))
    for unit in units {
      // The program is not installed where the units have it.
      try folder.write(unit.text.replacing("/usr/local/bin/tenure", with: "/bin/true"), to: unit.name)
    }
    // It says what it ignores, and ends with 0 all the same.
    let log = folder.path("log")
    try folder.run(["sh", "-c", "\(analyze) verify ./*.service ./*.timer >log 2>&1"])
    #expect(try String(contentsOfFile: log, encoding: .utf8).isEmpty)
  }

  @Test func `every line of the crontab is a schedule and a job that there is`() throws {
    let lines = try Self.files("ops/cron").flatMap { $0.text.split(separator: "\n") }.filter { line in
      !line.hasPrefix("#") && !line.contains("=")
    }
    #expect(!lines.isEmpty)
    #expect(lines.count == Job.all.count)
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      let schedule = try CronSchedule(words.prefix(5).joined(separator: " "))
      #expect(schedule.next(after: .earliest) != nil)
      #expect(Array(words[5..<8]) == ["/usr/local/bin/tenure", "job", "run"])
      #expect(Job.named(words[8]) != nil, "\(line)")
    }
  }

  @Test func `each job's unit runs the job of its name`() throws {
    let units = try Self.files("ops/systemd").filter { $0.name.hasPrefix("tenure-") && $0.name.hasSuffix(".service") }
    let jobs = units.map { $0.name.dropFirst("tenure-".count).dropLast(".service".count) }.map(String.init)
    #expect(jobs == Job.all.map(\.name))
    for (unit, job) in zip(units, jobs) {
      #expect(unit.text.contains("\nExecStart=/usr/local/bin/tenure job run \(job)\n"))
    }
  }

  private static func files(_ folder: String) throws -> [(name: String, text: String)] {
    let path = TidyTests.root.appending(path: folder)
    return try FileManager.default.contentsOfDirectory(atPath: path.path).sorted().map { name in
      (name, try String(contentsOf: path.appending(path: name), encoding: .utf8))
    }
  }
}
