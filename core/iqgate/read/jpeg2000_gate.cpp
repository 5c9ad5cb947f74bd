// What OpenJPEG would allocate on a header's word: a record a tile and component, a tree a precinct, a flag a layer.
#include <algorithm>
#include <set>

#include "iqgate/base/error.hpp"
#include "iqgate/read/jpeg2000.hpp"

namespace iqgate::read {
namespace {

constexpr std::uint64_t most_tiles = 4096, most_layers = 256;
constexpr unsigned least_precinct = 4;  // exponent: 16 x 16 pixels

class Gate {
 public:
  Gate(const std::string& stream, const std::string& name) : stream_(stream), name_(name) {}

  void check_size() {
    need(number(0, 2) == 0xFF4F && number(2, 2) == 0xFF51, "does not begin with its size");
    need(number(40, 2) == 1, "has more than one component");
    for (const std::size_t axis : {std::size_t{0}, std::size_t{4}}) {
      const std::uint64_t end = number(8 + axis, 4), tile = number(24 + axis, 4), first = number(32 + axis, 4);
      need(tile > 0 && first <= end, "has tiles of no size");
      tiles_ *= (end - first + tile - 1) / tile;
    }
    need(tiles_ <= most_tiles, "is cut into more than 4096 tiles");
  }

  /// Coding styles in the main header, and in those of the tiles, may each ask for precincts and layers. A tile that
  /// is not there would be left black without a word.
  void check_parts() const {
    std::set<std::uint64_t> seen;
    std::size_t at = 2, tile_end = 0;
    while (at + 4 <= stream_.size()) {
      const std::uint64_t marker = number(at, 2), length = number(at + 2, 2);
      if (marker == 0xFF93) {  // packets follow, up to the next tile; a last one may leave its length open
        if (tile_end <= at) break;
        at = tile_end;
        continue;
      }
      if (marker == 0xFFD9) break;
      need(marker >= 0xFF01 && length >= 2, "has a damaged header");
      if (marker == 0xFF90) {
        seen.insert(number(at + 4, 2));
        const std::uint64_t part = number(at + 6, 4);
        tile_end = part == 0 ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(at + part, stream_.size()));
      }
      if (marker == 0xFF52) {
        need(number(at + 6, 2) <= most_layers, "has more than 256 layers");
        check_precincts(at + 4, at + 9, at + 2 + length);
      }
      if (marker == 0xFF53) check_precincts(at + 5, at + 6, at + 2 + length);
      at += 2 + static_cast<std::size_t>(length);
    }
    need(seen.size() == tiles_, "holds fewer tiles than its size asks for");
  }

 private:
  std::uint64_t number(std::size_t at, std::size_t width) const {
    need(at + width <= stream_.size(), "ends in its header");
    std::uint64_t v = 0;
    for (std::size_t k = 0; k < width; ++k) v = v << 8 | static_cast<unsigned char>(stream_[at + k]);
    return v;
  }
  void check_precincts(std::size_t style, std::size_t levels, std::size_t end) const {
    if ((number(style, 1) & 1) == 0) return;  // as large as can be
    for (std::size_t at = levels + 5; at < end; ++at) {
      const std::uint64_t exponents = number(at, 1);
      need((exponents & 15) >= least_precinct && exponents >> 4 >= least_precinct,
           "has precincts smaller than 16 pixels");
    }
  }
  void need(bool right, const char* why) const {
    if (!right) throw InputError("decode_failed", name_, std::string("the JPEG 2000 stream ") + why);
  }

  const std::string& stream_;
  const std::string& name_;
  std::uint64_t tiles_ = 1;
};

}  // namespace

void check_jpeg2000(const std::string& stream, const std::string& name) {
  Gate gate(stream, name);
  gate.check_size();
  gate.check_parts();
}

}  // namespace iqgate::read
