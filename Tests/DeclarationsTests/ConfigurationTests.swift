// SPDX-License-Identifier: Apache-2.0
// Goal: a configuration means what it says or is refused at its place. Method: texts, right and wrong.

import Declarations
import Foundation
import TestKit
import Testing

@Suite("The configuration file")
struct ConfigurationTests {
    private static func faults(_ text: String) -> [String] {
        do throws(DeclarationFaults) {
            _ = try ConfigurationReading.read(text)
            return []
        } catch {
            return error.faults.map(\.description)
        }
    }

    @Test("the shipped example names every key, and each with its default")
    func example() throws {
        let text = try String(contentsOfFile: Checkout.path + "/Deploy/barid.yaml", encoding: .utf8)
        let settings = try ConfigurationReading.read(text)
        #expect(Set(settings.map(\.key)) == Set(ConfigurationKey.allCases))
        for setting in settings {
            #expect(setting.value == setting.key.standard, "\(setting.key.rawValue)")
        }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        for setting in settings {
            let before = lines[setting.line - 2].trimmingCharacters(in: .whitespaces)
            #expect(before.hasPrefix("# "), "\(setting.key.rawValue) has no comment above it")
        }
    }

    @Test("all faults are told at once, each with line, column and what was probably meant")
    func faults() {
        let text = """
            dat: /srv/barid
            bus:
              listn: []
              keyed-socket: yes
              body-max: 65MiB
              connections-max: many
              sessions-max: 0
            disk:
              reserve: 64MB
            """
        #expect(
            Self.faults(text) == [
                "1:1: The configuration has no key 'dat'. Did you mean 'data'?",
                "3:3: 'bus' has no key 'listn'. Did you mean 'listen'?",
                "4:17: 'bus.keyed-socket' must be true or false, not 'yes'.",
                "5:13: 'bus.body-max' must be from 0 to 64MiB, not '65MiB'.",
                "6:20: 'bus.connections-max' must be a whole number, not 'many'.",
                "7:17: 'bus.sessions-max' must be a whole number from 1 to 1000000, not '0'.",
                "9:12: 'disk.reserve' is no number of bytes: '64MB'. Write a whole number, or one "
                    + "with B, KiB, MiB, GiB or TiB, such as 64MiB.",
            ]
        )
    }

    @Test(
        "a value of the wrong kind is refused",
        arguments: [
            ("data: [a]", "1:7: 'data' must be one word, not a list."),
            ("data: relative", "1:7: 'data' must be an absolute path, not 'relative'."),
            ("bus: 7", "1:6: 'bus' must be a mapping (key: value), not the word '7'."),
            (
                "bus:\n  listen: tcp://*:1",
                "2:11: 'bus.listen' must be a list, not the word "
                    + "'tcp://*:1'."
            ),
            ("data: /a\ndata: /b", "2:1: The key 'data' already stands in line 1."),
        ]
    )
    func kinds(text: String, fault: String) { #expect(Self.faults(text) == [fault]) }

    @Test("what is left out or left empty sets nothing")
    func nothing() throws {
        for text in ["", "# nothing\n\n   # still nothing\n", "bus:\n  # listen: []\n"] {
            #expect(try ConfigurationReading.read(text).isEmpty, "\(text)")
        }
    }

    @Test("bytes are told in the largest unit that is exact, and read back the same")
    func bytes() throws {
        for (text, number) in [
            ("0", 0), ("1023", 1_023), ("1KiB", 1_024), ("1536KiB", 1_536 << 10), ("2GiB", 2 << 30),
            ("1024TiB", 1 << 50),
        ] as [(String, Int64)] {
            let read = try ConfigurationReading.read("disk:\n  reserve: \(text)")
            #expect(read.first?.value == .number(number))
            #expect(ConfigurationKey.diskReserve.text(of: .number(number)) == text)
        }
        #expect(!Self.faults("disk:\n  reserve: 99999999999999TiB").isEmpty)
    }
}
