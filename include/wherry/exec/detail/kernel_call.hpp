// detail/kernel_call.hpp: how the parameters of a call are checked, and what is said when they are wrong.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <wherry/exec/detail/similar_names.hpp>
#include <wherry/exec/named_kernel.hpp>

namespace wherry {
namespace detail {

inline std::string range_text(const kernel_parameter& p) {
  const bool below = std::isfinite(p.high), above = std::isfinite(p.low);
  if (p.above_low) return " above " + number_text(p.low) + (below ? ", at most " + number_text(p.high) : "");
  if (above && below) return " from " + number_text(p.low) + " to " + number_text(p.high);
  if (above) return " of at least " + number_text(p.low);
  return below ? " of at most " + number_text(p.high) : "";
}

inline bool is_in_range(const kernel_parameter& p, double value) {
  return std::isfinite(value) && (p.above_low ? value > p.low : value >= p.low) && value <= p.high;
}

/// The value as the kind that the parameter has, or nothing if it cannot be that or is out of range.
inline std::optional<parameter_value> fitted(const kernel_parameter& p, const parameter_value& given) {
  using kind = parameter_value::kind;
  constexpr double exact = 9007199254740992.0;  // 2^53: integers up to here are themselves as double
  switch (p.kind) {
    case kind::boolean:
      if (given.boolean()) return given;
      break;
    case kind::integer: {
      const double* const n = given.number();
      if (n && !(std::trunc(*n) == *n && std::abs(*n) <= exact)) break;
      if (!n && !given.integer()) break;
      const std::int64_t value = n ? static_cast<std::int64_t>(*n) : *given.integer();
      if (is_in_range(p, static_cast<double>(value))) return parameter_value(value);
      break;
    }
    case kind::number: {
      if (!given.number() && !given.integer()) break;
      const double value = given.number() ? *given.number() : static_cast<double>(*given.integer());
      if (is_in_range(p, value)) return parameter_value(value);
      break;
    }
    case kind::text:
      if (given.text() && (p.choices.empty() ||
                           std::find(p.choices.begin(), p.choices.end(), *given.text()) != p.choices.end()))
        return given;
      break;
    case kind::list: {
      const std::vector<double>* const list = given.list();
      if (!list || (p.list_size && list->size() != *p.list_size)) break;
      if (std::all_of(list->begin(), list->end(), [&](double n) { return is_in_range(p, n); })) return given;
      break;
    }
  }
  return std::nullopt;
}

inline std::string count_text(const kernel_signature& k) {
  std::size_t least = 0;
  for (const kernel_input& i : k.inputs) least += i.optional ? 0 : 1;
  const std::string some = std::to_string(least) + (least == 1 ? " input" : " inputs");
  if (!k.inputs.empty() && k.inputs.back().repeated) return "at least " + some;
  if (least == k.inputs.size()) return some;
  return std::to_string(least) + " to " + std::to_string(k.inputs.size()) + " inputs";
}

inline bool is_count_right(const kernel_signature& k, std::size_t count) {
  std::size_t least = 0;
  for (const kernel_input& i : k.inputs) least += i.optional ? 0 : 1;
  return count >= least && (count <= k.inputs.size() || k.inputs.back().repeated);
}

}  // namespace detail

inline std::string expected_of(const kernel_parameter& p) {
  using kind = parameter_value::kind;
  switch (p.kind) {
    case kind::boolean:
      return "true or false";
    case kind::integer:
      return "an integer" + detail::range_text(p);
    case kind::number:
      return "a number" + detail::range_text(p);
    case kind::text: {
      std::string all;
      for (std::size_t i = 0; i < p.choices.size(); ++i)
        all += (i == 0 ? "" : i + 1 == p.choices.size() ? " or " : ", ") + ("'" + p.choices[i] + "'");
      return all.empty() ? "text" : all;
    }
    case kind::list:
      break;
  }
  return "a list of " + (p.list_size ? std::to_string(*p.list_size) + " " : std::string()) + "numbers" +
         detail::range_text(p);
}

inline kernel_call::kernel_call(const kernel_signature& kernel, std::span<const tensor_type> inputs,
                                const kernel_parameters& given, bool fp64)
    : kernel_(&kernel), inputs_(inputs.begin(), inputs.end()), fp64_(fp64) {
  const auto refuse = [&](const std::string& what) {
    throw error(absl::StatusCode::kInvalidArgument, kernel.name + ": " + what);
  };
  if (!detail::is_count_right(kernel, inputs.size()))
    refuse("expected " + detail::count_text(kernel) + ", got " + std::to_string(inputs.size()));
  for (const auto& [name, value] : given) {
    const auto is_called = [&](const kernel_parameter& p) { return p.name == name; };
    if (std::any_of(kernel.parameters.begin(), kernel.parameters.end(), is_called)) continue;
    std::vector<std::string> names;
    for (const kernel_parameter& p : kernel.parameters) names.push_back(p.name);
    refuse("unknown parameter '" + name + "'" +
           (names.empty() ? "; it takes none" : "; expected " + detail::similar_names(name, names)));
  }
  for (const kernel_parameter& p : kernel.parameters) {
    const auto found = given.find(p.name);
    if (found == given.end()) {
      if (!p.fallback) refuse("parameter '" + p.name + "': expected " + expected_of(p) + ", got none");
      values_.emplace(p.name, *p.fallback);
    } else if (auto value = detail::fitted(p, found->second)) {
      values_.emplace(p.name, std::move(*value));
    } else {
      refuse("parameter '" + p.name + "': expected " + expected_of(p) + ", got " + to_string(found->second));
    }
  }
}

inline double kernel_call::number(std::string_view name) const {
  const parameter_value& v = value(name);
  return v.number() ? *v.number() : static_cast<double>(*v.integer());
}

inline std::vector<double> kernel_call::operands() const {
  std::vector<double> all;
  for (const kernel_parameter& p : kernel_->parameters) {
    if (!p.is_operand) continue;
    if (p.kind == parameter_value::kind::list) {
      all.insert(all.end(), list(p.name).begin(), list(p.name).end());
    } else {
      all.push_back(number(p.name));
    }
  }
  return all;
}

inline std::string kernel_call::written_in() const {
  std::string all;
  for (const kernel_parameter& p : kernel_->parameters) {
    // Of a list that is an operand the program holds the length.
    const parameter_value& v = value(p.name);
    const std::string text = !p.is_operand ? to_string(v) : v.list() ? std::to_string(v.list()->size()) : "";
    if (!text.empty()) all += p.name + "=" + text + ";";
  }
  return all;
}

inline void kernel_call::refuse_input(std::size_t index, const std::string& expected) const {
  const std::size_t last = kernel_->inputs.size() - 1;
  throw error(absl::StatusCode::kInvalidArgument, kernel_->name + ": input " + std::to_string(index) + " '" +
                                                      kernel_->inputs[std::min(index, last)].name +
                                                      "': expected " + expected + ", got " +
                                                      to_string(inputs_[index]));
}

inline void kernel_call::refuse_parameter(std::string_view name, const std::string& expected) const {
  throw error(absl::StatusCode::kInvalidArgument, kernel_->name + ": parameter '" + std::string(name) +
                                                      "': expected " + expected + ", got " +
                                                      to_string(value(name)));
}

inline const named_kernel& named_kernels::at(std::string_view name) const {
  if (const named_kernel* found = find(name)) return *found;
  std::vector<std::string> names;
  for (const kernel_signature* known : all()) names.push_back(known->name);
  throw error(absl::StatusCode::kNotFound,
              "no kernel '" + std::string(name) + "'; " +
                  (names.empty() ? "none is linked in: link wherry::named_kernels"
                                 : "known with similar names: " + detail::similar_names(name, names)));
}

}  // namespace wherry
