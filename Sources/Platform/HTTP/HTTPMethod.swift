/// What a request asks to be done to a resource (RFC 9110 §9, RFC 5789).
public enum HTTPMethod: String, Sendable, CaseIterable {
  /// Read a resource.
  case get = "GET"
  /// Read a resource's headers only; served from GET.
  case head = "HEAD"
  /// Do what the resource says it does.
  case post = "POST"
  /// Replace a resource.
  case put = "PUT"
  /// Change part of a resource.
  case patch = "PATCH"
  /// Remove a resource.
  case delete = "DELETE"
  /// Ask which methods a resource has; served by the router.
  case options = "OPTIONS"
  /// Any other method; no route can have it.
  case other = "OTHER"
}
