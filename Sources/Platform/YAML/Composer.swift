/// Builds the tree from the events.
struct Composer: ~Copyable {
  /// A finished node with what it counts against the limits.
  private struct Part {
    let node: YAMLNode
    /// The nodes in it, itself and resolved aliases included.
    let nodes: Int
    /// The levels of sequences and mappings in it; 0 for a scalar.
    let height: Int
  }

  private var events: EventReader
  private let limits: YAMLLimits
  private var parts: [String: Part] = [:]
  private var nodes = 0

  init(events: consuming EventReader, limits: YAMLLimits) {
    self.events = events
    self.limits = limits
  }

  /// The root of the only document, or nothing where there is none.
  mutating func document() throws(YAMLError) -> YAMLNode? {
    _ = try events.next()  // the start of the stream
    guard case .documentStart = try events.next().kind else { return nil }
    let root = try part(events.next(), depth: 0).node
    _ = try events.next()  // the end of the document
    let last = try events.next()
    guard case .streamEnd = last.kind else { throw last.error("a second document begins; only one is read") }
    return root
  }

  private mutating func part(_ event: Event, depth: Int) throws(YAMLError) -> Part {
    switch event.kind {
    case .alias(let anchor):
      guard let part = parts[anchor] else {
        throw event.error("the alias *\(anchor) stands for nothing that is complete before it")
      }
      try count(part.nodes, event)
      try check(depth: depth + part.height, event)
      return part
    case .scalar(let text, let isPlain, let properties):
      guard !text.utf8.contains(0) else { throw event.error("the character U+0000 cannot be stored") }
      return try finish(.scalar(text, isPlain: isPlain), properties, event, nodes: 1, height: 0)
    case .sequenceStart(let properties):
      try check(depth: depth + 1, event)
      return try sequence(properties, event, depth: depth + 1)
    case .mappingStart(let properties):
      try check(depth: depth + 1, event)
      return try mapping(properties, event, depth: depth + 1)
    default:
      throw event.error("a node is missing")
    }
  }

  private mutating func sequence(
    _ properties: Event.Properties, _ start: Event, depth: Int
  ) throws(YAMLError) -> Part {
    var elements: [YAMLNode] = []
    var (nodes, height) = (1, 1)
    while true {
      let event = try events.next()
      if case .sequenceEnd = event.kind {
        return try finish(.sequence(elements), properties, start, nodes: nodes, height: height)
      }
      let element = try part(event, depth: depth)
      elements.append(element.node)
      nodes += element.nodes
      height = max(height, element.height + 1)
    }
  }

  private mutating func mapping(
    _ properties: Event.Properties, _ start: Event, depth: Int
  ) throws(YAMLError) -> Part {
    var pairs: [YAMLNode.Pair] = []
    var lines: [String: Int] = [:]
    var (nodes, height) = (1, 1)
    while true {
      let event = try events.next()
      if case .mappingEnd = event.kind {
        return try finish(.mapping(pairs), properties, start, nodes: nodes, height: height)
      }
      let key = try part(event, depth: depth)
      try check(key: key.node, event, lines: &lines)
      let value = try part(events.next(), depth: depth)
      pairs.append(YAMLNode.Pair(key: key.node, value: value.node))
      nodes += key.nodes + value.nodes
      height = max(height, value.height + 1)
    }
  }

  /// Refuses a key that is no scalar, is a merge key, or was seen before in the mapping.
  private func check(key: YAMLNode, _ event: Event, lines: inout [String: Int]) throws(YAMLError) {
    guard case .scalar(let text, let isPlain) = key.content else {
      throw event.error("a key must be a text, not \(key.kindName)")
    }
    guard text != "<<" || !isPlain else {
      throw event.error("merge keys (<<) are not supported; write the keys out")
    }
    if let line = lines.updateValue(event.line, forKey: text) {
      throw event.error("the key `\(text)` is already on line \(line)")
    }
  }

  private mutating func finish(
    _ content: YAMLNode.Content, _ properties: Event.Properties, _ event: Event, nodes: Int, height: Int
  ) throws(YAMLError) -> Part {
    try count(1, event)
    let node = YAMLNode(content: content, tag: properties.tag, line: event.line, column: event.column)
    let part = Part(node: node, nodes: nodes, height: height)
    if let anchor = properties.anchor { parts[anchor] = part }
    return part
  }

  private mutating func count(_ added: Int, _ event: Event) throws(YAMLError) {
    nodes += added
    guard nodes <= limits.nodes else {
      throw event.error("the document has more than \(limits.nodes) nodes, aliases resolved")
    }
  }

  private func check(depth: Int, _ event: Event) throws(YAMLError) {
    guard depth <= limits.depth else {
      throw event.error("lists and mappings are nested deeper than \(limits.depth) levels")
    }
  }
}
