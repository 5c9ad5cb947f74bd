// DICOM made wrong field by field: every length, VR and value of every element of the seeds, and the elements
// themselves left out, doubled or renamed.
#include "hostile/corpus.hpp"

namespace iqgate::test {
namespace {

struct Field {
  std::size_t at, value_at;
  std::uint64_t length;
  bool wide;  // its length has four bytes
};

std::uint64_t number(const std::string& b, std::size_t at, int width) {
  std::uint64_t v = 0;
  for (int k = 0; k < width; ++k) v |= std::uint64_t{static_cast<unsigned char>(b[at + std::size_t(k)])} << (8 * k);
  return v;
}

// Explicit VR, little endian: all elements, those in sequences too.
std::vector<Field> fields_of(const std::string& b) {
  std::vector<Field> fields;
  for (std::size_t at = 132; at + 8 <= b.size();) {
    const bool item = number(b, at, 2) == 0xFFFE;
    const std::string vr = b.substr(at + 4, 2);
    const bool extended = !item && (vr == "OB" || vr == "OW" || vr == "SQ" || vr == "UN" || vr == "UT" || vr == "OF");
    const std::size_t size = extended ? 12 : 8;
    const std::uint64_t length = item ? number(b, at + 4, 4) : extended ? number(b, at + 8, 4) : number(b, at + 6, 2);
    fields.push_back({at, at + size, length, item || extended});
    const bool pixels = number(b, at, 2) == 0x7FE0;
    at += size;
    // Items and sequences are entered; so are fragments, as items.
    if (!item && vr != "SQ" && !(pixels && length == 0xFFFFFFFFu)) at += static_cast<std::size_t>(length);
  }
  return fields;
}

void lie_about(Corpus& corpus, const Seed& seed, const Field& f) {
  const std::string& b = seed.bytes;
  const std::string where = seed.name + " at " + std::to_string(f.at);
  const int width = f.wide ? 4 : 2;
  for (const std::uint64_t length :
       {std::uint64_t{0}, std::uint64_t{1}, f.length - 2, f.length + 2, f.length + 1, std::uint64_t{0x7FFFFFFE},
        std::uint64_t{0x80000000}, std::uint64_t{0xFFFFFFFE}, std::uint64_t{0xFFFFFFFF}})
    corpus.send(seed.door, with_number(b, f.value_at - std::size_t(width), length, width),
                where + " length " + std::to_string(length));
  for (const char* vr : {"UL", "SQ", "OB", "UN", "DS", "XX", "OW"})
    corpus.send(seed.door, std::string(b).replace(f.at + 4, 2, vr), where + " VR " + vr);
  for (const unsigned group : {0u, 0xFFFEu, 0xFFFFu})
    corpus.send(seed.door, with_number(b, f.at, group, 2), where + " group");
  const std::size_t length = std::min<std::size_t>(f.length, b.size() - std::min(b.size(), f.value_at));
  const std::size_t shown = std::min<std::size_t>(length, 64);
  for (const char fill : {'\0', '\xFF', '9', '\\', '-'})
    corpus.send(seed.door, std::string(b).replace(f.value_at, shown, shown, fill), where + " filled");
  for (std::string text : {"nan", "1e308", "-1", "0", "1e-308\\2", "0x10"}) {
    text.resize(shown, ' ');
    corpus.send(seed.door, std::string(b).replace(f.value_at, shown, text), where + " text " + text);
  }
  const std::size_t whole = f.value_at - f.at + length;
  corpus.send(seed.door, std::string(b).erase(f.at, whole), where + " left out");
  corpus.send(seed.door, std::string(b).insert(f.at, b.substr(f.at, whole)), where + " twice");
}

TEST(HostileFields, EveryElementOfDicom) {
  Corpus corpus("dicom fields");
  for (const Seed& seed : seeds_of("dicom"))
    if (seed.name == "explicit" || seed.name == "rle" || seed.name == "tomogram" || seed.name == "enhanced_MR")
      for (const Field& field : fields_of(seed.bytes)) lie_about(corpus, seed, field);
  EXPECT_GT(corpus.sent(), 2000u);
}

TEST(HostileFields, EveryTransferSyntaxOnEveryPixelData) {
  Corpus corpus("transfer syntaxes");
  for (const Seed& seed : seeds_of("dicom")) {
    const std::size_t at = seed.bytes.find("1.2.840.10008.1.2"), length = number(seed.bytes, at - 2, 2);
    ASSERT_NE(at, std::string::npos);
    for (const char* uid :
         {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5",
          "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
          "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
          "1.2.840.10008.1.2.4.201", "1.2.3", ""}) {
      std::string value = uid;
      if (value.size() % 2) value += '\0';
      std::string bytes = seed.bytes;
      bytes.replace(at, length, value);
      corpus.send("dicom", with_number(bytes, at - 2, value.size(), 2), seed.name + " as " + uid);
    }
  }
}

}  // namespace
}  // namespace iqgate::test
