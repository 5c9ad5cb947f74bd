#include <hdf5.h>
#include <openssl/crypto.h>

#include <Eigen/Core>
#include <boost/version.hpp>

#include "iqgate/pipeline/job.hpp"

namespace iqgate::pipeline {
namespace {

#ifdef __clang__
constexpr const char* compiler = __VERSION__;
#else
constexpr const char* compiler = "g++ " __VERSION__;
#endif

}  // namespace

std::map<std::string, std::string> software_record() {
  unsigned major = 0, minor = 0, release = 0;
  H5get_libversion(&major, &minor, &release);
  const auto dotted = [](auto a, auto b, auto c) {
    return std::to_string(a) + "." + std::to_string(b) + "." + std::to_string(c);
  };
  return {{"name", "iqgate"},
          {"version", IQGATE_VERSION},
          {"build", IQGATE_BUILD_TYPE},
          {"compiler", compiler},
          {"hdf5", dotted(major, minor, release)},
          {"openssl", OpenSSL_version(OPENSSL_VERSION)},
          {"eigen", dotted(EIGEN_WORLD_VERSION, EIGEN_MAJOR_VERSION, EIGEN_MINOR_VERSION)},
          {"boost", dotted(BOOST_VERSION / 100000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)}};
}

}  // namespace iqgate::pipeline
