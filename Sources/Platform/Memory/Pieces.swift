internal import Glibc

/// Memory for much at once, in large pages where the system has them.
///
/// A graph is read all over the place, and beyond eight megabytes the processor would look a small page up for nearly every
/// read. The corresponding C functions are `posix_memalign` and `madvise`.
enum LargePages {
  private static let size = 2 << 20
  /// Records of so many bytes lie in one each.
  private static let cacheLine = 64

  /// Room for so many bytes; given back by `free`.
  static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer {
    var memory: UnsafeMutableRawPointer?
    let isLarge = bytes >= size
    if unsafe posix_memalign(&memory, isLarge ? size : cacheLine, bytes) == 0, isLarge {
      // An advice: where it is not followed, pages are small.
      unsafe madvise(memory, bytes, MADV_HUGEPAGE)
    }
    guard let memory = unsafe memory else { fatalError("there is no memory for \(bytes) bytes") }
    return unsafe memory
  }
}

/// Pieces of memory whose sizes double, cut one after another from larger ones; what is given back serves again.
///
/// So they lie close together, without the allocator's own bytes beside each.
@safe @usableFromInline final class Pieces {
  /// Pieces of so many bytes are not cut but stand alone, so that growing out of them gives them back to the system.
  private static let largestCut = 16 << 10
  private static let (smallestSlab, largestSlab) = (64 << 10, 32 << 20)

  private let unit: Int
  private var slabs = unsafe [UnsafeMutableRawPointer]()
  /// What is left of the last slab.
  private var rest: UnsafeMutableRawPointer?
  private var restBytes = 0
  /// Pieces that were given back, by their size; each holds the address of the next.
  private var returned = unsafe [UnsafeMutableRawPointer?](repeating: nil, count: 64)
  /// Bytes that were cut or stand alone.
  private(set) var bytes = 0

  /// Pieces of `unit` bytes, twice as many, and so on.
  ///
  /// - Precondition: the unit can hold an address.
  init(unit: Int) {
    precondition(unit >= MemoryLayout<UInt>.size, "a piece can hold an address")
    self.unit = unit
  }

  deinit {
    unsafe slabs.forEach { unsafe free($0) }
  }

  private func isCut(_ doublings: Int) -> Bool { unit << doublings < Self.largestCut }

  /// A piece of `unit` bytes doubled so many times.
  @usableFromInline func take(_ doublings: Int) -> UnsafeMutableRawPointer {
    let wanted = unit << doublings
    if let piece = unsafe returned[doublings] {
      unsafe returned[doublings] = piece.load(as: UnsafeMutableRawPointer?.self)
      return unsafe piece
    }
    bytes += wanted
    guard isCut(doublings) else { return unsafe LargePages.allocate(wanted) }
    if restBytes < wanted {
      restBytes = unsafe min(Self.largestSlab, Self.smallestSlab << min(slabs.count, 16))
      let slab = unsafe LargePages.allocate(restBytes)
      unsafe slabs.append(slab)
      unsafe rest = slab
    }
    let piece = unsafe rest.unsafelyUnwrapped
    unsafe rest = piece + wanted
    restBytes -= wanted
    return unsafe piece
  }

  /// Gives a piece back that was doubled so many times.
  @usableFromInline func giveBack(_ piece: UnsafeMutableRawPointer, _ doublings: Int) {
    if isCut(doublings) {
      unsafe piece.storeBytes(of: returned[doublings], as: UnsafeMutableRawPointer?.self)
      unsafe returned[doublings] = piece
    } else {
      bytes -= unit << doublings
      unsafe free(piece)
    }
  }

  /// Gives a piece back at the end, when what was cut goes with its slab.
  func dismiss(_ piece: UnsafeMutableRawPointer, _ doublings: Int) {
    if !isCut(doublings) { unsafe free(piece) }
  }
}
