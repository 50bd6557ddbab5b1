// SPDX-License-Identifier: Apache-2.0

internal import Courier
package import Declarations
internal import Keys
internal import Ledger
internal import Platform
internal import Wire

/// The value of every setting, and where each comes from.
package struct Settings: Equatable, Sendable {
    /// Where a value comes from.
    package enum Origin: Equatable, Sendable, CustomStringConvertible {
        case standard
        case file(String, line: Int, column: Int)
        case option

        package var description: String {
            switch self {
            case .standard: "default"
            case .file(let path, let line, _): "\(path):\(line)"
            case .option: "command line"
            }
        }
    }

    /// A value with its origin.
    package struct Entry: Equatable, Sendable {
        package var value: ConfigurationValue
        package var origin: Origin
    }

    private var entries: [ConfigurationKey: Entry] = [:]

    /// The defaults.
    package init() {}

    /// The value of a key with its origin.
    package subscript(key: ConfigurationKey) -> Entry {
        get { entries[key] ?? Entry(value: key.standard, origin: .standard) }
        set { entries[key] = newValue }
    }

    /// The value of a key as a person writes it.
    package func text(_ key: ConfigurationKey) -> String { key.text(of: self[key].value) }

    private func word(_ key: ConfigurationKey) -> String {
        if case .text(let text) = self[key].value { text } else { "" }
    }

    private func wordOrNothing(_ key: ConfigurationKey) -> String? {
        let word = word(key)
        return word.isEmpty ? nil : word
    }

    private func number(_ key: ConfigurationKey) -> Int64 {
        if case .number(let number) = self[key].value { number } else { 0 }
    }

    private func flag(_ key: ConfigurationKey) -> Bool { self[key].value == .flag(true) }

    /// What the daemon is to do.
    package var configuration: DaemonConfiguration {
        var configuration = DaemonConfiguration(directory: word(.data))
        if case .list(let endpoints) = self[.listen].value { configuration.endpoints = endpoints }
        configuration.bulletin = wordOrNothing(.bulletin)
        configuration.isEveryEndpointKeyed = flag(.keyedSocket)
        configuration.connectionsMax = Int(number(.connectionsMax))
        configuration.sessionsMax = Int(number(.sessionsMax))
        configuration.bodyBytesMax = Int(number(.bodyMax))
        configuration.diskReserveBytes = number(.diskReserve)
        configuration.diskWarnBytes = number(.diskWarn)
        configuration.diskStopBytes = number(.diskStop)
        configuration.clockJumpMilliseconds = number(.clockJump)
        configuration.memoryWarnBytes = number(.memoryWarn)
        configuration.logLevel = word(.logLevel)
        configuration.socketDirectory = wordOrNothing(.sockets)
        configuration.controlGroup = wordOrNothing(.controlGroup)
        configuration.observeGroup = wordOrNothing(.observeGroup)
        configuration.metricsFile = wordOrNothing(.metricsFile)
        configuration.metricsMilliseconds = number(.metricsEvery)
        return configuration
    }

    // MARK: Together

    /// What is wrong with the values in themselves: endpoints that cannot be listened at, keys and
    /// groups that are missing.
    package var faults: [ConfigurationFault] {
        let configuration = configuration
        var key: KeyPair?
        var found: [ConfigurationFault] = []
        do throws(KeyFault) {
            key = try ServerKey.read(directory: configuration.directory)
        } catch {
            found.append(fault(.data, "The daemon's key cannot be used: \(error.description)"))
        }
        // A path that is too long for a socket is told by the bus as well.
        for fault in configuration.bus(secretKey: key?.secret).faults {
            found.append(self.fault(origin(of: fault), sentence("\(fault)")))
        }
        for key in [ConfigurationKey.controlGroup, .observeGroup] {
            guard let group = wordOrNothing(key) else { continue }
            do throws(SystemFault) {
                _ = try SystemGroup.number(of: group)
            } catch {
                found.append(fault(key, sentence(error.description)))
            }
        }
        return found
    }

    private func origin(of fault: BusFault) -> ConfigurationKey {
        switch fault {
        case .endpointInvalid(let text, _), .keyMissing(let text):
            if text == word(.bulletin) { return .bulletin }
            return text == "ipc://" + configuration.busSocket ? .data : .listen
        case .endpointNotLoopback: return .bulletin
        case .endpointMissing, .socket, .system: return .listen
        }
    }

    private func sentence(_ text: String) -> String {
        text.prefix(1).uppercased() + text.dropFirst() + "."
    }

    /// A fault at the place a value comes from.
    func fault(_ key: ConfigurationKey, _ text: String) -> ConfigurationFault {
        guard case .file(let path, let line, let column) = self[key].origin else {
            return ConfigurationFault(file: nil, line: 0, column: 0, text: text)
        }
        return ConfigurationFault(file: path, line: line, column: column, text: text)
    }

    /// The keys whose values differ, in order.
    func differing(from other: Settings) -> [ConfigurationKey] {
        ConfigurationKey.allCases.filter { self[$0].value != other[$0].value }
    }

    /// These settings with the values of others for what a reload can change.
    func reloaded(from other: Settings) -> Settings {
        var settings = self
        for key in ConfigurationKey.allCases where key.isReloadable { settings[key] = other[key] }
        return settings
    }
}

/// One thing wrong with the configuration.
package struct ConfigurationFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file; nil for the command line and the defaults.
    package var file: String?
    /// From 1; 0 where no place in a file is meant.
    package var line: Int
    /// From 1; 0 where no place in a file is meant.
    package var column: Int
    /// What is wrong and what to do, in sentences.
    package var text: String

    package var description: String {
        guard let file else { return text }
        return line > 0 ? "\(file):\(line):\(column): \(text)" : "\(file): \(text)"
    }
}

/// Everything wrong with the configuration; at least one fault.
package struct ConfigurationFaults: Error, Equatable, Sendable, CustomStringConvertible {
    package let faults: [ConfigurationFault]

    /// One fault a line.
    package var description: String { faults.map(\.description).joined(separator: "\n") }
}
