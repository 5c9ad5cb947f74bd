#pragma once
// Errors carry a stable code, where, why and what to do. Our own mistakes are std::logic_error.
#include <stdexcept>
#include <string>
#include <utility>

namespace iqgate {

enum class ErrorKind { usage, input, output, resource, device };

/// Base of all foreseen errors; `code` is stable (for scripts), `what()` reads "where: why; advice".
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind_of, std::string code_of, std::string at, std::string because, std::string advice_for = {});
  ErrorKind kind;
  std::string code, where, why, advice;
};

template <ErrorKind K>
class ErrorOf : public Error {
 public:
  ErrorOf(std::string code_of, std::string at, std::string because, std::string advice_for = {})
      : Error(K, std::move(code_of), std::move(at), std::move(because), std::move(advice_for)) {}
};

using InputError = ErrorOf<ErrorKind::input>;  ///< a scan, volume or result file that is refused (exit 3)
using UsageError =
    ErrorOf<ErrorKind::usage>;  ///< a wrong option, or a fault in a phantom, limits or region file (exit 2)
using OutputError = ErrorOf<ErrorKind::output>;  ///< a result that could not be written (exit 5)
using ResourceError =
    ErrorOf<ErrorKind::resource>;  ///< time, memory, or a device that was demanded and is not there (exit 6)
using DeviceError = ErrorOf<ErrorKind::device>;  ///< a fault of the accelerator or its runtime

}  // namespace iqgate
