internal import CMalloc

/// What the allocator keeps of memory that was given back.
public enum Allocator {
  /// Gives whole pages that nobody uses back to the system, after much was freed at once.
  ///
  /// The allocator keeps them otherwise, in the arena of whichever thread took them. Some milliseconds for each gigabyte. The
  /// corresponding C function is `malloc_trim`.
  public static func giveBack() { _ = malloc_trim(0) }
}
