public import Governance
import Synchronization

extension Tenant {
  /// Batches of a bulk append that wait at a time: enough to fill a transaction, few enough to stand in memory.
  static let bulkBatches = 4_096

  /// Submits a batch.
  ///
  /// Never blocks.
  ///
  /// - Parameters:
  ///   - submission: the batch.
  ///   - completion: called with the answer, once what it says is on disk; on a queue of the tenant, which waits for it.
  public func submit(
    _ submission: Submission, completion: @escaping @Sendable (Result<Receipt, SubmissionFailure>) -> Void
  ) {
    appender.submit([waiting(submission, completion)])
  }

  /// Submits a batch and suspends the task until it is on disk.
  @discardableResult
  public func submit(_ submission: Submission) async throws(SubmissionFailure) -> Receipt {
    let result = await withCheckedContinuation { continuation in
      submit(submission) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Submits a batch and blocks the thread until it is on disk.
  @discardableResult
  public func submitAndWait(_ submission: Submission) throws(SubmissionFailure) -> Receipt {
    let answer = Answer<Result<Receipt, SubmissionFailure>>()
    submit(submission) { answer.give($0) }
    return try answer.wait().get()
  }

  /// Appends many batches, each atomic on its own, many to a transaction; blocks the thread until all are on disk.
  ///
  /// A refusal fails its own batch only.
  /// - Parameters:
  ///   - submissions: the batches, in order.
  ///   - progress: told how many are done, now and then. The default drops it.
  /// - Throws: what concerns more than one batch; then those before it may be recorded, and idempotency keys make it safe to
  ///   send all of them again.
  public func append(
    _ submissions: [Submission], progress: ((Int) -> Void)? = nil
  ) throws(SubmissionFailure) -> [Result<Receipt, Refusal>] {
    var results: [Result<Receipt, Refusal>] = []
    results.reserveCapacity(submissions.count)
    while results.count < submissions.count {
      let chunk = submissions[results.count...].prefix(Self.bulkBatches)
      for answer in appendAndWait(chunk) {
        do throws(SubmissionFailure) {
          results.append(.success(try answer.get()))
        } catch {
          guard case .refused(let refusal) = error else { throw error }
          results.append(.failure(refusal))
        }
      }
      progress?(results.count)
    }
    return results
  }

  private func appendAndWait(_ chunk: ArraySlice<Submission>) -> [Result<Receipt, SubmissionFailure>] {
    let all = Answer<Void>()
    let answers = Answers(count: chunk.count) { all.give(()) }
    appender.submit(
      chunk.enumerated().map { index, submission in waiting(submission) { answers.give($0, to: index) } }, isBulk: true)
    all.wait()
    return answers.values
  }

  private func waiting(
    _ submission: Submission, _ done: @escaping @Sendable (Result<Receipt, SubmissionFailure>) -> Void
  ) -> Appender.Waiting {
    Appender.Waiting(submission: submission, commandID: submission.commandID ?? appender.makeCommandID(), done: done)
  }
}

/// The answers to many batches, in the order of the batches.
private final class Answers: Sendable {
  private let given: Mutex<(answers: [Result<Receipt, SubmissionFailure>?], missing: Int)>
  private let whenComplete: @Sendable () -> Void

  init(count: Int, whenComplete: @escaping @Sendable () -> Void) {
    given = Mutex((Array(repeating: nil, count: count), count))
    self.whenComplete = whenComplete
  }

  func give(_ answer: Result<Receipt, SubmissionFailure>, to index: Int) {
    let isComplete = given.withLock { given in
      given.answers[index] = answer
      given.missing -= 1
      return given.missing == 0
    }
    if isComplete { whenComplete() }
  }

  var values: [Result<Receipt, SubmissionFailure>] { given.withLock { $0.answers.compactMap { $0 } } }
}
