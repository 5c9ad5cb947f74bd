#include "iqgate/read/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include "iqgate/base/error.hpp"

namespace iqgate::read {

bool looks_like_zip(const ByteSource& source) {
  return source.size() > 22 && source.read(0, 4) == std::string("PK\x03\x04", 4);
}

std::vector<ByteSource> read_archive(const ByteSource& source, const IntakeLimits& limits) {
  const std::unique_ptr<struct archive, decltype(&archive_read_free)> reader(archive_read_new(), &archive_read_free);
  archive_read_support_format_zip(reader.get());
  const int opened = archive_read_open_filename(reader.get(), source.name().c_str(), std::size_t{1} << 16);
  const auto refuse = [&](const std::string& code, const std::string& why) -> InputError {
    return InputError(code, source.name(), why, "unpack it and look");
  };
  if (opened != ARCHIVE_OK) throw refuse("bad_archive", "the archive cannot be opened");
  std::vector<ByteSource> entries;
  std::uint64_t total = 0;
  const std::uint64_t ratio_limit = checked_product(source.size(), limits.max_ratio).value_or(limits.max_archive_bytes);
  const std::uint64_t total_limit = std::min(limits.max_archive_bytes, ratio_limit);
  archive_entry* entry = nullptr;
  std::vector<char> buffer(std::size_t{1} << 16);
  for (;;) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK) throw refuse("bad_archive", "the archive is damaged or cut short");
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    if (archive_entry_is_encrypted(entry)) throw refuse("bad_archive", "the archive is encrypted");
    if (entries.size() >= limits.max_frames)
      throw refuse("too_many_frames", "the archive has more files than the limit");
    auto bytes = std::make_shared<std::string>();
    for (;;) {
      const la_ssize_t n = archive_read_data(reader.get(), buffer.data(), buffer.size());
      if (n == 0) break;
      if (n < 0) throw refuse("bad_archive", "an entry cannot be unpacked: it is damaged or cut short");
      total += static_cast<std::uint64_t>(n);
      if (total > total_limit) throw refuse("too_large", "the archive unpacks to more than the limit");
      bytes->append(buffer.data(), static_cast<std::size_t>(n));
    }
    entries.push_back(ByteSource::memory(source.name() + "#" + std::to_string(entries.size() + 1), std::move(bytes)));
  }
  return entries;
}

}  // namespace iqgate::read
