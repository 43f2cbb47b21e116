import Governance

extension TrailRecord {
  /// By whose authority the record's changes were made: who acted, from where, and the record itself as its ticket.
  var authority: Authority {
    Authority(
      actor: Actor(id: identity.id, onBehalfOf: nil), reason: reason, ticket: Ticket(system: "cloudtrail", key: id))
  }

  /// `CreateUser from 192.0.2.1 with AKIA… through cloudformation.amazonaws.com`.
  private var reason: String {
    var reason = action
    if let address { reason += " from \(address)" }
    if let key = identity.key { reason += " with \(key)" }
    if let session = identity.sessionName { reason += " in \(session)" }
    if let service = identity.invokedBy, !service.utf8.elementsEqual(identity.id.utf8) { reason += " through \(service)" }
    return TrailWords.shortened(reason, to: Limits.reasonBytes)
  }
}
