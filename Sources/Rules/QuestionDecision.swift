// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A question as it was asked.
package struct Asked: Equatable, Sendable {
    /// The session that asks, and the number of its request.
    package var session: UInt32
    package var number: UInt32
    package var agency: String
    package var service: String
    /// Chosen by the asker; zero for none.
    package var key: Identifier
    /// When it lapses, on the clock of the `at:` arguments, in milliseconds.
    package var deadline: Int64
    /// The same as the asker wrote it, in milliseconds since 1970.
    package var instant: Int64
    package var envelope: [UInt8]
    package var body: [UInt8]
    /// A finer time of arrival, for `Exchange`; no rule looks at it.
    package var stamp: Int64

    /// A question.
    package init(
        session: UInt32,
        number: UInt32,
        agency: String,
        service: String,
        key: Identifier,
        deadline: Int64,
        instant: Int64,
        envelope: [UInt8],
        body: [UInt8],
        stamp: Int64 = 0
    ) {
        self.session = session
        self.number = number
        self.agency = agency
        self.service = service
        self.key = key
        self.deadline = deadline
        self.instant = instant
        self.envelope = envelope
        self.body = body
        self.stamp = stamp
    }

    /// Bytes of envelope and body.
    package var byteCount: Int { envelope.count + body.count }
}

/// An answer as the asker is told it.
package struct Answer: Equatable, Sendable {
    /// 0, or `answerRefused`.
    package var code: UInt16
    /// Reply; Refused where the code is not 0.
    package var envelope: [UInt8]
    package var body: [UInt8]

    /// An answer.
    package init(code: UInt16 = 0, envelope: [UInt8] = [], body: [UInt8] = []) {
        self.code = code
        self.envelope = envelope
        self.body = body
    }

    /// Bytes of envelope and body.
    package var byteCount: Int { envelope.count + body.count }
}

/// What the courier must do about questions.
package enum QuestionDecision: Equatable, Sendable {
    /// Put a question to a session; `before` tells how often it was put to others.
    case put(UInt64, to: UInt32, before: UInt16, Asked)
    /// Answer the request `number` of a session.
    case answer(Answer, to: UInt64, session: UInt32, number: UInt32, isRepeated: Bool)
    /// Refuse the request `number` of a session.
    case refuse(RefusalCode, session: UInt32, number: UInt32)
    /// A question came to its end, or was refused at once; for the figures.
    case closed(Exchange)
}

/// One question from its arrival to its end, without its content.
package struct Exchange: Equatable, Sendable {
    /// Its number; 0 if it was refused at once.
    package var question: UInt64
    package var service: String
    /// The agency that asked.
    package var agency: String
    package var key: Identifier
    /// Bytes of envelope and body.
    package var requestBytes: Int
    package var answerBytes: Int
    /// 0 if it was answered, else why not.
    package var code: UInt16
    /// How often it was put to somebody.
    package var putCount: UInt16
    /// The stamp it was asked with.
    package var stamp: Int64
}
