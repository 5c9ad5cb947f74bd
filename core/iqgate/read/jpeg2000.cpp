#include "iqgate/read/jpeg2000.hpp"

#include <openjpeg-2.5/openjpeg.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "iqgate/base/error.hpp"

namespace iqgate::read {
namespace {

struct Cursor {
  const std::string* bytes;
  std::size_t at = 0;
};

OPJ_SIZE_T read_some(void* buffer, OPJ_SIZE_T count, void* user) {
  auto* cursor = static_cast<Cursor*>(user);
  const std::size_t n = std::min<std::size_t>(count, cursor->bytes->size() - cursor->at);
  if (n == 0) return static_cast<OPJ_SIZE_T>(-1);
  std::memcpy(buffer, cursor->bytes->data() + cursor->at, n);
  cursor->at += n;
  return n;
}

OPJ_OFF_T skip(OPJ_OFF_T count, void* user) {
  auto* cursor = static_cast<Cursor*>(user);
  if (count < 0 || static_cast<std::size_t>(count) > cursor->bytes->size() - cursor->at) return -1;
  cursor->at += static_cast<std::size_t>(count);
  return count;
}

OPJ_BOOL seek(OPJ_OFF_T to, void* user) {
  auto* cursor = static_cast<Cursor*>(user);
  if (to < 0 || static_cast<std::size_t>(to) > cursor->bytes->size()) return OPJ_FALSE;
  cursor->at = static_cast<std::size_t>(to);
  return OPJ_TRUE;
}

}  // namespace

std::vector<std::int32_t> decode_jpeg2000(const std::string& bytes, std::size_t columns, std::size_t rows,
                                          const std::string& name) {
  const auto refuse = [&](const char* why) -> InputError { return InputError("decode_failed", name, why); };
  check_jpeg2000(bytes, name);
  Cursor cursor{&bytes};
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(opj_stream_default_create(OPJ_TRUE),
                                                                            &opj_stream_destroy);
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(opj_create_decompress(OPJ_CODEC_J2K),
                                                                         &opj_destroy_codec);
  if (!stream || !codec) throw ResourceError("jpeg2000", name, "the JPEG 2000 decoder cannot start");
  opj_stream_set_user_data(stream.get(), &cursor, nullptr);
  opj_stream_set_user_data_length(stream.get(), bytes.size());
  opj_stream_set_read_function(stream.get(), read_some);
  opj_stream_set_skip_function(stream.get(), skip);
  opj_stream_set_seek_function(stream.get(), seek);
  opj_dparameters_t parameters;
  opj_set_default_decoder_parameters(&parameters);
  opj_image_t* raw = nullptr;
  if (!opj_setup_decoder(codec.get(), &parameters) || !opj_decoder_set_strict_mode(codec.get(), OPJ_TRUE) ||
      !opj_read_header(stream.get(), codec.get(), &raw))
    throw refuse("the JPEG 2000 header cannot be read");
  const std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> image(raw, &opj_image_destroy);
  if (image->numcomps != 1 || image->x1 - image->x0 != columns || image->y1 - image->y0 != rows)
    throw refuse("the JPEG 2000 stream has another size than the DICOM header");
  if (!opj_decode(codec.get(), stream.get(), image.get()) || !opj_end_decompress(codec.get(), stream.get()))
    throw refuse("the JPEG 2000 stream cannot be decoded whole");
  const opj_image_comp_t& component = image->comps[0];
  if (!component.data || component.w != columns || component.h != rows)
    throw refuse("the JPEG 2000 stream decoded to another size");
  return {component.data, component.data + columns * rows};
}

}  // namespace iqgate::read
