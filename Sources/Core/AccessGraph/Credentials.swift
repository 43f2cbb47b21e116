import Governance
import Memory
import Temporal

/// A credential's document, its ids as texts: 32 bytes, for sessions are many.
struct CredentialRecord: BitwiseCopyable {
  let kind: CredentialKind
  let identity: Int32
  let holder: Int32
  let grant: Int32
  let parent: Int32
  let expires: Int64

  init(kind: CredentialKind, identity: Int32, holder: Int32, grant: Int32, parent: Int32, expires: Int64) {
    self.kind = kind
    self.identity = identity
    self.holder = holder
    self.grant = grant
    self.parent = parent
    self.expires = expires
  }

  /// The text that it names in a place.
  func text(_ place: CredentialEndKey.Place) -> Int32 {
    switch place {
    case .identity: identity
    case .holder: holder
    case .grant: grant
    case .parent: parent
    }
  }
}

/// What credentials are listed by.
struct CredentialEndKey: Hashable {
  enum Place: UInt8, CaseIterable { case identity, holder, grant, parent }
  let place: Place
  /// The text of the id.
  let text: Int32
}

extension AccessGraph {
  func add(_ credential: CredentialRecord) -> Int32 {
    credentials.append(credential)
    return Int32(credentials.count - 1)
  }

  func add(_ document: CredentialDocument) -> Int32 {
    func number(_ id: String?) -> Int32 { id.map { texts.number($0) } ?? none }
    return add(
      CredentialRecord(
        kind: document.kind, identity: texts.number(document.identity), holder: number(document.holder),
        grant: number(document.grant), parent: number(document.parent), expires: document.expiresAt?.microseconds ?? never))
  }

  /// The document that was added at that place.
  func credential(_ index: Int32) -> CredentialDocument {
    let record = credentials[index]
    func text(_ number: Int32) -> String? { number == none ? nil : texts[number] }
    return CredentialDocument(
      kind: record.kind, identity: texts[record.identity], holder: text(record.holder), grant: text(record.grant),
      parent: text(record.parent), expiresAt: record.expires == never ? nil : Instant(microseconds: record.expires))
  }

  /// Lists a credential under the ends that a beginning of it names.
  ///
  /// What is taken back stays listed: readers look at the entries.
  func noteEnds(of node: Int32, _ credential: CredentialRecord) {
    for place in CredentialEndKey.Place.allCases where credential.text(place) != none {
      let key = CredentialEndKey(place: place, text: credential.text(place))
      let list = credentialLists[key] ?? factLists.make()
      credentialLists[key] = list
      let view = factLists.view(list)
      // A revision in a row, the usual one, is not listed again.
      if view.count == 0 || view[view.count - 1] != node { factLists.append(node, to: list) }
    }
  }

  /// The credentials that an event up to k ever gave this end, each once.
  func credentialNodes(of end: CredentialEnd, asKnownAt k: Int64) -> [Int32] {
    guard let key = key(of: end), let list = credentialLists[key] else { return [] }
    var seen: Set<Int32> = []
    return listedFacts(list).filter { node in
      guard seen.insert(node).inserted else { return false }
      var isNamed = false
      forEachEntry(of: nodes[node].existence) { entry in
        if entry.effect == .begins, entry.position <= k, credentials[entry.value].text(key.place) == key.text { isNamed = true }
      }
      return isNamed
    }
  }

  private func key(of end: CredentialEnd) -> CredentialEndKey? {
    func key(_ place: CredentialEndKey.Place, _ id: String) -> CredentialEndKey? {
      texts.find(id).map { CredentialEndKey(place: place, text: $0) }
    }
    return switch end {
    case .identity(let id): key(.identity, id)
    case .holder(let id): key(.holder, id)
    case .grant(let id): key(.grant, id)
    case .parent(let id): key(.parent, id)
    }
  }
}
