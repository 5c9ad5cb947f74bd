#pragma once
// Thin ownership for HDF5 identifiers; only .cpp files of read and report use it with the HDF5 headers.
#include <cstdint>
#include <utility>

namespace iqgate {

/// Closes an HDF5 identifier with the function that its kind needs.
class Hdf5Handle {
 public:
  using Id = std::int64_t;
  using Close = int (*)(Id);
  Hdf5Handle(Id id, Close closer) : id_(id), close_(closer) {}
  Hdf5Handle(Hdf5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  Hdf5Handle& operator=(Hdf5Handle&&) = delete;
  ~Hdf5Handle() {
    if (id_ >= 0) close_(id_);
  }
  Id get() const { return id_; }
  bool good() const { return id_ >= 0; }
  /// Closes now and tells whether that went well (a full disk shows here).
  bool close() { return id_ < 0 || close_(std::exchange(id_, -1)) >= 0; }

 private:
  Id id_;
  Close close_;
};

}  // namespace iqgate
