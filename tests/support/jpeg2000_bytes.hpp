#pragma once
// A small lossless JPEG 2000 code stream, by OpenJPEG's encoder.
#include <openjpeg-2.5/openjpeg.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

namespace iqgate::test {

inline std::string jpeg2000_bytes(unsigned columns, unsigned rows) {
  std::string bytes;
  opj_cparameters_t parameters;
  opj_set_default_encoder_parameters(&parameters);
  parameters.numresolution = 2;
  opj_image_cmptparm_t component{};
  component.dx = component.dy = 1, component.w = columns, component.h = rows, component.prec = 16;
  const std::unique_ptr<opj_image_t, decltype(&opj_image_destroy)> image(
      opj_image_create(1, &component, OPJ_CLRSPC_GRAY), &opj_image_destroy);
  image->x1 = columns, image->y1 = rows;
  for (unsigned k = 0; k < columns * rows; ++k) image->comps[0].data[k] = static_cast<int>(k * 2654435761u >> 20);
  const std::unique_ptr<opj_stream_t, decltype(&opj_stream_destroy)> stream(opj_stream_default_create(OPJ_FALSE),
                                                                            &opj_stream_destroy);
  const std::unique_ptr<opj_codec_t, decltype(&opj_destroy_codec)> codec(opj_create_compress(OPJ_CODEC_J2K),
                                                                         &opj_destroy_codec);
  // The encoder goes back to write lengths: the stream can be written anywhere.
  struct Output {
    std::string* bytes;
    std::size_t at = 0;
  } output{&bytes};
  opj_stream_set_user_data(stream.get(), &output, nullptr);
  opj_stream_set_write_function(stream.get(), [](void* from, OPJ_SIZE_T count, void* user) -> OPJ_SIZE_T {
    auto* out = static_cast<Output*>(user);
    if (out->bytes->size() < out->at + count) out->bytes->resize(out->at + count);
    std::memcpy(out->bytes->data() + out->at, from, count);
    out->at += count;
    return count;
  });
  opj_stream_set_skip_function(stream.get(), [](OPJ_OFF_T count, void* user) -> OPJ_OFF_T {
    return static_cast<Output*>(user)->at += static_cast<std::size_t>(count), count;
  });
  opj_stream_set_seek_function(stream.get(), [](OPJ_OFF_T to, void* user) -> OPJ_BOOL {
    return static_cast<Output*>(user)->at = static_cast<std::size_t>(to), OPJ_TRUE;
  });
  if (!opj_setup_encoder(codec.get(), &parameters, image.get()) ||
      !opj_start_compress(codec.get(), image.get(), stream.get()) || !opj_encode(codec.get(), stream.get()) ||
      !opj_end_compress(codec.get(), stream.get()))
    throw std::runtime_error("JPEG 2000 cannot be written");
  return bytes;
}

}  // namespace iqgate::test
