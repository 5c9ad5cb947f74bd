#include <cstdio>

#include "iqgate/measure/catalogue.hpp"
#include "iqgate/phantom/closed_form.hpp"

int main() {
  std::printf("%zu metrics, blurred disc %.6f\n", iqgate::measure::catalogue().size(),
              iqgate::phantom::blurred_disc(4, 5, 0.8));
  return iqgate::measure::find_metric("nps_avg_per_mm") ? 0 : 1;
}
