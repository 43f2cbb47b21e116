internal import CYAML

/// A step through a YAML text, and where it begins.
struct Event {
  enum Kind {
    case streamStart
    case streamEnd
    case documentStart
    case documentEnd
    case alias(String)
    case scalar(String, isPlain: Bool, Properties)
    case sequenceStart(Properties)
    case sequenceEnd
    case mappingStart(Properties)
    case mappingEnd
  }

  /// What may stand before a node.
  struct Properties {
    var anchor: String?
    var tag: String?
  }

  let kind: Kind
  let line: Int
  let column: Int

  func error(_ message: String) -> YAMLError { YAMLError(message, line: line, column: column) }
}

/// Reads a YAML text event by event; the only place that touches libyaml.
@safe struct EventReader: ~Copyable {
  private let parser: UnsafeMutablePointer<yaml_parser_t>

  /// A copy of the text, because libyaml keeps a pointer to it between calls.
  private let input: UnsafeMutableBufferPointer<UInt8>

  init(_ bytes: [UInt8]) {
    unsafe input = .allocate(capacity: bytes.count)
    _ = unsafe input.initialize(from: bytes)
    unsafe parser = .allocate(capacity: 1)
    guard unsafe yaml_parser_initialize(parser) == 1 else { fatalError("there is no memory for a YAML parser") }
    unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    unsafe yaml_parser_set_input_string(parser, input.baseAddress, input.count)
  }

  deinit {
    unsafe yaml_parser_delete(parser)
    unsafe parser.deallocate()
    unsafe input.deallocate()
  }

  /// The next event; after the end of the stream none may be asked for.
  mutating func next() throws(YAMLError) -> Event {
    var event = unsafe yaml_event_t()
    guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure() }
    defer { unsafe yaml_event_delete(&event) }
    let (line, column) = unsafe (Int(event.start_mark.line) + 1, Int(event.start_mark.column) + 1)
    return Event(kind: unsafe Self.kind(of: event), line: line, column: column)
  }

  @unsafe private static func kind(of event: yaml_event_t) -> Event.Kind {
    switch unsafe event.type {
    case YAML_STREAM_START_EVENT: return .streamStart
    case YAML_DOCUMENT_START_EVENT: return .documentStart
    case YAML_DOCUMENT_END_EVENT: return .documentEnd
    case YAML_ALIAS_EVENT: return .alias(unsafe text(event.data.alias.anchor) ?? "")
    case YAML_SCALAR_EVENT:
      let scalar = unsafe event.data.scalar
      let value = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return .scalar(
        unsafe String(decoding: value, as: UTF8.self), isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE,
        unsafe properties(scalar.anchor, scalar.tag))
    case YAML_SEQUENCE_START_EVENT:
      return .sequenceStart(unsafe properties(event.data.sequence_start.anchor, event.data.sequence_start.tag))
    case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      return .mappingStart(unsafe properties(event.data.mapping_start.anchor, event.data.mapping_start.tag))
    case YAML_MAPPING_END_EVENT: return .mappingEnd
    default: return .streamEnd
    }
  }

  @unsafe private static func properties(
    _ anchor: UnsafeMutablePointer<UInt8>?, _ tag: UnsafeMutablePointer<UInt8>?
  ) -> Event.Properties {
    unsafe Event.Properties(anchor: text(anchor), tag: text(tag))
  }

  /// The text of a C string that libyaml has checked to be UTF-8.
  @unsafe private static func text(_ pointer: UnsafeMutablePointer<UInt8>?) -> String? {
    guard let pointer = unsafe pointer else { return nil }
    return unsafe String(cString: pointer)
  }

  private func failure() -> YAMLError {
    let state = unsafe parser.pointee
    if unsafe state.error == YAML_MEMORY_ERROR { fatalError("there is no memory to parse YAML") }
    let problem = unsafe state.problem.map { unsafe String(cString: $0) } ?? "the text is not YAML"
    if unsafe state.error == YAML_READER_ERROR {
      // The reader, which checks the encoding, runs ahead of the marks and gives an offset in bytes.
      let (line, column) = unsafe place(atByte: state.problem_offset)
      return YAMLError(problem, line: line, column: column)
    }
    let context = unsafe state.context.map { unsafe " " + String(cString: $0) } ?? ""
    let mark = unsafe state.problem_mark
    return YAMLError(problem + context, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
  }

  private func place(atByte offset: Int) -> (line: Int, column: Int) {
    var (line, column) = (1, 1)
    for byte in unsafe Array(input.prefix(offset)) {
      if byte == UInt8(ascii: "\n") {
        (line, column) = (line + 1, 1)
      } else if byte & 0b1100_0000 != 0b1000_0000 {
        column += 1
      }
    }
    return (line, column)
  }
}
