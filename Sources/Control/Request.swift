// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// A request line, read but for its arguments.
struct Request: Decodable {
    var v: Int
    var id: Int64?
    var cmd: String
    var reason: String?

    static let version = 1
    private static let names: Set<String> = ["v", "id", "cmd", "args", "reason"]

    /// Reads a request line.
    ///
    /// - Throws: `OperatorFault` with code `malformed`, `unknownKey` or `wrongVersion`.
    static func read(_ line: Data) throws(OperatorFault) -> Request {
        let request: Request
        do {
            request = try JSONDecoder().decode(Request.self, from: line)
        } catch {
            throw .malformed("The request is not as the protocol has it: \(jsonFault(error)).")
        }
        try refuseUnknown(in: line, as: RequestKeys.self, Self.names)
        guard request.v == Self.version else {
            throw OperatorFault(
                code: "wrongVersion",
                exit: .usage,
                text: """
                    This daemon speaks version \(Self.version) of the control protocol, the request \
                    is of version \(request.v); use the baridctl that came with the daemon.
                    """
            )
        }
        return request
    }

    /// The number of a request that could not be read as a whole; 0 if even that is missing.
    static func number(of line: Data) -> Int64 {
        (try? JSONDecoder().decode(Number.self, from: line))?.id ?? 0
    }

    /// The arguments in a request line; `{}` where it has none.
    static func arguments<Arguments: CommandArguments>(
        _ type: Arguments.Type,
        in line: Data
    ) throws(OperatorFault) -> Arguments {
        try refuseUnknown(in: line, as: ArgumentKeys.self, Arguments.names)
        do {
            let wrapped = try JSONDecoder().decode(Wrapped<Arguments>.self, from: line)
            if let arguments = wrapped.args { return arguments }
            return try JSONDecoder().decode(Arguments.self, from: Data("{}".utf8))
        } catch {
            throw .malformed("The arguments do not fit the command: \(jsonFault(error)).")
        }
    }

    private static func refuseUnknown<Keys: KeyList>(
        in line: Data,
        as type: Keys.Type,
        _ known: Set<String>
    ) throws(OperatorFault) {
        let keys = (try? JSONDecoder().decode(Keys.self, from: line))?.keys ?? []
        guard let unknown = keys.sorted().first(where: { !known.contains($0) }) else { return }
        let list = known.isEmpty ? "none" : known.sorted().joined(separator: ", ")
        throw OperatorFault(
            code: "unknownKey",
            exit: .usage,
            text: "\"\(unknown.prefix(100))\" is not known here; known are: \(list)."
        )
    }

    private struct Number: Decodable {
        var id: Int64?
    }

    private struct Wrapped<Arguments: Decodable>: Decodable {
        var args: Arguments?
    }
}

extension OperatorFault {
    static func malformed(_ text: String) -> OperatorFault {
        OperatorFault(code: "malformed", exit: .usage, text: text)
    }
}

/// The names in an object, whatever their values are.
private protocol KeyList: Decodable {
    var keys: [String] { get }
}

private struct RequestKeys: KeyList {
    let keys: [String]

    init(from decoder: any Decoder) throws {
        keys = try decoder.container(keyedBy: AnyKey.self).allKeys.map(\.stringValue)
    }
}

private struct ArgumentKeys: KeyList {
    let keys: [String]

    init(from decoder: any Decoder) throws {
        let request = try decoder.container(keyedBy: AnyKey.self)
        let args = try request.nestedContainer(keyedBy: AnyKey.self, forKey: AnyKey("args"))
        keys = args.allKeys.map(\.stringValue)
    }
}

private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// What is wrong with a JSON text, in words for people; ends without a full stop.
func jsonFault(_ error: any Error) -> String {
    switch error as? DecodingError {
    case .keyNotFound(let key, _): "\"\(key.stringValue)\" is missing"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
        "\(place(context.codingPath)) must be \(kind(type))"
    case .dataCorrupted(let context) where !context.codingPath.isEmpty:
        "\(place(context.codingPath)) has a value out of range or of the wrong form"
    default: "it is not one JSON object"
    }
}

private func place(_ path: [any CodingKey]) -> String {
    guard let key = path.last else { return "the line" }
    return "\"\(key.stringValue)\""
}

private func kind(_ type: any Any.Type) -> String {
    switch type {
    case is String.Type: "a text"
    case is Bool.Type: "true or false"
    case is any FixedWidthInteger.Type: "a whole number"
    default: "an object"
    }
}
