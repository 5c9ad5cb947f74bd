#include "iqgate/read/archive.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <optional>

#include "iqgate/base/error.hpp"

namespace iqgate::read {

namespace {

// Larger entries must not be packed tighter than scans are: a noise-free slice is, but it is small.
constexpr std::uint64_t plausible_entry = std::uint64_t{16} << 20, plausible_ratio = 200;

// libarchive warns of a name that the locale cannot spell (names are not used), but also of sizes that disagree.
bool only_a_name(struct archive* reader, int status) {
  const char* why = archive_error_string(reader);
  return status == ARCHIVE_WARN && why &&
         (std::strstr(why, "cannot be converted") || std::strstr(why, "can't be converted"));
}

// Entries that the directory at the end of a zip counts; none where the end is not there.
std::optional<unsigned> entries_told(const ByteSource& source) {
  constexpr std::size_t record = 22, longest_comment = 65535;
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(source.size(), record + longest_comment));
  const std::string tail = source.read(source.size() - size, size);
  const auto short_at = [&](std::size_t at) {
    return static_cast<unsigned char>(tail[at]) + 256u * static_cast<unsigned char>(tail[at + 1]);
  };
  for (std::size_t at = tail.rfind("PK\x05\x06"); at != std::string::npos; at = tail.rfind("PK\x05\x06", at - 1)) {
    if (at + record <= tail.size() && at + record + short_at(at + 20) == tail.size()) return short_at(at + 10);
    if (at == 0) break;
  }
  return std::nullopt;
}

}  // namespace

bool looks_like_zip(const ByteSource& source) {
  if (source.size() < 22) return false;
  const std::string magic = source.read(0, 4);
  return magic == "PK\x03\x04" || magic == "PK\x05\x06";  // the second: an archive without an entry
}

std::vector<ByteSource> read_archive(const ByteSource& source, const IntakeLimits& limits) {
  const std::unique_ptr<struct archive, decltype(&archive_read_free)> reader(archive_read_new(), &archive_read_free);
  if (!reader) throw std::bad_alloc();
  archive_read_support_format_zip(reader.get());
  const int opened = archive_read_open_filename(reader.get(), source.name().c_str(), std::size_t{1} << 16);
  const auto refuse = [&](const std::string& code, const std::string& why) -> InputError {
    if (archive_errno(reader.get()) == ENOMEM) throw std::bad_alloc();
    return InputError(code, source.name(), why, "unpack it and look");
  };
  if (opened != ARCHIVE_OK) throw refuse("bad_archive", "the archive cannot be opened");
  // Without its end an archive is read as far as it goes: a part of the slices, and no word.
  const std::optional<unsigned> told = entries_told(source);
  if (!told) throw refuse("bad_archive", "the archive is cut short: its directory is not there");
  std::vector<ByteSource> entries;
  std::uint64_t total = 0;
  std::size_t seen = 0;
  const std::uint64_t ratio_limit = checked_product(source.size(), limits.max_ratio).value_or(limits.max_archive_bytes);
  const std::uint64_t total_limit = std::min(limits.max_archive_bytes, ratio_limit);
  const std::uint64_t entry_limit =
      std::max(plausible_entry, checked_product(source.size(), plausible_ratio).value_or(plausible_entry));
  const auto too_large = [&] { return refuse("too_large", "the archive unpacks to more than the limit"); };
  archive_entry* entry = nullptr;
  std::vector<char> buffer(std::size_t{1} << 16);
  for (;;) {
    const int status = archive_read_next_header(reader.get(), &entry);
    if (status == ARCHIVE_EOF) break;
    if (status != ARCHIVE_OK && !only_a_name(reader.get(), status))
      throw refuse("bad_archive", "the archive is damaged or cut short");
    ++seen;
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    if (archive_entry_is_encrypted(entry)) throw refuse("bad_archive", "the archive is encrypted");
    if (entries.size() >= limits.max_frames)
      throw refuse("too_many_frames", "the archive has more files than the limit");
    if (archive_entry_size_is_set(entry) && static_cast<std::uint64_t>(archive_entry_size(entry)) > entry_limit)
      throw too_large();
    auto bytes = std::make_shared<std::string>();
    for (;;) {
      const la_ssize_t n = archive_read_data(reader.get(), buffer.data(), buffer.size());
      if (n == 0) break;
      if (n < 0) throw refuse("bad_archive", "an entry cannot be unpacked: it is damaged or cut short");
      total += static_cast<std::uint64_t>(n);
      if (total > total_limit || bytes->size() + static_cast<std::uint64_t>(n) > entry_limit) throw too_large();
      bytes->append(buffer.data(), static_cast<std::size_t>(n));
    }
    entries.push_back(ByteSource::memory(source.name() + "#" + std::to_string(entries.size() + 1), std::move(bytes)));
  }
  if (*told != 0xFFFF && *told != seen)  // 0xFFFF: counted in another record
    throw refuse("bad_archive", "the archive holds another number of files than its directory tells");
  if (entries.empty()) throw refuse("empty_archive", "the archive holds no file");
  return entries;
}

}  // namespace iqgate::read
