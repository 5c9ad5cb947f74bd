#include "iqgate/read/dicom_log.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/appender.h>
#include <dcmtk/oflog/oflog.h>

#include <mutex>

namespace iqgate::read {
namespace {

thread_local std::size_t complaints = 0;

class Counter : public dcmtk::log4cplus::Appender {
 public:
  ~Counter() override { destructorImpl(); }
  void close() override {}

 protected:
  void append(const dcmtk::log4cplus::spi::InternalLoggingEvent&) override { ++complaints; }
};

}  // namespace

void listen_to_dcmtk() {
  static std::once_flag once;
  std::call_once(once, [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    const dcmtk::log4cplus::SharedAppenderPtr counter(new Counter);
    for (const char* name : {"dcmtk.dcmjpeg", "dcmtk.dcmjpls"}) {
      dcmtk::log4cplus::Logger logger = dcmtk::log4cplus::Logger::getInstance(name);
      logger.setLogLevel(dcmtk::log4cplus::WARN_LOG_LEVEL);
      logger.setAdditivity(false);
      logger.addAppender(counter);
    }
  });
}

std::size_t codec_complaints() { return complaints; }

}  // namespace iqgate::read
