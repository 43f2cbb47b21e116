/// Builds JSON pointers (RFC 6901).
public enum JSONPointer {
  /// The pointer to the whole document.
  public static let root = ""

  /// The pointer to the member or element so named, inside the value that another pointer names.
  public static func child(_ token: String, of pointer: String) -> String {
    var child = pointer
    child.reserveCapacity(pointer.utf8.count + token.utf8.count + 1)
    child.unicodeScalars.append("/")
    for scalar in token.unicodeScalars {
      switch scalar {
      case "~": child += "~0"
      case "/": child += "~1"
      default: child.unicodeScalars.append(scalar)
      }
    }
    return child
  }

  /// The pointer to the element at that place, inside the array that another pointer names.
  public static func child(_ index: Int, of pointer: String) -> String {
    "\(pointer)/\(index)"
  }
}
