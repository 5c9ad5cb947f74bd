#include "iqgate/read/dicom_memory.hpp"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrma.h>

#include <algorithm>
#include <cstring>

namespace iqgate::read {
namespace {

using Bytes = std::shared_ptr<const std::string>;

class Producer : public DcmProducer {
 public:
  Producer(Bytes bytes, offile_off_t at) : bytes_(std::move(bytes)), at_(at) {}
  OFBool good() const override { return OFTrue; }
  OFCondition status() const override { return EC_Normal; }
  OFBool eos() override { return avail() == 0; }
  offile_off_t avail() override { return static_cast<offile_off_t>(bytes_->size()) - at_; }
  offile_off_t read(void* into, offile_off_t count) override {
    count = std::clamp<offile_off_t>(count, 0, avail());
    std::memcpy(into, bytes_->data() + at_, static_cast<std::size_t>(count));
    at_ += count;
    return count;
  }
  offile_off_t skip(offile_off_t count) override {
    count = std::clamp<offile_off_t>(count, 0, avail());
    at_ += count;
    return count;
  }
  void putback(offile_off_t count) override { at_ -= std::clamp<offile_off_t>(count, 0, at_); }

 private:
  Bytes bytes_;
  offile_off_t at_;
};

class Stream : public DcmInputStream {
 public:
  explicit Stream(Bytes bytes, offile_off_t at = 0)
      : DcmInputStream(&producer_), bytes_(bytes), start_(at), producer_(std::move(bytes), at) {}
  DcmInputStreamFactory* newFactory() const override;

 private:
  Bytes bytes_;
  offile_off_t start_;
  Producer producer_;
};

class Factory : public DcmInputStreamFactory {
 public:
  Factory(Bytes bytes, offile_off_t at) : bytes_(std::move(bytes)), at_(at) {}
  DcmInputStream* create() const override { return new Stream(bytes_, at_); }
  DcmInputStreamFactory* clone() const override { return new Factory(*this); }
  DcmInputStreamFactoryType ident() const override { return DFT_DcmInputFileStreamFactory; }

 private:
  Bytes bytes_;
  offile_off_t at_;
};

// A stream made anew stands where this one does; one that inflates cannot be entered in the middle.
DcmInputStreamFactory* Stream::newFactory() const {
  return currentProducer() == &producer_ ? new Factory(bytes_, start_ + tell()) : nullptr;
}

}  // namespace

std::unique_ptr<DcmInputStream> memory_stream(std::shared_ptr<const std::string> bytes) {
  return std::make_unique<Stream>(std::move(bytes));
}

}  // namespace iqgate::read
