// Headers of NIfTI, NRRD, MetaImage, TIFF, HDF5 and zip made wrong field by field.
#include <sstream>

#include "hostile/corpus.hpp"

namespace iqgate::test {
namespace {

void every_number(Corpus& corpus, const Seed& seed, std::size_t from, std::size_t to, int width,
                  std::size_t one_in = 1) {
  std::size_t count = 0;
  for (std::size_t at = from; at + std::size_t(width) <= std::min(to, seed.bytes.size()); at += std::size_t(width))
    for (const std::uint64_t value :
         {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{0x7FFFFFFFFFFFFFFF} >> (64 - 8 * width),
          std::uint64_t{1} << (8 * width - 1), std::uint64_t{1}})
      if (count++ % one_in == 0)
        corpus.send(seed.door, with_number(seed.bytes, at, value, width),
                    seed.name + " at " + std::to_string(at) + " = " + std::to_string(value), seed.suffix);
}

TEST(HostileFields, EveryNumberOfNifti) {
  Corpus corpus("nifti fields");
  const Seed seed = seeds_of("nifti").front();
  every_number(corpus, seed, 0, 348, 2);
  every_number(corpus, seed, 76, 348, 4);
  for (std::size_t at = 76; at < 348; at += 4)  // NaN, Inf, large and small
    for (const std::uint32_t bits : {0x7FC00000u, 0x7F800000u, 0x7F7FFFFFu, 0x00000001u})
      corpus.send("nifti", with_number(seed.bytes, at, bits, 4), "float at " + std::to_string(at));
}

TEST(HostileFields, EveryNumberOfTiff) {
  Corpus corpus("tiff fields");
  const Seed seed = seeds_of("tiff").front();
  every_number(corpus, seed, 0, 122, 2);
  every_number(corpus, seed, 10, 118, 4);
  for (std::size_t entry = 10; entry < 118; entry += 12)  // other tags, and arrays
    for (const unsigned tag : {254u, 266u, 273u, 279u, 317u, 320u, 322u, 323u, 324u, 325u, 338u, 339u, 347u, 32997u})
      for (const std::uint32_t value : {0u, 16u, 0xFFFFFFFFu})
        corpus.send("tiff", with_number(with_number(seed.bytes, entry, tag, 2), entry + 8, value, 4),
                    "tag " + std::to_string(tag));
  for (const unsigned length : {0u, 1u, 4u, 8u}) {  // a text that has no end
    std::string text = with_number(with_number(seed.bytes, 58, 31494, 2), 60, 2, 2);
    text = with_number(with_number(text, 62, length, 4), 66, length > 4 ? 130 : 0x78787878, 4);
    corpus.refuse("tiff", text, "text of " + std::to_string(length));
  }
}

void every_number_of_hdf5(Corpus& corpus, std::size_t one_in) {
  const Seed seed = seeds_of("hdf5").front();
  every_number(corpus, seed, 8, 96, 1, one_in);
  every_number(corpus, seed, 0, seed.bytes.size() - 480, 8, one_in);  // up to the voxels
}

TEST(HostileFields, NumbersOfHdf5) {  // slow: each is tried in a process of its own, and some make the library hang
  Corpus corpus("hdf5 fields, one in seven");
  every_number_of_hdf5(corpus, 7);
}

TEST(HostileFieldsLong, EveryNumberOfHdf5) {
  Corpus corpus("hdf5 fields");
  every_number_of_hdf5(corpus, 1);
}

TEST(HostileFields, EveryNumberOfZip) {
  Corpus corpus("zip fields");
  for (const Seed& seed : seeds_of("zip")) {
    every_number(corpus, seed, 0, 46, 2);
    every_number(corpus, seed, seed.bytes.rfind("PK\x01\x02"), seed.bytes.size(), 2);
  }
}

// Lines of a text header: left out, doubled, emptied, and each of their words exchanged.
void every_line(Corpus& corpus, const Seed& seed, const std::string& end_of_head, char between) {
  const std::size_t end = seed.bytes.find(end_of_head);
  const std::string head = seed.bytes.substr(0, end), rest = seed.bytes.substr(end);
  std::vector<std::string> lines;
  std::istringstream stream(head);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  const auto send = [&](std::size_t k, const std::string& instead) {
    std::string text;
    for (std::size_t j = 0; j < lines.size(); ++j)
      if (j != k) text += lines[j] + "\n";
      else if (!instead.empty()) text += instead + "\n";
    if (rest[0] == '\n' && !text.empty()) text.pop_back();
    corpus.send(seed.door, text + rest, seed.name + " line " + instead);
  };
  for (std::size_t k = 0; k < lines.size(); ++k) {
    send(k, "");
    send(k, lines[k] + "\n" + lines[k]);
    const std::size_t cut = lines[k].find(between);
    const std::string key = lines[k].substr(0, cut == std::string::npos ? 0 : cut + 1);
    for (const char* value : {"",
                              " ",
                              "0",
                              "-1",
                              "1",
                              "3",
                              "0 0 0",
                              "2 3",
                              "2 3 4 5",
                              "65536 65536 65536",
                              "-2 -3 -4",
                              "4294967296 4294967296 1",
                              "18446744073709551615 2 2",
                              "1e308 1e308 1e308",
                              "nan nan nan",
                              "1e-308 1 1",
                              "MET_CHAR",
                              "MET_DOUBLE",
                              "double",
                              "block",
                              "int",
                              "True",
                              "LIST",
                              "x.raw",
                              "/etc/passwd",
                              "../x",
                              "%d 1 9 1",
                              "%09d 9223372036854775804 9223372036854775807 1",
                              "%d -9223372036854775807 9223372036854775807 9223372036854775807",
                              "(1,0,0) none (0,0,1)",
                              "(0,0,0) (0,0,0) (0,0,0)",
                              "gzip",
                              "ascii",
                              "big",
                              "\r",
                              "1 2 3\r4"})
      send(k, key + " " + value);
    send(k, key + std::string(1, '\0') + "1");
    send(k, key + std::string(300, '7'));
    send(k, key + std::string(70000, ' '));
  }
}

TEST(HostileFields, EveryLineOfNrrdAndMetaImage) {
  Corpus corpus("text headers");
  for (const Seed& seed : seeds_of("nrrd")) every_line(corpus, seed, "\n\n", ':');
  for (const Seed& seed : seeds_of("metaimage")) every_line(corpus, seed, "ElementDataFile", '=');
}

}  // namespace
}  // namespace iqgate::test
