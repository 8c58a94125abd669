// print_tensor.hpp: the target `print_tensor`, which prints its operand while a program runs.
//
//   stablehlo.custom_call @print_tensor(%x) {has_side_effect = true, api_version = 4 : i32,
//       backend_config = {print_header = "x before", print_footer = ""}} : (tensor<2x3xf32>) -> ()
//
// The page is that of array/layout_printer.hpp. `print_header` is its first line, `print_footer` the last
// one,
// `[ f32{2,3} ]` if there is none; an empty text leaves the line out.
//
// Threads: any; the sink is called under a lock, one page at a time.
#pragma once

#include <cstdio>
#include <mutex>
#include <wherry/array/layout_printer.hpp>
#include <wherry/exec/kernel_registry.hpp>

namespace wherry {

/// Takes the text of a page, whole lines.
using print_sink = std::function<void(std::string_view)>;

namespace detail {

struct print_state {
  std::mutex mutex;
  print_sink sink;  // guarded by mutex; empty: standard output
};

inline print_state& the_printer() {
  static print_state& state = *new print_state;
  return state;
}

inline absl::Status print_tensor(call_frame& c) {
  if (c.operands() != 1 || c.results() != 0) {
    return absl::InvalidArgumentError("expected 1 operand and no results, got " +
                                      std::to_string(c.operands()) + " and " + std::to_string(c.results()));
  }
  const call_operand x = c.operand(0);
  if (!x.minor_to_major().empty()) return absl::InvalidArgumentError("expected a row-major operand");
  array values(x.type());
  if (!x.bytes().empty()) std::memcpy(values.bytes().data(), x.bytes().data(), x.bytes().size());
  std::string type = "[ " + std::string(x.dtype() == dtype::boolean ? "bool" : name_of(x.dtype())) + "{";
  for (std::size_t axis = 0; axis < x.dims().rank(); ++axis)
    type += (axis ? "," : "") + std::to_string(x.dims()[axis]);
  const std::string header = c.attribute<std::string>("print_header", "");
  print_options options;
  options.header = !header.empty();
  options.footer = c.attribute<std::string>("print_footer", type + "} ]");
  const std::string page = layout_printer(values, header, "", options).take();
  print_state& state = the_printer();
  const std::lock_guard lock(state.mutex);
  if (state.sink) {
    state.sink(page);
  } else {
    std::fwrite(page.data(), 1, page.size(), stdout);
    std::fflush(stdout);
  }
  return absl::OkStatus();
}

inline const bool print_tensor_is_registered =
    kernel_registry::instance().add_call("print_tensor", {print_tensor});

}  // namespace detail

/// Sends the pages of `print_tensor` to `sink` (empty: to standard output) and returns the sink before.
inline print_sink set_print_sink(print_sink sink) {
  detail::print_state& state = detail::the_printer();
  const std::lock_guard lock(state.mutex);
  return std::exchange(state.sink, std::move(sink));
}

}  // namespace wherry
