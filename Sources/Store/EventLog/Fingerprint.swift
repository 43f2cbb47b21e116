import Cryptography
import Governance
import JSON

/// What makes two batches of one idempotency key the same: commands, source, basis and mode; of commands that were made from what was
/// asked, that.
///
/// Personal values enter it only through a salt that lies beside the log and is erased with them; a plain digest kept for ever
/// would let anyone who guesses a name or an address see whether the guess was right.
struct Fingerprint: Hashable, Sendable {
  /// The digest of all but the personal values.
  let plain: Digest
  /// The personal values in order, canonical; empty where there are none.
  let personal: [UInt8]
  /// How many personal values there are.
  let personalCount: Int

  /// The bytes of the batch's canonical form.
  let byteCount: Int
  /// Whether it is of what was asked, and not of the commands that came of it.
  let isOfQuestion: Bool

  /// The fingerprint of what was asked, where the commands are made from that.
  ///
  /// - Parameter byteCount: of the commands, where they are made already. The default is none.
  init(asked: Digest, byteCount: Int = 0) {
    var form = CanonicalForm()
    form.beginObject()
    form.word("asked", asked.hexadecimal)
    form.endObject()
    plain = SHA256.digest(form.bytes)
    (personal, personalCount, isOfQuestion) = ([], 0, true)
    self.byteCount = byteCount
  }

  /// The fingerprint of a batch.
  init(_ submission: Submission) {
    if let asked = submission.asked {
      self.init(asked: asked, byteCount: Self(commandsOf: submission).byteCount)
    } else {
      self.init(commandsOf: submission)
    }
  }

  private init(commandsOf submission: Submission) {
    var personal: [UInt8] = []
    var personalCount = 0
    var form = CanonicalForm()
    form.beginObject()
    form.word("basis", submission.basis.rawValue)
    form.beginArray("commands")
    for command in submission.commands {
      Self.open(command, &personal, &personalCount).write(to: &form)
    }
    form.endArray()
    form.word("mode", submission.mode.rawValue)
    form.word("source", submission.source)
    form.endObject()
    plain = SHA256.digest(form.bytes)
    byteCount = form.bytes.count + personal.count
    self.personal = personal
    self.personalCount = personalCount
    isOfQuestion = false
  }

  /// The command without its personal values, which are taken out.
  private static func open(_ command: Command, _ personal: inout [UInt8], _ personalCount: inout Int) -> Command {
    var attributes = command.change.attributes
    if attributes.isEmpty { return command }
    let found = attributes.filter { Sealing.isOpenPersonal($0.key, $0.value) }
    if found.isEmpty { return command }
    for (name, value) in found.sorted(by: { $0.key.precedes($1.key) }) {
      value.json.appendCanonical(to: &personal)
      personalCount += 1
      attributes[name] = .open(true)
    }
    var command = command
    command.change = command.change.with(attributes: attributes)
    return command
  }

  /// The digests that are kept, given the salt of the batch's first personal value.
  func kept(salt: [UInt8]?) -> KeptDigest {
    KeptDigest(plain: plain, personal: salt.map { SHA256.digest(of: [plain.bytes, $0, personal]) })
  }
}

/// What is kept of a body with its key.
struct KeptDigest: Hashable, Sendable {
  /// The digest of all but the personal values.
  var plain: Digest
  /// The salted digest with the personal values; nil where there were none.
  var personal: Digest?
}
