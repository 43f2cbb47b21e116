internal import Glibc

/// The processor that a thread runs on.
public enum Processor {
  /// Lets threads that wait for a processor have this one first.
  ///
  /// For long work in short slices: without it the scheduler lets such work go on for milliseconds, and appends wait. The
  /// corresponding system call is sched_yield(2).
  public static func giveWay() { _ = sched_yield() }
}
