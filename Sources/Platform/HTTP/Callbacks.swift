internal import CMicroHTTPD
import Glibc
import Synchronization

/// The functions libmicrohttpd calls, all on its own threads.
///
/// Lifetimes: the daemon's context is a `ListenerCore`, which `Listener` holds until the daemon has stopped. A connection's
/// context is a `ClientConnection`, retained when the connection opens and released when it closes; its requests share it.
enum Callbacks {
  static let connection: MHD_NotifyConnectionCallback = { context, handle, slot, code in
    guard let slot = unsafe slot else { return }
    switch code {
    case .CONNECTION_NOTIFY_STARTED:
      guard let context = unsafe context, let handle = unsafe handle else { return }
      let listener = unsafe Unmanaged<ListenerCore>.fromOpaque(context).takeUnretainedValue()
      let connection = unsafe ClientConnection(listener: listener, socket: shim_socket(handle))
      listener.connections.opened(connection)
      unsafe slot.pointee = Unmanaged.passRetained(connection).toOpaque()
    default:
      guard let context = unsafe context, let retained = unsafe slot.pointee else { return }
      let connection = unsafe Unmanaged<ClientConnection>.fromOpaque(retained).takeRetainedValue()
      unsafe slot.pointee = nil
      // libmicrohttpd closes the socket only after this returns.
      unsafe Unmanaged<ListenerCore>.fromOpaque(context).takeUnretainedValue().connections.remove(connection.socket)
    }
  }

  /// Called once with the headers, then for each part of the body, once when all is there, and once after each resumption.
  static let access: MHD_AccessHandlerCallback = { _, handle, url, method, _, part, partSize, slot in
    guard let handle = unsafe handle, let url = unsafe url, let method = unsafe method, let partSize = unsafe partSize,
      let slot = unsafe slot
    else { return .NO }
    let incoming = unsafe IncomingRequest(handle: SuspendedConnection(handle: handle), url: url, method: method)
    guard let context = unsafe slot.pointee else {
      guard let context = unsafe shim_socket_context(handle) else { return .NO }
      unsafe slot.pointee = context
      return unsafe Unmanaged<ClientConnection>.fromOpaque(context).takeUnretainedValue().begin(incoming)
    }
    let connection = unsafe Unmanaged<ClientConnection>.fromOpaque(context).takeUnretainedValue()
    guard unsafe partSize.pointee > 0 else { return connection.finish(incoming) }
    let bytes = unsafe UnsafeRawBufferPointer(start: part, count: partSize.pointee)
    unsafe partSize.pointee = 0
    return unsafe connection.receive(bytes)
  }

  static let completed: MHD_RequestCompletedCallback = { _, _, slot, _ in
    guard let context = unsafe slot?.pointee else { return }
    unsafe Unmanaged<ClientConnection>.fromOpaque(context).takeUnretainedValue().end()
  }

  /// Leaves path and query as sent: we decode after splitting, so that an encoded slash does not split.
  static let leaveEscaped: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafeMutablePointer<CChar>?) -> Int = {
    _, _, text in
    unsafe text.map { unsafe strlen($0) } ?? 0
  }

  static let log: MHD_LogCallback = { context, format, arguments in
    guard let context = unsafe context, let format = unsafe format, let arguments = unsafe arguments else { return }
    let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { buffer in
      guard let start = buffer.baseAddress, unsafe vsnprintf(start, buffer.count, format, arguments) >= 0 else {
        return ""
      }
      return unsafe String(cString: start)
    }
    // At each answer on a Unix socket that it did not accept itself, libmicrohttpd tries what only TCP has, and says so.
    if ["Setting TCP_", "Failed to push the data"].contains(where: text.hasPrefix) { return }
    unsafe Unmanaged<ListenerCore>.fromOpaque(context).takeUnretainedValue().log?(text)
  }
}
