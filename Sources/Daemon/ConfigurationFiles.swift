// SPDX-License-Identifier: Apache-2.0

package import Declarations
internal import Platform

/// Where the settings come from: one file, the directory `conf.d` beside it, and the command line.
///
/// Options win over files, a file of `conf.d` over the main one and over those whose names come
/// before its own, and any of them over the defaults. A list replaces the list before it.
package struct ConfigurationFiles: Sendable {
    /// Read where no other file is named, if it exists.
    package static let standardPath = "/etc/barid/barid.yaml"
    /// Largest file, in bytes.
    private static let fileBytesMax = 1 << 20

    /// The main file; nil if there is none.
    package let path: String?
    private let options: [ConfigurationKey: ConfigurationValue]

    /// Sources of settings.
    ///
    /// - Parameters:
    ///   - path: The file named on the command line; nil for the standard one, if it exists.
    ///   - options: What the command line sets; checked.
    package init(path: String?, options: [ConfigurationKey: ConfigurationValue]) {
        self.path = path ?? (Self.exists(Self.standardPath) ? Self.standardPath : nil)
        self.options = options
    }

    private static func exists(_ path: String) -> Bool {
        // Whatever else is wrong with it is told when it is read.
        do throws(SystemFault) {
            _ = try SmallFile.read(path, bytesMax: fileBytesMax, isSecret: false)
            return true
        } catch {
            return !error.isMissing
        }
    }

    /// Whether anything says where the data lies.
    package var namesData: Bool { path != nil || options[.data] != nil }

    /// Reads and checks everything.
    ///
    /// - Throws: Everything wrong with it, file by file.
    package func read() throws(ConfigurationFaults) -> Settings {
        var settings = Settings()
        var faults: [ConfigurationFault] = []
        for file in files(&faults) { take(file, into: &settings, &faults) }
        for (key, value) in options {
            settings[key] = Settings.Entry(value: value, origin: .option)
        }
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        faults = settings.faults
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        return settings
    }

    /// The files in the order in which they are read.
    private func files(_ faults: inout [ConfigurationFault]) -> [String] {
        guard let path else { return [] }
        let parent = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        let directory = parent + "/conf.d"
        do throws(SystemFault) {
            return [path]
                + (try FileNames.list(directory, endingWith: ".yaml")).map { directory + "/" + $0 }
        } catch {
            faults.append(
                ConfigurationFault(file: directory, line: 0, column: 0, text: error.description)
            )
            return [path]
        }
    }

    private func take(
        _ file: String,
        into settings: inout Settings,
        _ faults: inout [ConfigurationFault]
    ) {
        let bytes: [UInt8]
        do throws(SystemFault) {
            bytes = try SmallFile.read(file, bytesMax: Self.fileBytesMax, isSecret: false)
        } catch {
            faults.append(
                ConfigurationFault(file: file, line: 0, column: 0, text: error.description)
            )
            return
        }
        do throws(DeclarationFaults) {
            for setting in try ConfigurationReading.read(String(decoding: bytes, as: UTF8.self)) {
                settings[setting.key] = Settings.Entry(
                    value: setting.value,
                    origin: .file(file, line: setting.line, column: setting.column)
                )
            }
        } catch {
            for fault in error.faults {
                faults.append(
                    ConfigurationFault(
                        file: file,
                        line: fault.line,
                        column: fault.column,
                        text: fault.text
                    )
                )
            }
        }
    }
}
