#include "iqgate/report/picture.hpp"

#include <cairo.h>

#include <algorithm>
#include <cmath>
#include <memory>

namespace iqgate::report {
namespace {

using Surface = std::unique_ptr<cairo_surface_t, decltype(&cairo_surface_destroy)>;
using Context = std::unique_ptr<cairo_t, decltype(&cairo_destroy)>;

cairo_status_t append(void* into, const unsigned char* data, unsigned int length) {
  static_cast<std::string*>(into)->append(reinterpret_cast<const char*>(data), length);
  return CAIRO_STATUS_SUCCESS;
}

// Grey values to an image surface, one pixel a voxel.
Surface grey_surface(const std::vector<float>& values, std::size_t width, std::size_t height, double low, double high) {
  Surface surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)),
                  &cairo_surface_destroy);
  cairo_surface_flush(surface.get());
  unsigned char* data = cairo_image_surface_get_data(surface.get());
  const int stride = cairo_image_surface_get_stride(surface.get());
  const double span = high > low ? high - low : 1;
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      double t = std::clamp((values[y * width + x] - low) / span, 0.0, 1.0);
      const auto g = static_cast<unsigned char>(std::lround(255 * t));
      unsigned char* p = data + y * static_cast<std::size_t>(stride) + 4 * x;
      p[0] = p[1] = p[2] = g;
    }
  cairo_surface_mark_dirty(surface.get());
  return surface;
}

struct Canvas {
  Surface surface;
  Context context;
  double scale_x, scale_y;
};

// The picture with square millimetres, at least 640 pixels wide, and a strip below for text.
Canvas canvas_of(cairo_surface_t* grey, std::size_t width, std::size_t height, double spacing_x, double spacing_y,
                 double strip) {
  const double mm_wide = double(width) * spacing_x, mm_high = double(height) * spacing_y;
  const double scale = 640 / std::max(mm_wide, mm_high);
  const int w = std::max(64, static_cast<int>(std::ceil(mm_wide * scale))),
            h = std::max(16, static_cast<int>(std::ceil(mm_high * scale)));
  Canvas c{
      Surface(cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h + static_cast<int>(strip)), &cairo_surface_destroy),
      Context(nullptr, &cairo_destroy), spacing_x * scale, spacing_y * scale};
  c.context.reset(cairo_create(c.surface.get()));
  cairo_t* k = c.context.get();
  cairo_set_source_rgb(k, 1, 1, 1);
  cairo_paint(k);
  cairo_save(k);
  cairo_scale(k, c.scale_x, c.scale_y);
  cairo_set_source_surface(k, grey, 0, 0);
  cairo_pattern_set_filter(cairo_get_source(k), CAIRO_FILTER_NEAREST);
  cairo_paint(k);
  cairo_restore(k);
  cairo_select_font_face(k, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  return c;
}

void text_at(cairo_t* k, double x, double y, const std::string& text) {
  cairo_move_to(k, x, y);
  cairo_show_text(k, text.c_str());
}

void outlined_text(cairo_t* k, double x, double y, const std::string& text) {
  cairo_move_to(k, x, y);
  cairo_text_path(k, text.c_str());
  cairo_set_source_rgb(k, 0, 0, 0);
  cairo_set_line_width(k, 3);
  cairo_stroke_preserve(k);
  cairo_set_source_rgb(k, 1, 0.9, 0.2);
  cairo_fill(k);
}

void draw_outline(const Canvas& c, const Outline& o) {
  cairo_t* k = c.context.get();
  if (o.points.empty()) return;
  double right = -1e9, middle = 0;
  for (std::size_t p = 0; p < o.points.size(); ++p) {
    const double x = (o.points[p].first + 0.5) * c.scale_x, y = (o.points[p].second + 0.5) * c.scale_y;
    if (p == 0) cairo_move_to(k, x, y);
    else cairo_line_to(k, x, y);
    right = std::max(right, x);
    middle += y / double(o.points.size());
  }
  cairo_close_path(k);
  if (o.number < 0) {  // the fitted phantom: a thin line that hides nothing
    cairo_set_source_rgba(k, 1, 0.35, 0.9, 0.9);
    cairo_set_line_width(k, 1);
    cairo_stroke(k);
    return;
  }
  const double dash[] = {6, 4};
  if (o.number == 0) cairo_set_dash(k, dash, 2, 0);
  cairo_set_source_rgb(k, 0, 0, 0);
  cairo_set_line_width(k, 3);
  cairo_stroke_preserve(k);
  if (o.number == 0) cairo_set_source_rgb(k, 0.3, 0.9, 1);
  else cairo_set_source_rgb(k, 1, 0.9, 0.2);
  cairo_set_line_width(k, 1.3);
  cairo_stroke(k);
  cairo_set_dash(k, nullptr, 0, 0);
  if (o.number > 0) {
    cairo_set_font_size(k, 15);
    outlined_text(k, std::min(right + 3, cairo_image_surface_get_width(c.surface.get()) - 22.0), middle + 5,
                  std::to_string(o.number));
  }
}

std::string png_of(cairo_surface_t* surface) {
  std::string bytes;
  if (cairo_surface_write_to_png_stream(surface, append, &bytes) != CAIRO_STATUS_SUCCESS)
    throw ResourceError("picture", "cairo", "a picture could not be drawn");
  return bytes;
}

}  // namespace

std::string picture_png(const Picture& p) {
  const Surface grey = grey_surface(p.values, p.width, p.height, p.window_low, p.window_high);
  const Canvas c = canvas_of(grey.get(), p.width, p.height, p.spacing_x_mm, p.spacing_y_mm, 26);
  cairo_t* k = c.context.get();
  for (const Outline& o : p.outlines) draw_outline(c, o);
  const double w = cairo_image_surface_get_width(c.surface.get()), h = cairo_image_surface_get_height(c.surface.get());
  // Scale bar: the largest of 1, 2, 5, 10... mm that is at most a fifth of the width.
  const double mm_per_pixel = p.spacing_x_mm / c.scale_x;
  double bar = 0.1;
  for (const double candidate : {0.2, 0.5, 1., 2., 5., 10., 20., 50., 100.})
    if (candidate / mm_per_pixel <= w / 5) bar = candidate;
  cairo_set_source_rgb(k, 0, 0, 0);
  cairo_set_line_width(k, 3);
  cairo_move_to(k, 8, h - 10);
  cairo_line_to(k, 8 + bar / mm_per_pixel, h - 10);
  cairo_stroke(k);
  cairo_set_font_size(k, 13);
  char text[120];
  std::snprintf(text, sizeof text, "%g mm", bar);
  text_at(k, 14 + bar / mm_per_pixel, h - 6, text);
  std::snprintf(text, sizeof text, "window %.4g .. %.4g %s", p.window_low, p.window_high,
                p.unit == "1" ? "" : p.unit.c_str());
  text_at(k, w * 0.5, h - 6, text);
  return png_of(c.surface.get());
}

std::string map_png(const Map& m) {
  std::vector<float> inside;
  for (const float v : m.values)
    if (v != m.outside) inside.push_back(v);
  if (inside.empty()) inside.push_back(0);
  std::sort(inside.begin(), inside.end());
  const double low = inside[inside.size() / 100], high = inside[inside.size() - 1 - inside.size() / 100];
  const Surface grey = grey_surface(m.values, m.width, m.height, low, high);
  const Canvas c = canvas_of(grey.get(), m.width, m.height, m.spacing_x_mm, m.spacing_y_mm, 26);
  cairo_t* k = c.context.get();
  cairo_set_source_rgb(k, 0, 0, 0);
  cairo_set_font_size(k, 13);
  char text[120];
  std::snprintf(text, sizeof text, "black %.4g, white %.4g %s", low, high, m.unit == "1" ? "" : m.unit.c_str());
  text_at(k, 8, cairo_image_surface_get_height(c.surface.get()) - 6.0, text);
  return png_of(c.surface.get());
}

std::string base64(const std::string& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t k = 0; k < bytes.size(); k += 3) {
    const auto b = [&](std::size_t i) {
      return k + i < bytes.size() ? static_cast<unsigned>(static_cast<unsigned char>(bytes[k + i])) : 0u;
    };
    const unsigned v = b(0) << 16 | b(1) << 8 | b(2);
    out += digits[v >> 18];
    out += digits[v >> 12 & 63];
    out += k + 1 < bytes.size() ? digits[v >> 6 & 63] : '=';
    out += k + 2 < bytes.size() ? digits[v & 63] : '=';
  }
  return out;
}

}  // namespace iqgate::report
