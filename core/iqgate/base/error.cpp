#include "iqgate/base/error.hpp"

namespace iqgate {

Error::Error(ErrorKind kind_of, std::string code_of, std::string at, std::string because, std::string advice_for)
    : std::runtime_error(at + ": " + because + (advice_for.empty() ? "" : "; " + advice_for)),
      kind(kind_of),
      code(std::move(code_of)),
      where(std::move(at)),
      why(std::move(because)),
      advice(std::move(advice_for)) {}

template class ErrorOf<ErrorKind::input>;
template class ErrorOf<ErrorKind::usage>;
template class ErrorOf<ErrorKind::output>;
template class ErrorOf<ErrorKind::resource>;
template class ErrorOf<ErrorKind::device>;

}  // namespace iqgate
