import Foundation

/// Curves over the number of events, both axes logarithmic, as an SVG picture.
struct Curves {
  /// One curve: its name and its points.
  struct Curve {
    var name: String
    var points: [(x: Double, y: Double)]
  }

  var title: String
  /// How a number on the vertical axis is written.
  var label: (Double) -> String
  var curves: [Curve]

  private static let width = 960.0
  private static let height = 560.0
  /// Left, top, right, bottom: the legend stands at the right.
  private static let margin = (left: 90.0, top: 48.0, right: 250.0, bottom: 56.0)
  /// Colours that people with any eyesight tell apart (Okabe and Ito), then shades.
  private static let colours = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#7f7f7f", "#8c564b", "#17becf",
  ]

  /// The picture; curves without a point are left out.
  var svg: String {
    let drawn = curves.filter { $0.points.contains { $0.y > 0 } }
    let all = drawn.flatMap(\.points).filter { $0.y > 0 }
    guard let (x, y) = Self.axes(all) else { return Self.frame(title, "") }
    var body = ""
    for power in x.low...x.high {
      let place = x.place(pow(10, Double(power)))
      let label = Quantity.grouped(pow(10, Double(power)))
      body += Self.line(place, y.start, place, y.end) + Self.text(place, y.start + 22, label, "middle")
    }
    body += Self.text((x.start + x.end) / 2, y.start + 44, "events in the log", "middle")
    for power in y.low...y.high {
      let place = y.place(pow(10, Double(power)))
      body += Self.line(x.start, place, x.end, place) + Self.text(x.start - 8, place + 4, label(pow(10, Double(power))), "end")
    }
    for (index, curve) in drawn.enumerated() {
      let colour = Self.colours[index % Self.colours.count]
      // Beyond the colours the same ones again, broken.
      let stroke = "stroke=\"\(colour)\" stroke-width=\"2\"" + (index < Self.colours.count ? "" : " stroke-dasharray=\"6 4\"")
      let places = curve.points.filter { $0.y > 0 }.map { (x.place($0.x), y.place($0.y)) }
      let path = places.map { "\(Self.number($0.0)),\(Self.number($0.1))" }.joined(separator: " ")
      body += "<polyline points=\"\(path)\" fill=\"none\" \(stroke)/>\n"
      for place in places {
        body += "<circle cx=\"\(Self.number(place.0))\" cy=\"\(Self.number(place.1))\" r=\"3\" fill=\"\(colour)\"/>\n"
      }
      let top = Self.margin.top + 12 + Double(index) * 20
      let level = Self.number(top - 4)
      body += "<line x1=\"\(x.end + 12)\" y1=\"\(level)\" x2=\"\(x.end + 32)\" y2=\"\(level)\" \(stroke)/>\n"
      body += Self.text(x.end + 40, top, curve.name, "start")
    }
    return Self.frame(title, body)
  }

  /// One logarithmic axis: whole powers of ten, from a place on the picture to another.
  private struct Axis {
    let low: Int
    let high: Int
    let start: Double
    let end: Double

    func place(_ value: Double) -> Double {
      start + (end - start) * (log10(value) - Double(low)) / Double(max(1, high - low))
    }
  }

  private static func axes(_ points: [(x: Double, y: Double)]) -> (Axis, Axis)? {
    func axis(_ values: [Double], _ start: Double, _ end: Double) -> Axis? {
      guard let least = values.min(), let most = values.max() else { return nil }
      let low = Int(log10(least).rounded(.down))
      return Axis(low: low, high: max(low + 1, Int(log10(most).rounded(.up))), start: start, end: end)
    }
    guard let x = axis(points.map(\.x), margin.left, width - margin.right),
      let y = axis(points.map(\.y), height - margin.bottom, margin.top)
    else { return nil }
    return (x, y)
  }

  private static func frame(_ title: String, _ body: String) -> String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(Int(width)) \(Int(height))" font-family="sans-serif" font-size="13">
    <rect width="100%" height="100%" fill="white"/>
    <text x="\(margin.left)" y="28" font-size="17">\(escaped(title))</text>
    \(body)</svg>

    """
  }

  private static func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line x1=\"\(number(x1))\" y1=\"\(number(y1))\" x2=\"\(number(x2))\" y2=\"\(number(y2))\" stroke=\"#ddd\"/>\n"
  }

  private static func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
    "<text x=\"\(number(x))\" y=\"\(number(y))\" text-anchor=\"\(anchor)\">\(escaped(text))</text>\n"
  }

  private static func number(_ value: Double) -> String { Quantity.decimal(value, 1) }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }
}
