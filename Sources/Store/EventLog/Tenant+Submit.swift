public import Governance
import Synchronization

extension Tenant {
  /// Batches of a bulk append that are answered together: enough to fill a transaction.
  static let bulkBatches = Appender.commandsPerTransaction
  /// So many times that many wait at a time: while one transaction is written the next is decided.
  static let bulkChunks = 2

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
    let submission = try witnessed(submission)
    let answer = Answer<Result<Receipt, SubmissionFailure>>()
    submit(submission) { answer.give($0) }
    return try answer.wait().get()
  }

  /// Submits a batch that is made from what is so, made anew where that changes before it is decided; blocks the thread until it is
  /// on disk.
  ///
  /// - Parameter attempts: how often it is made at most.
  public func submitAndWait(attempts: Int, _ make: () throws -> Submission) throws -> Receipt {
    for _ in 1..<max(attempts, 1) {
      let submission = try make()
      do throws(SubmissionFailure) { return try submitAndWait(submission) } catch {
        guard case .refused(let refusal) = error, refusal.code == .changedMeanwhile || refusal.code == .notHeld else {
          throw error
        }
      }
    }
    return try submitAndWait(try make())
  }

  /// Appends many batches, each atomic on its own, many to a transaction; blocks the thread until all are on disk.
  ///
  /// A refusal fails its own batch only.
  /// - Parameters:
  ///   - submissions: the batches, in order.
  ///   - progress: told how many are done, now and then. The default drops it.
  /// - Throws: what concerns more than one batch; then any of them may be recorded, and idempotency keys make it safe to
  ///   send all of them again.
  public func append(
    _ submissions: [Submission], progress: ((Int) -> Void)? = nil
  ) throws(SubmissionFailure) -> [Result<Receipt, Refusal>] {
    var results: [Result<Receipt, Refusal>] = []
    results.reserveCapacity(submissions.count)
    var submissions = submissions
    for index in submissions.indices where submissions[index].needsWitness {
      submissions[index] = try witnessed(submissions[index])
    }
    var rest = submissions[...]
    var sent: [Answers] = []
    while true {
      while sent.count < Self.bulkChunks, !rest.isEmpty {
        sent.append(send(rest.prefix(Self.bulkBatches)))
        rest = rest.dropFirst(Self.bulkBatches)
      }
      if sent.isEmpty { return results }
      for answer in sent.removeFirst().wait() {
        do throws(SubmissionFailure) {
          results.append(.success(try answer.get()))
        } catch {
          guard case .refused(let refusal) = error else { throw error }
          results.append(.failure(refusal))
        }
      }
      progress?(results.count)
    }
  }

  private func send(_ chunk: ArraySlice<Submission>) -> Answers {
    let answers = Answers(count: chunk.count)
    appender.submit(
      chunk.enumerated().map { index, submission in waiting(submission) { answers.give($0, to: index) } }, isBulk: true)
    return answers
  }

  private func waiting(
    _ submission: Submission, _ done: @escaping @Sendable (Result<Receipt, SubmissionFailure>) -> Void
  ) -> Appender.Waiting {
    Appender.Waiting(
      submission: submission, commandID: submission.commandID ?? appender.makeCommandID(),
      fingerprint: Fingerprint(submission), done: done)
  }
}

/// The answers to many batches, in the order of the batches.
private final class Answers: Sendable {
  private let given: Mutex<(answers: [Result<Receipt, SubmissionFailure>?], missing: Int)>
  private let all = Answer<Void>()

  init(count: Int) {
    given = Mutex((Array(repeating: nil, count: count), count))
  }

  func give(_ answer: Result<Receipt, SubmissionFailure>, to index: Int) {
    let isComplete = given.withLock { given in
      given.answers[index] = answer
      given.missing -= 1
      return given.missing == 0
    }
    if isComplete { all.give(()) }
  }

  /// Blocks until all are given.
  func wait() -> [Result<Receipt, SubmissionFailure>] {
    all.wait()
    return given.withLock { $0.answers.compactMap { $0 } }
  }
}
