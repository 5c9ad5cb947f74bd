#include "iqgate/read/bytes.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "iqgate/base/error.hpp"
#include "iqgate/base/sha256.hpp"

namespace iqgate::read {

std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b) {
  std::uint64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) return std::nullopt;
  return result;
}

ByteSource ByteSource::file(std::string path) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error) throw InputError("cannot_read", path, error.message(), "check the name and the permission");
  ByteSource source;
  source.name_ = std::move(path);
  source.size_ = size;
  return source;
}

ByteSource ByteSource::memory(std::string name, std::shared_ptr<const std::string> bytes) {
  ByteSource source;
  source.name_ = std::move(name);
  source.size_ = bytes->size();
  source.bytes_ = std::move(bytes);
  return source;
}

void ByteSource::read(std::uint64_t offset, char* into, std::size_t count) const {
  if (offset > size_ || count > size_ - offset)
    throw InputError("truncated", name_, "ends before the bytes it declares");
  if (bytes_) {
    std::memcpy(into, bytes_->data() + offset, count);
    return;
  }
  std::ifstream stream(name_, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(offset));
  if (!stream.read(into, static_cast<std::streamsize>(count)))
    throw InputError("cannot_read", name_, "could not be read", "check that the file is not being written or removed");
}

std::string ByteSource::read(std::uint64_t offset, std::size_t count) const {
  if (offset > size_ || count > size_ - offset)
    throw InputError("truncated", name_, "ends before the bytes it declares");
  std::string bytes(count, '\0');
  read(offset, bytes.data(), count);
  return bytes;
}

std::string ByteSource::head(std::size_t count) const {
  return read(0, static_cast<std::size_t>(std::min<std::uint64_t>(count, size_)));
}

std::string ByteSource::sha256() const { return bytes_ ? sha256_hex(*bytes_) : sha256_file(name_); }

}  // namespace iqgate::read
