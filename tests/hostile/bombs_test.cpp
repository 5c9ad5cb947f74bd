// Files of a kibibyte or less that claim to be large: each is refused within 100 ms of processor time, and without
// memory to speak of.
#include "hostile/corpus.hpp"
#include "support/dicom_bytes.hpp"
#include "support/jpeg2000_bytes.hpp"
#include "support/raster_bytes.hpp"

namespace iqgate::test {
namespace {
using namespace std::string_literals;

class HostileBombs : public ::testing::Test {
 protected:
  Corpus corpus{"bombs"};
  void bomb(std::string_view door, const std::string& bytes, const std::string& what, std::size_t most = 1024) {
    ASSERT_LE(bytes.size(), most) << what;
    forget_peak();
    forget_request();
    const std::uint64_t before = resident_bytes();
    const double start = thread_seconds();
    corpus.refuse(door, bytes, what);
    EXPECT_LT(thread_seconds() - start, 0.1 * sanitizer_slowness()) << what;
    EXPECT_LT(peak_bytes(), before + (std::uint64_t{64} << 20) + sanitizer_allowance()) << what;
    EXPECT_LT(largest_request(), std::size_t{64} << 20) << what;
  }
  void SetUp() override {  // codecs and libraries load once, not in the first bomb
    for (const Seed& seed : seeds_of()) through_door(seed.door, seed.bytes, {}, seed.suffix);
  }
};

std::string frames_or_less(const std::string& syntax, const dicom::Claims& claims) {
  using namespace dicom;
  if (syntax == rle) return encapsulated({rle_frame(16)});
  if (syntax == "1.2.840.10008.1.2.4.90") return encapsulated({jpeg2000_bytes(4, 4)});
  if (syntax == "1.2.840.10008.1.2.4.70" || syntax == "1.2.840.10008.1.2.4.80") {
    const bool ls = syntax.back() == '0';
    const std::string size{static_cast<char>(claims.rows >> 8), static_cast<char>(claims.rows),
                           static_cast<char>(claims.columns >> 8), static_cast<char>(claims.columns)};
    return encapsulated({"\xFF\xD8\xFF"s + (ls ? '\xF7' : '\xC3') + "\0\x0B\x10"s + size + "\1\1\x11\0"s +
                         "\xFF\xDA\0\x08\1\1\0\0\0\0\0\0\xFF\xD9"s});
  }
  return native("12345678");
}

TEST_F(HostileBombs, DicomSizes) {
  using namespace dicom;
  struct Size {
    unsigned rows, columns;
    const char* frames;
  };
  for (const Size s : {Size{65535, 65535, "1"},
                       {65535, 65535, "100000"},
                       {32768, 32768, "4"},
                       {65535, 1, "100000"},
                       {1, 65535, "99999"},
                       {16384, 16384, "16"},
                       {46341, 46341, "2"},
                       {4096, 4096, "256"}})
    for (const std::string& syntax : {explicit_little, rle, "1.2.840.10008.1.2.4.70"s, "1.2.840.10008.1.2.4.80"s,
                                      "1.2.840.10008.1.2.4.90"s, "1.2.840.10008.1.2.2"s}) {
      const Claims claims{.rows = s.rows, .columns = s.columns, .frames = s.frames};
      bomb("dicom", meta(syntax) + header(claims) + frames_or_less(syntax, claims),
           syntax + " " + std::to_string(s.rows) + " x " + std::to_string(s.columns) + " x " + s.frames);
    }
  for (const char* frames : {"2147483647", "4294967296", "4294967297", "18446744073709551616", "-1", "1e9", "1e300"})
    bomb("dicom", meta(explicit_little) + header({.frames = frames}) + native("12345678"), "frames "s + frames);
}

TEST_F(HostileBombs, DicomLengths) {
  using namespace dicom;
  const auto claim = [](unsigned g, unsigned e, const char* vr, std::uint32_t length) {
    return tag(g, e) + vr + le(0, 2) + le(length, 4);
  };
  for (const std::uint32_t length : {0x7FFFFFFEu, 0x80000000u, 0xFFFFFFFEu, 0x40000000u}) {
    for (const char* vr : {"OB", "OW", "UN", "SQ", "UT", "OF"}) {
      bomb("dicom", meta(explicit_little) + header({.nested = claim(9, 0x1001, vr, length)}), "length in "s + vr);
      bomb("dicom", meta(explicit_little) + claim(2, 0x0102, vr, length) + header({}),
           "length in the meta group in "s + vr);
    }
    bomb("dicom", meta(explicit_little) + header({}) + claim(0x7FE0, 0x10, "OW", length), "pixel length");
    bomb("zip", zip_bytes({{.name = "a", .data = meta(explicit_little) + claim(2, 0x0102, "UN", length)}}), "in a zip");
  }
  std::string long_rows = header({});
  const std::size_t at = long_rows.find(tag(0x28, 0x10) + "US");
  long_rows.replace(at, 10, tag(0x28, 0x10) + "UL" + le(4, 2) + le(0x10001, 4));
  bomb("dicom", meta(explicit_little) + long_rows + native(std::string(512, '\5')),
       "rows as UL that are 1 modulo 2^16");
}

TEST_F(HostileBombs, DicomSequences) {
  using namespace dicom;
  std::string deep, wide;
  for (int k = 0; k < 30; ++k) deep += element(0x40, 0xA730, "SQ", "", true) + tag(0xFFFE, 0xE000) + le(undefined, 4);
  bomb("dicom", meta(explicit_little) + deep, "sequences without an end");
  for (int k = 0; k < 60; ++k) wide += item("");
  bomb("dicom",
       meta(explicit_little) + header({.frames = "100000"}) + element(0x5200, 0x9230, "SQ", wide) + native("12"),
       "fewer items than frames");
  bomb("dicom",
       meta(explicit_little) + header({}) + tag(0x5200, 0x9230) + "SQ" + le(0, 2) + le(0x7FFFFFF8, 4) + item(""),
       "2^31 bytes of items");
}

TEST_F(HostileBombs, Deflate) {
  using namespace dicom;
  // Zeros by the mebibyte; a deflated length in the middle of the data set, and a claim of many pixels.
  bomb("dicom", meta(deflated) + deflate_raw(header({.rows = 65535, .columns = 65535}) + native("1234")),
       "large and deflated");
  bomb("dicom", meta(deflated) + deflate_raw(std::string(500000, '\0')), "zeros deflated");
  bomb("dicom", meta(deflated) + deflate_raw(meta(deflated) + deflate_raw(header({}))), "deflated twice");
}

// The SIZ marker of a code stream, changed: size of tiles, components, and the exponents of its precincts.
TEST_F(HostileBombs, Jpeg2000) {
  using namespace dicom;
  const auto file = [](const std::string& stream, unsigned size) {
    return meta("1.2.840.10008.1.2.4.90") + header({.rows = size, .columns = size}) + encapsulated({stream});
  };
  for (const unsigned size : {255u, 700u}) {
    std::string stream = jpeg2000_bytes(4, 4);
    const std::size_t siz = stream.find("\xFF\x51"s);
    ASSERT_NE(siz, std::string::npos);
    for (const std::size_t at : {8u, 12u}) stream = with_number(stream, siz + at - 2, size, 4, true);
    for (const unsigned tile : {1u, 2u, 3u, 4u, 16u}) {
      std::string tiles = stream;
      for (const std::size_t at : {22u, 26u}) tiles = with_number(tiles, siz + at, tile, 4, true);
      bomb("dicom", file(tiles, size), "tiles of " + std::to_string(tile) + " in " + std::to_string(size));
    }
    bomb("dicom", file(with_number(stream, siz + 38, 16384, 2, true), size), "components");
    std::string precincts = stream;
    const std::size_t cod = precincts.find("\xFF\x52"s);
    ASSERT_NE(cod, std::string::npos);
    for (const unsigned exponent : {0x00u, 0x11u, 0x22u}) {
      // Scod says that precincts are told; a byte a resolution follows the ten others.
      std::string small = with_number(precincts, cod + 2, 14, 2, true);
      small[cod + 4] = static_cast<char>(small[cod + 4] | 1);
      small.insert(cod + 14, std::string(2, static_cast<char>(exponent)));
      for (const std::size_t at : {22u, 26u}) small = with_number(small, siz + at, size, 4, true);
      bomb("dicom", file(small, size), "precincts of 2^" + std::to_string(exponent & 15));
    }
  }
}

TEST_F(HostileBombs, Rasters) {
  const std::string nifti = seeds_of("nifti").front().bytes;
  for (const int dimensions : {3, 4, 5, 7})
    for (const unsigned n : {0x7FFFu, 0x4000u}) {
      std::string bytes = with_number(nifti, 40, static_cast<unsigned>(dimensions), 2);
      for (int d = 0; d < dimensions; ++d) bytes = with_number(bytes, 42 + 2 * std::size_t(d), n, 2);
      bomb("nifti", bytes, "NIfTI of " + std::to_string(dimensions) + " dimensions");
    }
  for (const char* sizes : {"65536 65536 65536", "4294967296 4294967296 1", "4294967296 4294967297 2", "2147483648 2 1",
                            "18446744073709551615 18446744073709551615 1", "9223372036854775808 2 1", "1 1 1000000000",
                            "3037000500 3037000500 2"}) {
    bomb("metaimage",
         "ObjectType = Image\nNDims = 3\nElementSpacing = 1 2 3\nDimSize = "s + sizes +
             "\nElementType = MET_USHORT\nElementDataFile = LOCAL\n12345678",
         "DimSize "s + sizes);
    bomb("nrrd",
         "NRRD0004\ntype: short\ndimension: 3\nspacings: 1 1 1\nendian: little\nencoding: raw\nsizes: "s + sizes +
             "\n\n12345678",
         "sizes "s + sizes);
    bomb("nrrd",
         "NRRD0004\ntype: short\ndimension: 3\nspacings: 1 1 1\nendian: little\nencoding: gzip\nsizes: "s + sizes +
             "\n\n\x1f\x8b\x08",
         "packed sizes "s + sizes);
  }
  for (const char* files : {"%d 1 1000000000 1", "%d 9223372036854775804 9223372036854775807 1",
                            "%d -9223372036854775807 9223372036854775807 9223372036854775807", "LIST 1000000000"})
    bomb("metaimage",
         "NDims = 3\nElementSpacing = 1 1 1\nDimSize = 1 1 4\nElementType = MET_CHAR\nElementDataFile = x"s + files +
             "\n",
         "files "s + files);
  const std::string page = tiff_page(8, 6, std::string(96, '\3'));
  for (std::size_t entry = 10; entry < 118; entry += 12)
    for (const std::uint32_t count : {0x10000000u, 0x40000000u, 0xFFFFFFFFu})
      bomb("tiff", with_number(page, entry + 4, count, 4), "TIFF tag with " + std::to_string(count) + " values");
  bomb("tiff", tiff_page(65535, 65535, "12345678"), "TIFF of 2^32 pixels");
}

// The smallest HDF5 file is larger than a kibibyte. Its sizes and those of its chunks, if it has any, made large.
TEST_F(HostileBombs, Hdf5) {
  const std::string good = seeds_of("hdf5").front().bytes;
  std::string sizes;
  for (const char n : {4, 5, 6}) sizes += std::string(1, n) + std::string(7, '\0');
  ASSERT_NE(good.find(sizes), std::string::npos);
  for (const std::uint64_t n : {std::uint64_t{1} << 16, std::uint64_t{1} << 21, std::uint64_t{1} << 22,
                                std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}})
    for (const bool all : {false, true}) {
      std::string bytes = good;
      for (std::size_t at = bytes.find(sizes); at != std::string::npos; at = bytes.find(sizes, at + 1))
        for (std::size_t d = 0; d < 3; ++d)
          if (all || d == 0) bytes = with_number(bytes, at + 8 * d, n, 8);
      bomb("hdf5", bytes, "sizes of " + std::to_string(n), 8192);
    }
}

TEST_F(HostileBombs, Zip) {
  using dicom::deflate_raw;
  const std::string packed = deflate_raw(std::string(700000, '\0'));
  bomb("zip", zip_bytes({{.name = "a", .data = packed, .method = 8, .unpacked = 0xFFFFFFFE}}), "4 GiB claimed");
  bomb("zip", zip_bytes({{.name = "a", .data = packed, .method = 8, .unpacked = 0x7FFFFFFF}}), "2 GiB claimed");
  bomb("zip", zip_bytes({{.name = "a", .data = "x", .unpacked = 0xFFFFFFFF}}), "stored, 4 GiB claimed");
}

}  // namespace
}  // namespace iqgate::test
