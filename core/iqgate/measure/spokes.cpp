// A11, MR: low contrast discs in spokes of three. Every disc is tested by its template in a least-squares fit of the
// whole insert; how large such a number gets by chance is told by the same template where no disc lies.
#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numbers>

#include "iqgate/measure/metrics.hpp"
#include "iqgate/measure/rim.hpp"

namespace iqgate::measure {
namespace {

constexpr int spokes = 10, discs = 3;
constexpr double diameters_mm[spokes] = {7.00, 6.39, 5.78, 5.17, 4.55, 3.94, 3.33, 2.72, 2.11, 1.50};
constexpr double ring_mm = 12.7;  // radii of the discs: 1, 2, 3 times this
constexpr std::size_t least_pixels = 1000;
constexpr double false_discovery = 0.0125;
constexpr double degree = std::numbers::pi / 180;
constexpr double control_radii_mm[] = {19.05, 25.4, 31.75, 38.1};
// Background: a polynomial of order 4, and rings about the middle (the plastic's own ringing), linear between these.
constexpr int polynomial_terms = 15, ring_terms = 25, terms = polynomial_terms + ring_terms;
constexpr double fine_rings_from_mm = 34;

struct Insert {
  double u_mm = 0, w_mm = 0, radius_mm = 0;
};

struct Fit {
  double beta[spokes * discs] = {};
  double t[spokes * discs] = {};
  double p[spokes * discs] = {};
  double noise = 0, level = 0;
  std::size_t pixels = 0;
};

struct Pixels {
  std::vector<double> u, w, value;  // about the insert's middle
};

Pixels pixels_of(const SliceSampler& slice, const Insert& insert) {
  Pixels p;
  const double reach = insert.radius_mm - 2.5;  // clear of the ring
  for (std::size_t y = 0; y < slice.view().size.y; ++y)
    for (std::size_t x = 0; x < slice.view().size.x; ++x) {
      const Vec3 at = slice.point(double(x), double(y));
      const double u = at.x - insert.u_mm, w = at.y - insert.w_mm;
      if (u * u + w * w > reach * reach) continue;
      p.u.push_back(u), p.w.push_back(w), p.value.push_back(slice.view()(x, y, slice.slice()));
    }
  return p;
}

// The pixels that a disc touches and the share of each that it covers, its edge blurred by half a pixel.
struct Template {
  std::vector<Eigen::Index> at;
  std::vector<double> share;
  double dot(const Eigen::VectorXd& v) const {
    double sum = 0;
    for (std::size_t k = 0; k < at.size(); ++k) sum += share[k] * v[at[k]];
    return sum;
  }
  double square() const {
    double sum = 0;
    for (const double s : share) sum += s * s;
    return sum;
  }
};

Template disc_template(const Pixels& p, double u, double w, double radius_mm, double pixel_mm) {
  Template t;
  const double reach = radius_mm + 2 * pixel_mm;
  for (std::size_t k = 0; k < p.u.size(); ++k) {
    const double x = p.u[k] - u, y = p.w[k] - w;
    if (x * x + y * y > reach * reach) continue;
    t.at.push_back(Eigen::Index(k));
    t.share.push_back(0.5 * std::erfc(-(radius_mm - std::hypot(x, y)) / (0.5 * pixel_mm) / std::numbers::sqrt2));
  }
  return t;
}

// Place of a radius among the rings: every 2 mm, every 1 mm near the plastic.
double ring_place(double r) {
  return r < fine_rings_from_mm ? r / 2 : fine_rings_from_mm / 2 + (r - fine_rings_from_mm);
}

Eigen::MatrixXd background(const Pixels& p, double scale_mm) {
  Eigen::MatrixXd b = Eigen::MatrixXd::Zero(Eigen::Index(p.u.size()), terms);
  for (std::size_t k = 0; k < p.u.size(); ++k) {
    const double x = p.u[k] / scale_mm, y = p.w[k] / scale_mm;
    Eigen::Index column = 0;
    for (int order = 0; order <= 4; ++order)
      for (int j = 0; j <= order; ++j) b(Eigen::Index(k), column++) = std::pow(x, order - j) * std::pow(y, j);
    // Ring 0 is left to the polynomial's constant.
    const double place = std::min(ring_place(std::hypot(p.u[k], p.w[k])), double(ring_terms));
    const Eigen::Index low = static_cast<Eigen::Index>(place);
    if (low > 0) b(Eigen::Index(k), column + low - 1) = 1 - (place - double(low));
    if (low < ring_terms) b(Eigen::Index(k), column + low) = place - double(low);
  }
  return b;
}

Fit fit_insert(const Pixels& p, const Insert& insert, double first_angle, double pixel_mm) {
  const Eigen::Index n = Eigen::Index(p.u.size());
  Eigen::MatrixXd design = Eigen::MatrixXd::Zero(n, terms + spokes * discs);
  design.leftCols(terms) = background(p, insert.radius_mm);
  for (int i = 0; i < spokes; ++i)
    for (int j = 0; j < discs; ++j) {
      const double a = first_angle + 36 * degree * i, r = ring_mm * (j + 1);
      const Template t = disc_template(p, r * std::cos(a), r * std::sin(a), 0.5 * diameters_mm[i], pixel_mm);
      for (std::size_t k = 0; k < t.at.size(); ++k) design(t.at[k], terms + i * discs + j) = t.share[k];
    }
  const Eigen::Map<const Eigen::VectorXd> y(p.value.data(), n);
  const Eigen::LDLT<Eigen::MatrixXd> normal(
      (design.transpose() * design + 1e-9 * Eigen::MatrixXd::Identity(design.cols(), design.cols())).eval());
  const Eigen::VectorXd beta = normal.solve(design.transpose() * y), rest = y - design * beta;
  const Eigen::MatrixXd inverse = normal.solve(Eigen::MatrixXd::Identity(design.cols(), design.cols()));
  Fit fit;
  fit.pixels = p.u.size();
  fit.noise = std::sqrt(rest.squaredNorm() / double(n - design.cols()));
  fit.level = y.mean();
  for (int i = 0; i < spokes; ++i) {
    // The same template half-way between spokes: what is left there after the fit, in its own standard errors.
    std::vector<double> z;
    for (const double r : control_radii_mm)
      for (int between = 0; between < spokes; ++between) {
        const double a = first_angle + 36 * degree * (between + 0.5);
        const Template t = disc_template(p, r * std::cos(a), r * std::sin(a), 0.5 * diameters_mm[i], pixel_mm);
        Eigen::VectorXd shared = Eigen::VectorXd::Zero(design.cols());
        for (std::size_t k = 0; k < t.at.size(); ++k) shared += t.share[k] * design.row(t.at[k]).transpose();
        const double own = t.square() - shared.dot(inverse * shared);  // what the other terms cannot draw
        if (own > 1e-9) z.push_back(t.dot(rest) / (fit.noise * std::sqrt(own)));
      }
    double squares = 0;
    if (z.size() < 10) return {};  // too coarse to tell: no noise, which the caller refuses
    for (const double v : z) squares += v * v;
    // Ringing and filters: a template of many pixels sees more or less of them than white noise of their SD would show.
    const double wider = std::sqrt(squares / double(z.size()));
    for (int j = 0; j < discs; ++j) {
      const Eigen::Index k = terms + i * discs + j;
      fit.beta[i * discs + j] = beta[k];
      fit.t[i * discs + j] = beta[k] / (fit.noise * std::sqrt(inverse(k, k)) * wider);
      fit.p[i * discs + j] = 2 * student_t_above(std::abs(fit.t[i * discs + j]), double(z.size()));
    }
  }
  return fit;
}

// Benjamini and Hochberg over all discs, and the sign that holes in a sheet have: brighter.
std::vector<char> found_discs(const Fit& fit) {
  const double limit = passing_p({fit.p, fit.p + spokes * discs}, false_discovery);
  std::vector<char> found;
  for (int k = 0; k < spokes * discs; ++k) found.push_back(fit.p[k] <= limit && fit.beta[k] > 0);
  return found;
}

int complete_spokes(const std::vector<char>& found) {
  int count = 0;
  for (; count < spokes; ++count)
    for (int j = 0; j < discs; ++j)
      if (!found[std::size_t(count * discs + j)]) return count;
  return count;
}

std::optional<Insert> insert_of(const SliceSampler& slice, const Region& region) {
  const auto circle = fit_circle(rim_points(slice, region.radius_mm, 6, 180), 60);
  if (!circle || std::abs(circle->radius_mm - region.radius_mm) > 2) return std::nullopt;
  return Insert{circle->u_mm, circle->w_mm, region.radius_mm};
}

// How far all sheets are turned against the pose: the angle at which the three largest spokes of the sheet of highest
// contrast stand out most. One number for all slices, so that it adds no chance finds to the others.
double common_turn(const Job& job, std::size_t s, const Region& region, const Insert& insert) {
  const auto slice = SliceSampler::of(job, s, region);
  const Pixels p = pixels_of(*slice, insert);
  const Eigen::MatrixXd b = background(p, insert.radius_mm);
  const Eigen::Map<const Eigen::VectorXd> y(p.value.data(), Eigen::Index(p.value.size()));
  const Eigen::VectorXd rest = y - b * b.colPivHouseholderQr().solve(y);
  double best = -INFINITY, turn = 0;
  for (double a = -3; a <= 3 + 1e-9; a += 0.25) {
    double sum = 0;
    for (int i = 0; i < 3; ++i)
      for (int j = 1; j < discs; ++j) {
        const double at = (region.nominal.at("first_angle_deg") + a) * degree + 36 * degree * i, r = ring_mm * (j + 1);
        sum += disc_template(p, r * std::cos(at), r * std::sin(at), 0.5 * diameters_mm[i], slice->pixel_mm()).dot(rest);
      }
    if (sum > best) best = sum, turn = a;
  }
  return turn;
}

struct Slice {
  const Region* region = nullptr;
  std::optional<Insert> insert;
  bool scanned = false, borrowed = false;  // borrowed: the ring of other slices
};

void one_scan(const Job& job, std::size_t s, const std::vector<Region>& regions, Results& results) {
  std::vector<Slice> slices;
  for (const Region& region : regions) {
    const auto slice = SliceSampler::of(job, s, region);
    Slice own{&region, std::nullopt, false, false};
    if (!region.nominal.count("first_angle_deg") || !(region.radius_mm >= 42 && region.radius_mm <= 60))
      results.skip("lcod_spokes", job.prefix(s) + region.name,
                   "needs nominal first_angle_deg and a radius of 42 to 60 mm (the ring's inside)");
    else if (!slice)
      results.skip("lcod_spokes", job.prefix(s) + region.name,
                   "not scanned: the region lies outside the scan, or slices cross it aslant");
    else own.insert = insert_of(*slice, region), own.scanned = true;
    slices.push_back(own);
  }
  // The ring stands upright through all sheets: where one slice does not show it (its end), the others tell its place.
  Insert mean{0, 0, 0};
  double seen = 0;
  for (const Slice& slice : slices)
    if (slice.insert) mean.u_mm += slice.insert->u_mm, mean.w_mm += slice.insert->w_mm, seen += 1;
  for (Slice& slice : slices) {
    if (slice.insert || !slice.scanned) continue;
    if (seen > 0) {
      slice.insert = Insert{mean.u_mm / seen, mean.w_mm / seen, slice.region->radius_mm};
      slice.borrowed = true;
    } else {
      results.skip("lcod_spokes", job.prefix(s) + slice.region->name, "the ring around the discs is not seen");
    }
  }
  const Slice* strongest = nullptr;
  const auto contrast = [](const Region& r) {
    const auto found = r.nominal.find("contrast_pct");
    return found == r.nominal.end() ? 0.0 : found->second;
  };
  for (const Slice& slice : slices)
    if (slice.insert && (!strongest || contrast(*slice.region) > contrast(*strongest->region))) strongest = &slice;
  if (!strongest) return;
  double turn = 0;
  if (pixels_of(*SliceSampler::of(job, s, *strongest->region), *strongest->insert).u.size() >= least_pixels)
    turn = common_turn(job, s, *strongest->region, *strongest->insert);
  int total = 0;
  std::size_t measured = 0;
  for (const Slice& slice : slices) {
    if (!slice.insert) continue;
    const std::string where = job.prefix(s) + slice.region->name;
    const auto sampler = SliceSampler::of(job, s, *slice.region);
    const Pixels p = pixels_of(*sampler, *slice.insert);
    if (p.u.size() < least_pixels) {
      results.skip("lcod_spokes", where, "pixels too coarse for the discs: fewer than 1000 in the insert");
      continue;
    }
    const Fit fit = fit_insert(p, *slice.insert, (slice.region->nominal.at("first_angle_deg") + turn) * degree,
                               sampler->pixel_mm());
    if (!(fit.noise > 0) || !(fit.level > 0)) {
      results.skip("lcod_spokes", where, "no noise or no signal in the insert");
      continue;
    }
    const std::vector<char> found = found_discs(fit);
    const int count = complete_spokes(found);
    total += count;
    ++measured;
    const auto add = [&](const char* name, const std::string& at, double value, const char* unit, const char* method,
                         double se = NAN) {
      Measurement m = measurement(name, "", at, value, unit);
      if (std::isfinite(se)) {
        m.se = se;
        m.ci95 = symmetric_interval(value, se, 40);
      }
      m.method = method;
      m.standard = "ACR MRI QC manual; Golestani and Gee 2025";
      m.flags = {"ci_scope=within_scan"};
      if (slice.borrowed) m.flags.push_back("ring_from_other_slices");
      results.add(std::move(m));
    };
    add("lcod_spokes", where, count, "1",
        "complete spokes from the largest on: all three discs found at a false discovery rate of 1.25 % and brighter");
    add("lcod_discs_found", where, double(std::count(found.begin(), found.end(), 1)), "1",
        "discs of all thirty that are found, whatever their spokes");
    for (int i = 0; i < spokes; ++i) {
      double cnr = 0;
      for (int j = 0; j < discs; ++j) cnr += fit.beta[i * discs + j] / fit.noise / discs;
      add("lcod_cnr", where + "/spoke_" + std::to_string(i + 1), cnr, "1",
          "mean contrast of the spoke's discs over the SD of what the fit leaves");
    }
    double beta = 0, variance = 0;
    for (int k = 0; k < 3 * discs; ++k) {
      beta += fit.beta[k] / (3 * discs);
      variance += std::pow(fit.beta[k] / fit.t[k] / (3 * discs), 2);
    }
    add("lcod_contrast_pct", where, 100 * beta / fit.level, "%",
        "mean contrast of the discs of the three largest spokes / mean signal of the insert",
        100 * std::sqrt(variance) / fit.level);
  }
  if (measured != 4 || slices.size() != 4)
    return results.skip("lcod_total", job.prefix(s) + "scan", "needs all four slices of discs");
  Measurement m = measurement("lcod_total", "", job.prefix(s) + "scan", total, "1");
  m.method = "complete spokes of the four slices together";
  m.standard = "ACR MRI QC manual";
  m.flags = {"ci_scope=within_scan"};
  results.add(std::move(m));
}

void run(const Job& job, const std::vector<Region>& regions, Results& results) {
  for (std::size_t s = 0; s < job.scans.size(); ++s) one_scan(job, s, regions, results);
}

}  // namespace

Metric spokes_metric() {
  return {
      "spokes",
      "Low contrast discs in spokes",
      "Ten spokes of three discs (7.0 to 1.5 mm) in a ring that is found in each slice; nominal first_angle_deg. All "
      "30 discs in one least-squares fit on a background of order 4 and of rings about the middle; standard errors by "
      "what the same "
      "templates show at 40 places between the spokes; Benjamini and Hochberg over the discs at 1.25 %, so that a "
      "slice without discs shows one in 1.25 % of scans at most. Complete spokes are counted from the largest on.",
      "ACR MRI QC manual; Golestani and Gee 2025",
      {"lcod_spokes", "lcod_total", "lcod_discs_found", "lcod_cnr", "lcod_contrast_pct"},
      {},
      {"spokes"},
      {"MR"},
      run};
}

}  // namespace iqgate::measure
