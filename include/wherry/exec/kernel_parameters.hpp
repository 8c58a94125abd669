// kernel_parameters.hpp: what a kernel by name is told besides its inputs: names with values.
//
//   client.run_kernel("gaussian_blur", {frame}, {{"radius", 2}, {"sigma", 1.5}});
//
// A value is a boolean, an integer, a number, text or a list of numbers. An integer may stand where a number
// is asked for, and a number without a fraction where an integer is.
//
// Threads: values.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace wherry {

class parameter_value {
 public:
  /// The order is that of the variant below.
  enum class kind : std::uint8_t { boolean, integer, number, text, list };

  template <std::same_as<bool> B>
  parameter_value(B value) : value_(value) {}
  template <std::integral I>
    requires(!std::same_as<I, bool>)
  parameter_value(I value) : value_(static_cast<std::int64_t>(value)) {}
  template <std::floating_point F>
  parameter_value(F value) : value_(static_cast<double>(value)) {}
  parameter_value(const char* text) : value_(std::string(text)) {}
  parameter_value(std::string_view text) : value_(std::string(text)) {}
  parameter_value(std::string text) : value_(std::move(text)) {}
  parameter_value(std::initializer_list<double> list) : value_(std::vector<double>(list)) {}
  parameter_value(std::vector<double> list) : value_(std::move(list)) {}

  kind what() const noexcept { return static_cast<kind>(value_.index()); }

  /// Each returns null if the value is of another kind.
  const bool* boolean() const noexcept { return std::get_if<bool>(&value_); }
  const std::int64_t* integer() const noexcept { return std::get_if<std::int64_t>(&value_); }
  const double* number() const noexcept { return std::get_if<double>(&value_); }
  const std::string* text() const noexcept { return std::get_if<std::string>(&value_); }
  const std::vector<double>* list() const noexcept { return std::get_if<std::vector<double>>(&value_); }

  friend bool operator==(const parameter_value&, const parameter_value&) = default;

 private:
  std::variant<bool, std::int64_t, double, std::string, std::vector<double>> value_;
};

using kernel_parameters = std::map<std::string, parameter_value, std::less<>>;

namespace detail {
/// The shortest text that reads back as `value`: `2`, `0.5`, `1e-05`.
inline std::string number_text(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}
}  // namespace detail

/// Returns the value as it would be written: `true`, `3`, `0.5`, `'add'`, `[0, 177, 64]`.
inline std::string to_string(const parameter_value& value) {
  if (const bool* b = value.boolean()) return *b ? "true" : "false";
  if (const std::int64_t* i = value.integer()) return std::to_string(*i);
  if (const double* n = value.number()) return detail::number_text(*n);
  if (const std::string* t = value.text()) return "'" + *t + "'";
  std::string all;
  for (const double n : *value.list()) all += (all.empty() ? "" : ", ") + detail::number_text(n);
  return "[" + all + "]";
}

}  // namespace wherry
