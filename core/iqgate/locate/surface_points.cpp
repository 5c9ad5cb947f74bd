#include "iqgate/locate/surface_points.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "iqgate/base/parallel_guard.hpp"

namespace iqgate::locate {
namespace {

constexpr int rays_per_plane = 256, sectors_per_plane = 16, most_planes = 48;

// Otsu's threshold over robust limits of the values.
double otsu_threshold(std::vector<float> sample) {
  std::sort(sample.begin(), sample.end());
  const double low = sample[sample.size() / 500], high = sample[sample.size() - 1 - sample.size() / 500];
  if (!(high > low)) return low;
  constexpr std::size_t bins = 512;
  std::array<double, bins> histogram{};
  for (const float v : sample)
    histogram[static_cast<std::size_t>(std::clamp((v - low) / (high - low) * (bins - 1), 0.0, double(bins - 1)))] += 1;
  double total = 0, sum = 0;
  for (std::size_t k = 0; k < bins; ++k) total += histogram[k], sum += double(k) * histogram[k];
  double weight = 0, part = 0, best = -1, first = 0, last = 0;
  for (std::size_t k = 0; k + 1 < bins; ++k) {
    weight += histogram[k];
    part += double(k) * histogram[k];
    if (weight == 0 || weight == total) continue;
    const double difference = part / weight - (sum - part) / (total - weight);
    const double between = weight * (total - weight) * difference * difference;
    if (between > best * (1 + 1e-12)) best = between, first = last = double(k);
    else if (between >= best * (1 - 1e-12)) last = double(k);  // an empty valley: take its middle
  }
  return low + (0.5 * (first + last) + 1) / bins * (high - low);
}

// The mask on a grid coarse enough to be quick: every `step`-th voxel.
struct CoarseMask {
  Size3 size;
  std::size_t step[3];
  std::vector<std::uint8_t> inside;
  std::size_t count = 0;
};

std::size_t coarse_step(std::size_t n) { return std::max<std::size_t>(1, n / 160); }

CoarseMask largest_component(const Volume& v, double threshold) {
  CoarseMask mask;
  const std::size_t full[3] = {v.grid.size.x, v.grid.size.y, v.grid.size.z};
  std::size_t n[3];
  for (int d = 0; d < 3; ++d) {
    mask.step[d] = coarse_step(full[d]);
    n[d] = (full[d] + mask.step[d] - 1) / mask.step[d];
  }
  mask.size = {n[0], n[1], n[2]};
  std::vector<std::uint8_t> above(mask.size.count());
  const VolumeView view = v.view();
  for (std::size_t z = 0, i = 0; z < n[2]; ++z)
    for (std::size_t y = 0; y < n[1]; ++y)
      for (std::size_t x = 0; x < n[0]; ++x, ++i)
        above[i] = view(x * mask.step[0], y * mask.step[1], z * mask.step[2]) > threshold;
  std::vector<std::int32_t> label(above.size(), 0);
  std::int32_t labels = 0, best = 0;
  std::vector<std::size_t> stack;
  for (std::size_t seed = 0; seed < above.size(); ++seed) {
    if (!above[seed] || label[seed]) continue;
    label[seed] = ++labels;
    stack.assign(1, seed);
    std::size_t count = 0;
    while (!stack.empty()) {
      const std::size_t at = stack.back();
      stack.pop_back();
      ++count;
      const std::size_t x = at % n[0], y = at / n[0] % n[1], z = at / (n[0] * n[1]);
      const auto visit = [&](std::size_t to) {
        if (above[to] && !label[to]) {
          label[to] = labels;
          stack.push_back(to);
        }
      };
      if (x > 0) visit(at - 1);
      if (x + 1 < n[0]) visit(at + 1);
      if (y > 0) visit(at - n[0]);
      if (y + 1 < n[1]) visit(at + n[0]);
      if (z > 0) visit(at - n[0] * n[1]);
      if (z + 1 < n[2]) visit(at + n[0] * n[1]);
    }
    if (count > mask.count) mask.count = count, best = labels;
  }
  mask.inside.resize(above.size());
  for (std::size_t k = 0; k < above.size(); ++k) mask.inside[k] = best > 0 && label[k] == best;
  return mask;
}

bool inside_mask(const CoarseMask& mask, Vec3 index) {
  const long x = std::lround(index.x / double(mask.step[0])), y = std::lround(index.y / double(mask.step[1])),
             z = std::lround(index.z / double(mask.step[2]));
  if (x < 0 || y < 0 || z < 0 || x >= long(mask.size.x) || y >= long(mask.size.y) || z >= long(mask.size.z))
    return false;
  return mask.inside[(std::size_t(z) * mask.size.y + std::size_t(y)) * mask.size.x + std::size_t(x)] != 0;
}

bool inside_volume(const Grid& g, Vec3 i) {
  return i.x >= 0 && i.y >= 0 && i.z >= -1e-9 && i.x <= double(g.size.x - 1) && i.y <= double(g.size.y - 1) &&
         i.z <= double(g.size.z - 1) + 1e-9;
}

double sample(const VolumeView& v, Vec3 i) {
  const auto split = [](double c, std::size_t n, std::size_t& low, double& t) {
    c = std::clamp(c, 0.0, double(n - 1));
    low = std::min(static_cast<std::size_t>(c), n > 1 ? n - 2 : 0);
    t = n > 1 ? c - double(low) : 0;
  };
  std::size_t x, y, z;
  double tx, ty, tz;
  split(i.x, v.size.x, x, tx);
  split(i.y, v.size.y, y, ty);
  split(i.z, v.size.z, z, tz);
  const std::size_t x1 = std::min(x + 1, v.size.x - 1), y1 = std::min(y + 1, v.size.y - 1),
                    z1 = std::min(z + 1, v.size.z - 1);
  const auto line = [&](std::size_t b, std::size_t c) { return (1 - tx) * v(x, b, c) + tx * v(x1, b, c); };
  return (1 - tz) * ((1 - ty) * line(y, z) + ty * line(y1, z)) + tz * ((1 - ty) * line(y, z1) + ty * line(y1, z1));
}

// Sub-voxel half-level crossing along a ray from `start`, between levels taken a few steps on either side.
// Returns false when the ray leaves the scan inside the body.
bool edge_along_ray(const VolumeView& v, const Grid& grid, const CoarseMask& mask, Vec3 start, Vec3 step,
                    Vec3& crossing) {
  int last_inside = -1, count = 0;
  for (Vec3 p = start; inside_volume(grid, p); p = p + step, ++count)
    if (inside_mask(mask, p)) last_inside = count;
  const double coarse = double(std::max({mask.step[0], mask.step[1], mask.step[2]}));
  const int margin = static_cast<int>(std::ceil(3 + 2 * coarse));
  if (last_inside < 0 || last_inside + margin + 2 > count - 1) return false;
  const int from = std::max(0, last_inside - 2 * margin), to = std::min(count - 1, last_inside + 2 * margin);
  std::vector<double> profile;
  for (int k = from; k <= to; ++k) profile.push_back(sample(v, start + double(k) * step));
  const auto median_of = [](std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  const std::size_t side = static_cast<std::size_t>(margin) / 2 + 2;
  if (profile.size() < 2 * side + 2) return false;
  const double inner = median_of({profile.begin(), profile.begin() + static_cast<std::ptrdiff_t>(side)});
  const double outer = median_of({profile.end() - static_cast<std::ptrdiff_t>(side), profile.end()});
  const double level = 0.5 * (inner + outer);
  if (!(inner > outer)) return false;
  // The crossing nearest to where the mask ends.
  const int expected = last_inside - from;
  int best = -1;
  for (int k = 0; k + 1 < static_cast<int>(profile.size()); ++k)
    if (profile[std::size_t(k)] >= level && profile[std::size_t(k + 1)] < level &&
        (best < 0 || std::abs(k - expected) < std::abs(best - expected)))
      best = k;
  if (best < 0) return false;
  const double a = profile[std::size_t(best)], b = profile[std::size_t(best + 1)];
  crossing = start + (from + best + (a - level) / (a - b)) * step;
  return true;
}

// Mean index of the component in one plane (axis d at coarse index c).
bool plane_centre(const CoarseMask& mask, int d, std::size_t c, Vec3& centre) {
  const std::size_t n[3] = {mask.size.x, mask.size.y, mask.size.z};
  std::size_t i[3];
  const int a = (d + 1) % 3, b = (d + 2) % 3;
  i[d] = c;
  double count = 0;
  Vec3 sum;
  for (i[b] = 0; i[b] < n[b]; ++i[b])
    for (i[a] = 0; i[a] < n[a]; ++i[a])
      if (mask.inside[(i[2] * n[1] + i[1]) * n[0] + i[0]]) {
        sum = sum + Vec3{double(i[0]), double(i[1]), double(i[2])};
        count += 1;
      }
  if (count < 12) return false;
  centre = (1.0 / count) * sum;
  for (int e = 0; e < 3; ++e) centre[e] *= double(mask.step[e]);
  return true;
}

}  // namespace

Surface find_surface(const Scan& scan) {
  const Volume& volume = scan.volume;
  const float lowest = scan.value_unit == "HU" ? -1024.0F : -INFINITY;
  Surface surface;
  const Grid& grid = volume.grid;
  const std::size_t stride = std::max<std::size_t>(1, volume.values.size() / 400000) | 1;
  std::vector<float> sampled;
  for (std::size_t k = 0; k < volume.values.size(); k += stride) sampled.push_back(std::max(volume.values[k], lowest));
  if (sampled.size() < 64) return surface;
  const double threshold = otsu_threshold(sampled);
  double inside_sum = 0, outside_sum = 0, inside_count = 0, outside_count = 0;
  for (const float v : sampled)
    (v > threshold ? inside_sum : outside_sum) += v, (v > threshold ? inside_count : outside_count) += 1;
  if (inside_count == 0 || outside_count == 0) return surface;
  surface.contrast = inside_sum / inside_count - outside_sum / outside_count;
  const CoarseMask mask = largest_component(volume, threshold);
  if (mask.count < 30) return surface;
  const VolumeView view = volume.view();
  // Noise inside the body from steps between neighbours along x.
  double squares = 0, pairs = 0;
  const std::size_t n[3] = {grid.size.x, grid.size.y, grid.size.z};
  for (std::size_t z = 0; z < mask.size.z; ++z)
    for (std::size_t y = 0; y < mask.size.y; ++y)
      for (std::size_t x = 1; x + 1 < mask.size.x; ++x) {
        const std::size_t i = (z * mask.size.y + y) * mask.size.x + x;
        if (!mask.inside[i - 1] || !mask.inside[i] || !mask.inside[i + 1]) continue;
        const std::size_t fx = x * mask.step[0];
        const double d = view(fx, y * mask.step[1], z * mask.step[2]) -
                         view(std::min(fx + 1, n[0] - 1), y * mask.step[1], z * mask.step[2]);
        squares += d * d;
        pairs += 1;
      }
  surface.noise = pairs > 0 ? std::sqrt(squares / (2 * pairs)) : 0;
  const std::size_t coarse[3] = {mask.size.x, mask.size.y, mask.size.z};
  struct Ray {
    Vec3 centre, step, crossing;
    int group;
    bool met = false;
  };
  std::vector<Ray> rays;
  Vec3 middle_sum;
  double middle_count = 0;
  for (int d = 2; d >= 0; --d) {
    if (d < 2 && n[2] < 8) break;  // too thin for rays through the stack
    const int a = (d + 1) % 3, b = (d + 2) % 3;
    const std::size_t planes = std::min<std::size_t>(coarse[d], most_planes);
    for (std::size_t p = 0; p < planes; ++p) {
      const std::size_t c = planes == 1 ? 0 : p * (coarse[d] - 1) / (planes - 1);
      Vec3 centre;
      if (!plane_centre(mask, d, c, centre)) continue;
      middle_sum = middle_sum + centre;
      middle_count += 1;
      const double step_mm = 0.5 * std::min(grid.spacing_mm[a], grid.spacing_mm[b]);
      for (int ray = 0; ray < rays_per_plane; ++ray) {
        const double angle = 2 * std::numbers::pi * (ray + 0.5 * double(p % 2)) / rays_per_plane;
        Vec3 step;
        step[a] = std::cos(angle) * step_mm / grid.spacing_mm[a];
        step[b] = std::sin(angle) * step_mm / grid.spacing_mm[b];
        // Where voxels are very unequal a step must still get somewhere.
        const double longest = std::max(std::abs(step[a]), std::abs(step[b]));
        if (longest < 0.1) step = (0.1 / longest) * step;
        rays.push_back({centre, step, {}, surface.groups + ray / (rays_per_plane / sectors_per_plane)});
      }
      surface.groups += sectors_per_plane;
    }
  }
  parallel_for(rays.size(), [&](std::size_t k) {
    rays[k].met = edge_along_ray(view, grid, mask, rays[k].centre, rays[k].step, rays[k].crossing);
  });
  surface.rays = rays.size();
  for (const Ray& ray : rays) {
    if (ray.met) surface.points.push_back({grid.to_mm(ray.crossing), ray.group});
    else ++surface.left_scan;
  }
  if (middle_count > 0) surface.inside_mm = grid.to_mm((1.0 / middle_count) * middle_sum);
  return surface;
}

}  // namespace iqgate::locate
