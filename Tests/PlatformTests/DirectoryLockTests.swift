// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing
import TestKit

@Suite struct DirectoryLockTests {
    let directory = TemporaryDirectory()
    var path: String { "\(directory.path)/data" }

    @Test("a directory in use is refused to a second holder, naming the first")
    func refusal() throws {
        let lock = try DirectoryLock(path: path)
        let fault = #expect(throws: SystemFault.self) { _ = try DirectoryLock(path: path) }
        #expect(fault?.errno == EWOULDBLOCK)
        #expect(
            fault?.advice == "Process \(getpid()) is using it; stop that process or choose another"
                + " directory."
        )
        #expect(lock.path == path)
    }

    @Test("a directory given up can be taken again")
    func release() throws {
        func takeAndDrop() throws { _ = try DirectoryLock(path: path) }
        try takeAndDrop()
        try takeAndDrop()
    }

    @Test("a directory that is missing is made for owner and group only")
    func making() throws {
        let lock = try DirectoryLock(path: path)
        var status = stat()
        try #require(stat(lock.path, &status) == 0)
        #expect(status.st_mode & S_IFMT == S_IFDIR)
        #expect(status.st_mode & 0o027 == 0)
    }

    @Test("a directory that cannot be made is explained")
    func unmakeable() {
        let deep = "\(directory.path)/missing/data"
        let fault = #expect(throws: SystemFault.self) { _ = try DirectoryLock(path: deep) }
        #expect(fault?.errno == ENOENT)
        #expect(
            fault?.description
                == "could not make the data directory \(deep): No such file or directory (errno 2)."
                + " Make it yourself and give it to the user this process runs as."
        )
    }

    @Test("a file in place of the directory is refused")
    func file() throws {
        let file = try #require(fopen(path, "w"))
        fclose(file)
        let fault = #expect(throws: SystemFault.self) { _ = try DirectoryLock(path: path) }
        #expect(fault?.errno == ENOTDIR)
    }
}
