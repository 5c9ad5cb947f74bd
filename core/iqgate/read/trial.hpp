#pragma once
#include <functional>
#include <string>

namespace iqgate::read {

/// Does `work` in a copy of this process first; false when the copy crashed, or was not done within `seconds`. For
/// libraries that do not survive every file: the copy has the same memory, so what it survives we survive. `work` may
/// throw an iqgate::Error, starts no thread and leaves nothing behind.
bool survives_trial(unsigned seconds, const std::function<void()>& work);

}  // namespace iqgate::read
