// SPDX-License-Identifier: Apache-2.0

extension [UInt8] {
    /// Lends the bytes; unlike the library's `withUnsafeBytes`, keeps the type of what is thrown.
    func withBytes<Result, Fault: Error>(
        _ use: (UnsafeRawBufferPointer) throws(Fault) -> Result
    ) throws(Fault) -> Result {
        let outcome = withUnsafeBytes { bytes -> Swift.Result<Result, Fault> in
            do throws(Fault) { return .success(try use(bytes)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
