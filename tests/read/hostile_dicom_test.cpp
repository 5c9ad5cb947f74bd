// DICOM files that lie about their pixels, their size or their depth: each is refused, quickly and with its reason.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmjpeg/djencode.h>
#include <dcmtk/dcmjpls/djencode.h>

#include <chrono>
#include <fstream>

#include "iqgate/base/error.hpp"
#include "iqgate/read/find_scans.hpp"
#include "support/dicom_bytes.hpp"
#include "support/support.hpp"

namespace iqgate::read {
namespace {
using namespace std::string_literals;
using namespace test::dicom;

class HostileDicom : public ::testing::Test {
 protected:
  test::TemporaryFolder folder;
  std::string path = folder.path("x.dcm");

  void write(const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }
  std::string bytes() {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  /// "ok", or the code of the refusal, in the header or when its pixels are read.
  std::string outcome() {
    const auto headers = find_scans({path});
    if (headers.size() != 1) return std::to_string(headers.size()) + " scans";
    if (!headers[0].usable) return headers[0].code;
    try {
      values = load_scan(headers[0]).at(0).volume.values;
      return "ok";
    } catch (const InputError& error) {
      return error.code;
    }
  }
  std::string outcome_of(const std::string& content) {
    write(content);
    return outcome();
  }
  Voxels values;
};

TEST_F(HostileDicom, RleThatHoldsOtherPixelsThanClaimed) {
  const std::string head = meta(rle) + header({});
  EXPECT_EQ(outcome_of(head + encapsulated({rle_frame(256)})), "ok");
  EXPECT_EQ(values, Voxels(256, 5));
  for (const std::size_t pixels : {0u, 1u, 128u, 255u, 257u, 512u})
    EXPECT_EQ(outcome_of(head + encapsulated({rle_frame(pixels)})), "decode_failed") << pixels;
  for (const unsigned segments : {0u, 1u, 3u, 4u, 15u})
    EXPECT_EQ(outcome_of(head + encapsulated({rle_frame(256, segments)})), "decode_failed") << segments;
  const std::string good = rle_frame(256);
  for (std::size_t cut = 0; cut + 2 < good.size(); cut += 2)
    EXPECT_EQ(outcome_of(head + encapsulated({good.substr(0, cut)})), "decode_failed") << cut;
  EXPECT_EQ(outcome_of(meta(rle) + header({.rows = 8}) + encapsulated({good})), "decode_failed");
}

class HostileJpeg : public HostileDicom, public ::testing::WithParamInterface<E_TransferSyntax> {
 protected:
  std::string good, stream;
  std::size_t fragment = 0;

  void SetUp() override {
    DJEncoderRegistration::registerCodecs();
    DJLSEncoderRegistration::registerCodecs();
    std::string pixels;
    for (unsigned k = 0; k < 64 * 64; ++k) pixels += le((k * 2654435761u >> 20) + 1000, 2);
    write(meta(explicit_little) + header({.rows = 64, .columns = 64}) + native(pixels));
    ASSERT_EQ(outcome(), "ok");
    const Voxels plain = values;
    DcmFileFormat format;
    ASSERT_TRUE(format.loadFile(path.c_str()).good());
    ASSERT_TRUE(format.getDataset()->chooseRepresentation(GetParam(), nullptr).good());
    ASSERT_TRUE(format.saveFile(path.c_str(), GetParam()).good());
    ASSERT_EQ(outcome(), "ok");
    ASSERT_EQ(values, plain);
    good = bytes();
    fragment = good.find("\xFF\xD8\xFF"s);
    ASSERT_NE(fragment, std::string::npos);
    stream = good.substr(fragment, good.size() - fragment - 8);
  }
  std::string with_stream(std::string s) {
    if (s.size() % 2) s += '\0';
    return good.substr(0, fragment - 8) + item(s) + tag(0xFFFE, 0xE0DD) + le(0, 4);
  }
  std::string with_us(unsigned e, unsigned value, std::string in) {
    const std::size_t at = in.find(tag(0x28, e) + "US");
    EXPECT_NE(at, std::string::npos);
    return in.replace(at + 8, 2, le(value, 2));
  }
};

TEST_P(HostileJpeg, CutEntropyCodedDataIsRefused) {
  EXPECT_EQ(outcome_of(with_stream(stream)), "ok");
  for (const double part : {0.05, 0.3, 0.5, 0.9, 0.99}) {
    const std::string cut = stream.substr(0, static_cast<std::size_t>(part * double(stream.size())));
    EXPECT_EQ(outcome_of(with_stream(cut)), "decode_failed") << part;
    EXPECT_EQ(outcome_of(with_stream(cut + "\xFF\xD9")), "decode_failed") << part << " with an end marker";
  }
}

TEST_P(HostileJpeg, HeaderAndStreamMustAgree) {
  for (const unsigned rows : {32u, 63u, 65u, 128u, 1000u})
    EXPECT_EQ(outcome_of(with_us(0x10, rows, good)), "decode_failed") << rows;
  EXPECT_EQ(outcome_of(with_us(0x11, 32, good)), "decode_failed");
  const auto with_bits = [&](unsigned allocated, unsigned stored) {
    return with_us(0x100, allocated, with_us(0x101, stored, with_us(0x102, stored - 1, good)));
  };
  EXPECT_EQ(outcome_of(with_bits(32, 32)), "decode_failed");
  EXPECT_EQ(outcome_of(with_bits(32, 16)), "decode_failed");
  EXPECT_EQ(outcome_of(with_bits(8, 8)), "decode_failed");
}

INSTANTIATE_TEST_SUITE_P(Codecs, HostileJpeg, ::testing::Values(EXS_JPEGProcess14SV1, EXS_JPEGLSLossless));

TEST_F(HostileDicom, DeeplyNestedSequences) {
  const auto nested = [](int depth, bool closed) {
    std::string open, close;
    for (int k = 0; k < depth; ++k) {
      open += element(0x40, 0xA730, "SQ", "", true) + tag(0xFFFE, 0xE000) + le(undefined, 4);
      if (closed) close += tag(0xFFFE, 0xE00D) + le(0, 4) + tag(0xFFFE, 0xE0DD) + le(0, 4);
    }
    return open + close;
  };
  const std::string pixels = native(std::string(512, '\5'));
  EXPECT_EQ(outcome_of(meta(explicit_little) + header({.nested = nested(20, true)}) + pixels), "ok");
  for (const int depth : {33, 1000, 10000, 100000})
    for (const bool closed : {true, false})
      EXPECT_EQ(outcome_of(meta(explicit_little) + header({.nested = nested(depth, closed)}) + pixels), "bad_header");
  EXPECT_EQ(outcome_of(meta(deflated) + deflate_raw(header({.nested = nested(10000, true)}) + pixels)), "bad_header");
  // Behind the pixels, where only a whole reading goes.
  EXPECT_EQ(outcome_of(meta(explicit_little) + header({}) + pixels + nested(10000, true)), "bad_header");
  // Defined lengths, from the inside out.
  std::string inner;
  for (int k = 0; k < 200; ++k) inner = element(0x40, 0xA730, "SQ", item(inner));
  EXPECT_EQ(outcome_of(meta(explicit_little) + header({.nested = inner}) + pixels), "bad_header");
  std::string implicit;
  for (int k = 0; k < 200; ++k) {
    const std::string value = item(implicit);
    implicit = tag(0x40, 0xA730) + le(static_cast<std::uint32_t>(value.size()), 4) + value;
  }
  EXPECT_EQ(outcome_of(meta("1.2.840.10008.1.2") + implicit), "bad_header");
}

TEST_F(HostileDicom, DeflatedFilesAreBounded) {
  EXPECT_EQ(outcome_of(meta(deflated) + deflate_raw(header({}) + native(std::string(512, '\5')))), "ok");
  EXPECT_EQ(values, Voxels(256, 0x0505));
  const std::string large(std::size_t{200} << 20, '\0');
  EXPECT_EQ(outcome_of(meta(deflated) + deflate_raw(header({}) + native(large))), "too_large");
  EXPECT_EQ(outcome_of(meta(deflated) +
                       deflate_raw(header({.nested = element(9, 0x1001, "OB", large)}) + native(large.substr(0, 512)))),
            "too_large");
  EXPECT_EQ(outcome_of(meta(deflated) + deflate_raw(header({.rows = 30000, .columns = 30000}) + native("12345678"))),
            "truncated");
  const std::string two_syntaxes = meta(deflated) + element(2, 0x10, "UI", explicit_little);
  EXPECT_EQ(outcome_of(two_syntaxes + deflate_raw(header({}) + native(std::string(512, '\5')))), "bad_header");
  const std::string whole = meta(deflated) + deflate_raw(header({}) + native(std::string(512, '\5')));
  for (std::size_t cut = meta(deflated).size(); cut < whole.size(); cut += 16)
    EXPECT_NE(outcome_of(whole.substr(0, cut)), "ok") << cut;
}

TEST_F(HostileDicom, LengthsThatNoSliceHas) {
  const Claims tomogram{.frames = "4", .modality = "NM", .image_type = "ORIGINAL\\PRIMARY\\RECON TOMO\\EMISSION"};
  const auto with_spacing = [&](const std::string& spacing) {
    Claims c = tomogram;
    c.slice_spacing = spacing;
    return meta(explicit_little) + header(c) + native(std::string(2048, '\5'));
  };
  for (const char* spacing : {"4", "-4"}) EXPECT_EQ(outcome_of(with_spacing(spacing)), "ok") << spacing;
  for (const char* spacing : {"1e308", "-1e308", "1e200", "1e5", "1e-5"})
    EXPECT_EQ(outcome_of(with_spacing(spacing)), "bad_spacing") << spacing;
  for (const char* spacing : {"nan", "inf"}) EXPECT_EQ(outcome_of(with_spacing(spacing)), "bad_header") << spacing;
  const std::string pixels = native(std::string(512, '\5'));
  for (const char* thickness : {"1e308", "-5", "1e-308"}) {
    write(meta(explicit_little) + header({.thickness = thickness}) + pixels);
    const auto headers = find_scans({path});
    ASSERT_TRUE(headers.at(0).usable) << headers[0].reason;
    EXPECT_FALSE(headers[0].slice_spacing_known);
    EXPECT_NE(std::find(headers[0].flags.begin(), headers[0].flags.end(), "thickness_ignored"), headers[0].flags.end());
  }
  EXPECT_EQ(outcome_of(meta(explicit_little) + header({.spacing = "1e5\\4"}) + pixels), "bad_spacing");
}

TEST_F(HostileDicom, ManyFramesTakeNoQuadraticTime) {
  const auto start = std::chrono::steady_clock::now();
  std::string items;
  for (int k = 0; k < 100000; ++k) items += item("");
  EXPECT_EQ(outcome_of(meta(explicit_little) + header({.rows = 1, .columns = 1, .bits = 8, .frames = "100000"}) +
                       element(0x5200, 0x9230, "SQ", items) + native(std::string(100000, '\1'))),
            "ok");
  const std::string many =
      meta(rle) + header({.frames = "2000"}) + encapsulated(std::vector<std::string>(2000, rle_frame(256)));
  EXPECT_EQ(outcome_of(many), "duplicate_slices");
  std::ofstream(folder.path("y.dcm"), std::ios::binary) << many;  // and a copy of every frame
  const auto headers = find_scans({folder.path()});
  ASSERT_EQ(headers.size(), 1u);
  EXPECT_EQ(headers[0].code, "duplicate_slices");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(15));  // sanitizers are slow
}

}  // namespace
}  // namespace iqgate::read
