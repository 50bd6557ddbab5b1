// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Functions of the GNU C library that Swift's `Glibc` module leaves out.
///
/// The module has no `<sys/eventfd.h>`, `<sys/timerfd.h>` nor `<sys/signalfd.h>` and none of the functions behind
/// `_GNU_SOURCE`. They are looked up by name once; each signature is that of its manual page.
enum LinuxCalls {
    /// `eventfd(2)`.
    static let eventfd = named(
        "eventfd",
        as: (@Sendable @convention(c) (UInt32, Int32) -> Int32).self
    )

    /// `timerfd_create(2)`.
    static let timerfdCreate = named(
        "timerfd_create",
        as: (@Sendable @convention(c) (Int32, Int32) -> Int32).self
    )

    /// `timerfd_settime(2)`.
    static let timerfdSetTime = named(
        "timerfd_settime",
        as: (@Sendable @convention(c) (
            Int32, Int32, UnsafePointer<itimerspec>, UnsafeMutablePointer<itimerspec>?
        ) -> Int32).self
    )

    /// `signalfd(2)`.
    static let signalfd = named(
        "signalfd",
        as: (@Sendable @convention(c) (Int32, UnsafePointer<sigset_t>, Int32) -> Int32).self
    )

    /// `epoll_create1(2)`.
    static let epollCreate = named(
        "epoll_create1",
        as: (@Sendable @convention(c) (Int32) -> Int32).self
    )

    /// `epoll_ctl(2)`; the event is a `struct epoll_event`.
    static let epollControl = named(
        "epoll_ctl",
        as: (@Sendable @convention(c) (Int32, Int32, Int32, UnsafeMutableRawPointer?) -> Int32).self
    )

    /// `epoll_wait(2)`; the events are an array of `struct epoll_event`.
    static let epollWait = named(
        "epoll_wait",
        as: (@Sendable @convention(c) (Int32, UnsafeMutableRawPointer?, Int32, Int32) -> Int32).self
    )

    /// `accept4(2)`.
    static let accept4 = named(
        "accept4",
        as: (@Sendable @convention(c) (
            Int32, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32
        ) -> Int32).self
    )

    /// `pthread_setname_np(3)`.
    static let nameThread = named(
        "pthread_setname_np",
        as: (@Sendable @convention(c) (pthread_t, UnsafePointer<CChar>) -> Int32).self
    )

    /// `statfs(2)`; the first word of the answer, which has 120 bytes, is the kind of file system.
    static let statfs = named(
        "statfs",
        as: (@Sendable @convention(c) (UnsafePointer<CChar>, UnsafeMutableRawPointer) -> Int32).self
    )

    private static func named<Function>(_ name: String, as type: Function.Type) -> Function {
        guard let address = dlsym(nil, name) else {
            preconditionFailure("this system's C library lacks \(name)()")
        }
        return unsafeBitCast(address, to: type)
    }
}
