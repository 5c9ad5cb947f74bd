#include "iqgate/read/dicom_scan.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

#include "iqgate/read/dicom_tags.hpp"

namespace iqgate::read {
namespace {

constexpr std::size_t max_depth = 32, max_elements = 5'000'000;
constexpr std::uint32_t undefined_length = 0xFFFFFFFFu;
constexpr std::uint64_t no_end = std::numeric_limits<std::uint64_t>::max();

// The file through a buffer that moves along.
class Window {
 public:
  explicit Window(const ByteSource& source) : source_(source) {}

  /// Null where the file ends.
  const unsigned char* at(std::uint64_t offset, std::size_t count) {
    if (offset > source_.size() || count > source_.size() - offset) return nullptr;
    if (offset < start_ || offset - start_ > buffer_.size() || count > buffer_.size() - (offset - start_)) {
      start_ = offset;
      buffer_ = source_.read(offset, static_cast<std::size_t>(std::min<std::uint64_t>(16384, source_.size() - offset)));
    }
    return reinterpret_cast<const unsigned char*>(buffer_.data()) + (offset - start_);
  }

 private:
  const ByteSource& source_;
  std::uint64_t start_ = 0;
  std::string buffer_;
};

struct Header {
  unsigned group = 0, element = 0;
  DcmEVR vr = EVR_UNKNOWN;
  std::uint32_t length = 0;
  unsigned size = 8;  // bytes of the header itself
  bool is(unsigned g, unsigned e) const { return group == g && element == e; }
};

enum class Kind { dataset, sequence, fragments };

struct Container {
  Kind kind;
  bool implicit;
  std::uint64_t end;  // no_end: closed by a delimiter
};

class Walk {
 public:
  Walk(Window& window, bool big_endian) : window_(window), big_(big_endian) {}

  std::optional<Header> header_at(std::uint64_t at, bool implicit) {
    const unsigned char* b = window_.at(at, 8);
    if (!b) return std::nullopt;
    Header h{.group = number(b, 2), .element = number(b + 2, 2), .length = number(b + 4, 4)};
    if (h.group == 0xFFFE) return h;
    if (implicit) {
      h.vr = DcmTag(static_cast<Uint16>(h.group), static_cast<Uint16>(h.element)).getEVR();
      return h;
    }
    const char name[3] = {static_cast<char>(b[4]), static_cast<char>(b[5]), '\0'};
    const DcmVR vr(name);
    h.vr = vr.getEVR();
    h.length = number(b + 6, 2);
    if (!vr.usesExtendedLengthEncoding()) return h;
    b = window_.at(at, 12);
    if (!b) return std::nullopt;
    h.length = number(b + 8, 4);
    h.size = 12;
    return h;
  }

  /// From `at` to the end of the file, or of group 0002. Returns where it stopped.
  std::uint64_t run(std::uint64_t at, bool implicit, bool meta_only, std::string* transfer_syntax) {
    std::vector<Container> open{{Kind::dataset, implicit, no_end}};
    for (std::size_t elements = 0;; ++elements) {
      if (elements > max_elements) throw Refusal{"bad_header", "has more than five million elements"};
      while (open.size() > 1 && at >= open.back().end) open.pop_back();
      const Container inside = open.back();
      const auto h = header_at(at, inside.implicit);
      if (!h || (meta_only && open.size() == 1 && h->group != 2)) return at;
      const std::uint64_t value = at + h->size;
      const std::uint64_t end = h->length == undefined_length ? no_end : value + h->length;
      at = value;
      if (h->is(0xFFFE, 0xE00D) || h->is(0xFFFE, 0xE0DD)) {
        const bool ends_item = h->element == 0xE00D;
        if (open.size() > 1 && ends_item == (inside.kind == Kind::dataset)) open.pop_back();
      } else if (h->is(0xFFFE, 0xE000) && inside.kind != Kind::fragments) {
        open.push_back({Kind::dataset, inside.implicit, end});
      } else if (h->is(0x7FE0, 0x0010) && end == no_end) {
        open.push_back({Kind::fragments, inside.implicit, end});
      } else if (h->group != 0xFFFE && (end == no_end || holds_items(*h, value, inside.implicit))) {
        open.push_back({Kind::sequence, inside.implicit || h->vr == EVR_UN, end});
      } else {
        if (end == no_end) return at;
        if (transfer_syntax && open.size() == 1 && h->is(0x0002, 0x0010)) keep_syntax(*h, value, *transfer_syntax);
        at = end;
      }
      if (open.size() > 2 * max_depth + 1)
        throw Refusal{"bad_header", "has sequences nested deeper than " + std::to_string(max_depth)};
    }
  }

 private:
  unsigned number(const unsigned char* b, unsigned bytes) const {
    unsigned v = 0;
    for (unsigned k = 0; k < bytes; ++k) v |= unsigned{b[k]} << (8 * (big_ ? bytes - 1 - k : k));
    return v;
  }
  void keep_syntax(const Header& h, std::uint64_t value, std::string& syntax) {
    if (h.length > 64 || !syntax.empty()) throw Refusal{"bad_header", "names no single transfer syntax"};
    if (const unsigned char* text = window_.at(value, h.length))
      syntax.assign(reinterpret_cast<const char*>(text), h.length);
  }
  // In implicit VR a sequence that the dictionary does not know shows by the item tag it begins with.
  bool holds_items(const Header& h, std::uint64_t value, bool implicit) {
    if (h.vr == EVR_SQ) return true;
    if (!implicit || (h.vr != EVR_UN && h.vr != EVR_UNKNOWN) || h.length < 8) return false;
    const unsigned char* b = window_.at(value, 4);
    return b && number(b, 2) == 0xFFFE && number(b + 2, 2) == 0xE000;
  }

  Window& window_;
  bool big_;
};

}  // namespace

DicomOutline outline_dicom(const ByteSource& source) {
  Window window(source);
  const bool preamble = source.size() >= 132 && source.read(128, 4) == "DICM";
  DicomOutline outline;
  std::string& syntax = outline.transfer_syntax;
  outline.dataset_offset = Walk(window, false).run(preamble ? 132 : 0, false, true, &syntax);
  while (!syntax.empty() && (syntax.back() == '\0' || syntax.back() == ' ')) syntax.pop_back();
  if (syntax == UID_DeflatedExplicitVRLittleEndianTransferSyntax) return outline;
  bool implicit = syntax == UID_LittleEndianImplicitTransferSyntax;
  if (syntax.empty())
    if (const unsigned char* b = window.at(outline.dataset_offset, 8))
      implicit = b[4] < 'A' || b[4] > 'Z' || b[5] < 'A' || b[5] > 'Z';
  Walk(window, syntax == UID_BigEndianExplicitTransferSyntax).run(outline.dataset_offset, implicit, false, nullptr);
  return outline;
}

}  // namespace iqgate::read
