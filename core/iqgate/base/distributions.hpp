#pragma once
// The distributions that intervals, verdicts and plans are made of.

namespace iqgate {

double normal_quantile(double p);
/// Probability of a larger z.
double normal_above(double z);
/// Infinite for a freedom of 0 or less: no interval; normal above 1e6.
double student_t_quantile(double p, double freedom);
/// Probability of a larger t (central, or with a noncentrality).
double student_t_above(double t, double freedom);
double noncentral_t_above(double t, double freedom, double noncentrality);
double chi_squared_quantile(double p, double freedom);
/// Probability of a larger chi-square.
double chi_squared_above(double chi_squared, double freedom);
/// Probability of a larger ratio of variances.
double fisher_f_above(double ratio, double freedom_of_numerator, double freedom_of_denominator);

}  // namespace iqgate
