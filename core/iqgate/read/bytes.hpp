#pragma once
// Bytes of a scan, in a file or unpacked from an archive, and the arithmetic of the intake gate.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace iqgate::read {

/// Bounds that hold before anything is decoded.
struct IntakeLimits {
  std::uint64_t max_scan_bytes = std::uint64_t{8} << 30;     ///< decoded voxels of one scan (as float)
  std::uint64_t max_archive_bytes = std::uint64_t{2} << 30;  ///< all entries of one archive, unpacked
  std::uint64_t max_ratio = 1032;                            ///< unpacked / packed, deflate's own maximum
  std::size_t max_frames = 100000;                           ///< files plus frames of one scan
};

/// Product, or nothing when it does not fit in 64 bits.
std::optional<std::uint64_t> checked_product(std::uint64_t a, std::uint64_t b);

/// A file, or bytes held in memory. Reading outside throws InputError("truncated").
class ByteSource {
 public:
  static ByteSource file(std::string path);
  static ByteSource memory(std::string name, std::shared_ptr<const std::string> bytes);

  const std::string& name() const { return name_; }
  /// The file that holds the bytes: of an entry (ARCHIVE#NUMBER) the archive.
  std::string file_on_disk() const { return bytes_ ? name_.substr(0, name_.rfind('#')) : name_; }
  std::uint64_t size() const { return size_; }
  /// Null for a file.
  const std::shared_ptr<const std::string>& in_memory() const { return bytes_; }
  void read(std::uint64_t offset, char* into, std::size_t count) const;
  std::string read(std::uint64_t offset, std::size_t count) const;
  /// At most `count` bytes from the start.
  std::string head(std::size_t count) const;
  std::string sha256() const;

 private:
  std::string name_;
  std::shared_ptr<const std::string> bytes_;
  std::uint64_t size_ = 0;
};

}  // namespace iqgate::read
