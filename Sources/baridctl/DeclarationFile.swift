// SPDX-License-Identifier: Apache-2.0

import Control
import Declarations
import Glibc
import Rules

/// A file with the declaration of a procedure or a catalogue.
struct DeclarationFile {
    /// Largest file read, in bytes: what a declaration may have.
    static let bytesMax = 1 << 20

    /// Where it was read from; `-` for standard input.
    let path: String
    let source: String

    /// Reads a file, or standard input for `-`.
    ///
    /// - Throws: `badData` if it cannot be read, is too large or is not UTF-8.
    init(path: String) throws(OperatorFault) {
        let isInput = path == "-"
        let descriptor = isInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Self.fault(path, "cannot be opened: \(Self.systemReason)")
        }
        defer { if !isInput { _ = close(descriptor) } }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax + 1)
        var count = 0
        while count < bytes.count {
            let more = bytes[count...].withUnsafeMutableBytes {
                read(descriptor, $0.baseAddress, $0.count)
            }
            if more == 0 { break }
            guard more > 0 || errno == EINTR else {
                throw Self.fault(path, "cannot be read: \(Self.systemReason)")
            }
            count += max(more, 0)
        }
        guard count <= Self.bytesMax else {
            throw Self.fault(path, "is larger than \(Self.bytesMax) bytes")
        }
        guard let source = String(validating: bytes[..<count], as: UTF8.self) else {
            throw Self.fault(path, "is not UTF-8 text; save it as UTF-8")
        }
        self.path = path
        self.source = source
    }

    /// What is wrong with the declaration of a procedure; its name if nothing is.
    var check: ProcedureCheck {
        check { text throws(DeclarationFaults) in try ProcedureDeclaration.read(text).name }
    }

    /// What is wrong with the declaration of a catalogue; its agency if nothing is.
    var catalogueCheck: ProcedureCheck {
        check { text throws(DeclarationFaults) in try CatalogueReading.read(text).agency }
    }

    private func check(_ read: (String) throws(DeclarationFaults) -> String) -> ProcedureCheck {
        do throws(DeclarationFaults) {
            return ProcedureCheck(name: try read(source))
        } catch {
            let findings = error.faults.map {
                ProcedureCheck.Finding(
                    line: $0.line,
                    column: $0.column,
                    code: $0.code.rawValue,
                    text: $0.text
                )
            }
            return ProcedureCheck(name: nil, findings: findings, omitted: error.omitted)
        }
    }

    private static func fault(_ path: String, _ what: String) -> OperatorFault {
        OperatorFault(code: "unreadableFile", exit: .badData, text: "\(path) \(what).")
    }

    private static var systemReason: String {
        strerror(errno).map { String(cString: $0) } ?? "unknown error"
    }
}

/// What checking one file found.
struct FileCheck: Codable {
    let file: String
    let check: ProcedureCheck

    /// As compilers write it: `FILE:LINE:COLUMN: text`, one line a finding.
    var lines: [String] {
        var lines = check.findings.map { "\(file):\($0.line):\($0.column): \($0.text)" }
        if check.omitted > 0 { lines.append("\(file): \(check.omitted) more are not shown.") }
        return lines
    }

    /// For people, who also want to be told that nothing is wrong.
    var report: [String] {
        guard let name = check.name, lines.isEmpty else { return lines }
        return ["\(file): The procedure \(name) is sound."]
    }
}

/// Checks files; one that cannot be read is a finding at its first place.
func checks(
    ofFiles paths: [String],
    _ check: (DeclarationFile) -> ProcedureCheck = \.check
) -> [FileCheck] {
    paths.map { path in
        do throws(OperatorFault) {
            return FileCheck(file: path, check: check(try DeclarationFile(path: path)))
        } catch {
            let finding = ProcedureCheck.Finding(
                line: 1,
                column: 1,
                code: error.code,
                text: error.text
            )
            return FileCheck(file: path, check: ProcedureCheck(name: nil, findings: [finding]))
        }
    }
}
