// compare.cpp: see compare.hpp.
#include "compare.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <wherry/array/element.hpp>

namespace wherry::cli {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t incomparable = std::numeric_limits<std::uint64_t>::max();

struct judgement {
  bool passed;
  double badness;     // orders elements of one verdict
  double difference;  // |got - want|
};

template <class Rule>
comparison compare_all(const array& got, Rule rule) {
  comparison result;
  double worst = -1;
  for (std::int64_t k = 0; k < got.size(); ++k) {
    const judgement j = rule(k);
    const bool first_failure = !j.passed && result.failed == 0;
    if (!j.passed) ++result.failed;
    // A failure is worse than any pass, and a NaN must not hide behind the comparison.
    if (first_failure || ((result.failed == 0 || !j.passed) && !(j.badness <= worst))) {
      worst = j.badness;
      result.worst = k;
      result.difference = j.difference;
    }
  }
  return result;
}

int parts_of(dtype type) { return is_complex(type) ? 2 : 1; }

bool is_exact(dtype type) { return !is_float(type) && !is_complex(type); }

/// |a - b| where NaN equals NaN and an infinity equals itself.
double distance(double a, double b) {
  if (a == b || (std::isnan(a) && std::isnan(b))) return 0;
  const double d = std::fabs(a - b);
  return std::isnan(d) ? infinity : d;
}

/// The same of an element of an integer type, exact up to the conversion to double.
double integer_distance(const array& got, const array& want, std::int64_t k) {
  if (element_bits(got, k) == element_bits(want, k)) return 0;
  const auto a = static_cast<std::uint64_t>(element_integer(got, k));
  const auto b = static_cast<std::uint64_t>(element_integer(want, k));
  const bool less =
      is_signed_integer(got.dtype()) ? static_cast<std::int64_t>(a) < static_cast<std::int64_t>(b) : a < b;
  return static_cast<double>(less ? b - a : a - b);
}

/// The distance of real numbers, the modulus of the difference of complex ones.
double modulus(const array& got, const array& want, std::int64_t k) {
  if (is_exact(got.dtype())) return integer_distance(got, want, k);
  double parts[2] = {0, 0};
  for (int part = 0; part < parts_of(got.dtype()); ++part) {
    parts[part] = distance(element_double(got, k, part), element_double(want, k, part));
  }
  return std::hypot(parts[0], parts[1]);
}

std::uint64_t part_distance(const float_format& f, std::uint64_t a, std::uint64_t b) {
  if (a == b) return 0;
  const bool nan_a = is_nan_pattern(f, a), nan_b = is_nan_pattern(f, b);
  if (nan_a && nan_b) return 0;
  if (nan_a || nan_b || is_infinity_pattern(f, a) || is_infinity_pattern(f, b)) return incomparable;
  const std::uint64_t x = a & f.magnitude_mask(), y = b & f.magnitude_mask();
  if ((a & f.sign_bit()) != (b & f.sign_bit())) return x + y;
  return x > y ? x - y : y - x;
}

/// As a literal, but NaN and infinity as words.
std::string value_text(const array& a, std::int64_t k) {
  const std::string text = element_text(a, k);
  return text.find('n') == std::string::npos || a.dtype() == dtype::boolean ? element_literal(a, k) : text;
}

}  // namespace

comparison compare_within(const array& got, const array& want, double rtol, double atol) {
  if (is_exact(got.dtype())) {
    return compare_all(got, [&](std::int64_t k) {
      const double d = integer_distance(got, want, k);
      return judgement{d == 0, d, d};
    });
  }
  return compare_all(got, [&](std::int64_t k) {
    const double d = modulus(got, want, k);
    const double size = is_complex(want.dtype())
                            ? std::hypot(element_double(want, k, 0), element_double(want, k, 1))
                            : std::fabs(element_double(want, k));
    const double allowed = atol + (rtol == 0 ? 0 : rtol * size);
    // An infinite expectation allows no finite value, however large rtol * |want| is.
    const bool passed = d == 0 || (std::isfinite(size) && d <= allowed);
    return judgement{passed, d == 0 ? 0 : passed || allowed > 0 ? d / allowed : d, d};
  });
}

comparison compare_equal(const array& got, const array& want) {
  return compare_all(got, [&](std::int64_t k) {
    bool equal = true;
    if (is_exact(got.dtype())) {
      equal = element_bits(got, k) == element_bits(want, k);
    } else {
      for (int part = 0; part < parts_of(got.dtype()); ++part) {
        equal = equal && element_double(got, k, part) == element_double(want, k, part);
      }
    }
    return judgement{equal, modulus(got, want, k), modulus(got, want, k)};
  });
}

comparison compare_near(const array& got, const array& want, double tolerance) {
  return compare_all(got, [&](std::int64_t k) {
    double worst = 0;
    for (int part = 0; part < parts_of(got.dtype()); ++part) {
      worst = std::max(worst, is_exact(got.dtype())
                                  ? integer_distance(got, want, k)
                                  : distance(element_double(got, k, part), element_double(want, k, part)));
    }
    return judgement{worst <= tolerance, worst, worst};
  });
}

comparison compare_ulps(const array& got, const array& want, std::uint64_t limit) {
  return compare_all(got, [&](std::int64_t k) {
    const std::uint64_t ulps = ulp_distance(got, want, k);
    return judgement{ulps <= limit, static_cast<double>(ulps), modulus(got, want, k)};
  });
}

comparison compare_bits(const array& got, const array& want) {
  return compare_all(got, [&](std::int64_t k) {
    bool equal = true;
    for (int part = 0; part < parts_of(got.dtype()); ++part) {
      equal = equal && element_bits(got, k, part) == element_bits(want, k, part);
    }
    return judgement{equal, modulus(got, want, k), modulus(got, want, k)};
  });
}

std::uint64_t ulp_distance(const array& got, const array& want, std::int64_t index) {
  if (is_exact(got.dtype())) return static_cast<std::uint64_t>(integer_distance(got, want, index));
  const float_format f = format_of(part_of(got.dtype()));
  std::uint64_t worst = 0;
  for (int part = 0; part < parts_of(got.dtype()); ++part) {
    worst =
        std::max(worst, part_distance(f, element_bits(got, index, part), element_bits(want, index, part)));
  }
  return worst;
}

std::uint64_t worst_ulp_distance(const array& got, const array& want) {
  std::uint64_t worst = 0;
  if (is_exact(got.dtype())) return worst;
  for (std::int64_t k = 0; k < got.size(); ++k) worst = std::max(worst, ulp_distance(got, want, k));
  return worst;
}

std::string explain(const comparison& c, const array& got, const array& want) {
  if (c.worst < 0) return "no elements";
  std::string text = "element " + index_text(got.dims(), c.worst) + ": got " + value_text(got, c.worst) +
                     ", want " + value_text(want, c.worst);
  if (c.failed != 0)
    text += "; " + std::to_string(c.failed) + " of " + std::to_string(got.size()) + " elements differ";
  return text;
}

}  // namespace wherry::cli
