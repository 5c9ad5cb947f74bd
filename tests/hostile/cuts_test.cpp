// Every sound scan cut short, at 256 places or more: a part of a scan is never measured.
#include <zlib.h>

#include "hostile/corpus.hpp"

namespace iqgate::test {
namespace {

std::string gzipped(const std::string& plain) {
  z_stream z{};
  if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("gzip");
  std::string packed(deflateBound(&z, plain.size()) + 32, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = reinterpret_cast<Bytef*>(packed.data());
  z.avail_out = static_cast<uInt>(packed.size());
  deflate(&z, Z_FINISH);
  packed.resize(z.total_out);
  deflateEnd(&z);
  return packed;
}

void cut_everywhere(Corpus& corpus, const Seed& seed) {
  const std::size_t step = std::max<std::size_t>(1, seed.bytes.size() / 256);
  for (std::size_t cut = 0; cut < seed.bytes.size(); cut += step)
    corpus.refuse(seed.door, seed.bytes.substr(0, cut), seed.name + " cut at " + std::to_string(cut), seed.suffix);
  for (std::size_t last = 1; last <= 16; ++last)  // and byte by byte at the end
    corpus.refuse(seed.door, seed.bytes.substr(0, seed.bytes.size() - last), seed.name + " without its last bytes",
                  seed.suffix);
}

TEST(HostileCuts, EveryScan) {
  Corpus corpus("cuts");
  for (const Seed& seed : seeds_of())
    for (const char* door : {"dicom", "nifti", "nrrd", "metaimage", "tiff", "hdf5", "zip"})
      if (seed.door == door) cut_everywhere(corpus, seed);
  Seed packed = seeds_of("nifti").front();
  packed.bytes = gzipped(packed.bytes);
  packed.suffix = ".nii.gz";
  packed.name = "gzip";
  EXPECT_TRUE(corpus.send("nifti", packed.bytes, "gzip", packed.suffix).ok());
  cut_everywhere(corpus, packed);
}

TEST(HostileCuts, DocumentsAndLogs) {
  Corpus corpus("cut documents");
  for (const Seed& seed : seeds_of("documents"))
    for (std::size_t cut = 0; cut + 2 < seed.bytes.size(); cut += std::max<std::size_t>(1, seed.bytes.size() / 256))
      corpus.refuse("documents", seed.bytes.substr(0, cut), seed.name + " cut at " + std::to_string(cut));
  // A cut between two entries is a shorter log: its length and last digest in the dossier tell.
  for (const Seed& seed : seeds_of("decision_log"))
    for (std::size_t cut = 1; cut < seed.bytes.size(); ++cut)
      if (seed.bytes[cut - 1] != '\n') corpus.refuse("decision_log", seed.bytes.substr(0, cut), "cut");
}

}  // namespace
}  // namespace iqgate::test
