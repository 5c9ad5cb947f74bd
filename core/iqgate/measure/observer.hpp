#pragma once
// D1-D3: model observers as formulas: what they need is a task, a transfer function and a noise spectrum, or channel
// outputs.
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace iqgate::measure {

/// A signal to detect, as data. Spectra are those of the unblurred signal, in the unit of contrast times mm^2.
struct Task {
  enum class Kind { disc, gaussian, designer };
  std::string name, source;
  Kind kind = Kind::disc;
  double contrast_hu = 0;
  double size_mm = 0;   ///< diameter of disc and designer, SD of the Gaussian
  double exponent = 1;  ///< designer: C (1 - (r/R)^2)^n
};

/// disc: C pi R^2 2 J1(x)/x, x = 2 pi R f; gaussian: C 2 pi s^2 exp(-2 pi^2 s^2 f^2); designer:
/// C pi R^2 2^(n+1) Gamma(n+1) J_(n+1)(x) / x^(n+1) (Sonine's integral).
double task_spectrum(const Task& task, double f_per_mm);

enum class EyeFilter { none, burgess, eckstein };
/// How the image is looked at: rho = f * zoom, in cycles per degree.
struct Viewing {
  double distance_mm = 500, display_pixel_mm = 0.2, image_pixel_mm = 0.2;
};
/// burgess: rho^1.3 exp(-0.040625 rho^2), peak at 4 cycles per degree; eckstein: rho^1.5 exp(-3.22 rho^0.68).
double eye_response(EyeFilter filter, double f_per_mm, const Viewing& viewing);

struct Detectability {
  double dprime = 0, auc = 0.5;
  double lowf_fraction = 0;  ///< share of the prewhitened integrand below `lowf_per_mm`
};

/// Radially symmetric observers, integrals over 2 pi f df from 0 to f_max (Simpson).
/// npw: [Int W^2 T^2 E^2]^2 / Int W^2 T^2 E^4 NPS (E = 1 without a filter); pw: Int W^2 T^2 / NPS. AUC = Phi(d' / sqrt
/// 2).
Detectability npw(const Task& task, const std::function<double(double)>& ttf, const std::function<double(double)>& nps,
                  double f_max_per_mm, double lowf_per_mm, EyeFilter filter = EyeFilter::none,
                  const Viewing& viewing = {});
Detectability pw(const Task& task, const std::function<double(double)>& ttf, const std::function<double(double)>& nps,
                 double f_max_per_mm, double lowf_per_mm);

/// Channel outputs: [sample][channel].
using Channels = std::vector<std::vector<double>>;
struct Hotelling {
  bool good = false;
  std::string reason;
  double d2_resubstitution = 0, d2_unbiased = 0;
  double dprime_low = 0, dprime_high = 0;  ///< exact 95 % interval (noncentral F)
  std::size_t channels = 0, present = 0, absent = 0;
};
/// d^2 = dv' K^-1 dv, K the pooled covariance; unbiased d^2 and exact interval by Wunderlich 2015 (noncentral F).
/// Needs Gaussian, independent samples, three times as many in each class as channels.
Hotelling hotelling(const Channels& present, const Channels& absent);

}  // namespace iqgate::measure
