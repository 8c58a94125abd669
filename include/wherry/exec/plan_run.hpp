// plan_run.hpp: the request that one run of an executable is, as far as every kind of device shares it.
//
// Threads: as `request`.
#pragma once

#include <algorithm>
#include <string>
#include <wherry/exec/executable.hpp>
#include <wherry/exec/execute_options.hpp>
#include <wherry/exec/numerics.hpp>
#include <wherry/exec/plan.hpp>

namespace wherry {

class plan_run : public request {
 public:
  std::string describe() const override {
    std::string text = describe_execution(program_.name());
    if (launch_id_ != 0) text += ", launch " + std::to_string(launch_id_);
    return text;
  }

 protected:
  /// Who derives keeps `program`.
  plan_run(const executable_core& program, const run_arguments& a)
      : program_(program), launch_id_(a.launch_id), checks_(a.check_numerics) {
    for (std::size_t k = 0; k < a.outputs.size(); ++k) {
      storage* const m = a.outputs[k];
      // A view is not all of its memory, and a program may read what it updates in place.
      const bool replaces = a.has_given && program.code().outputs[k].bytes() >= m->bytes() &&
                            !(a.is_in_place && is_among(m, a.inputs));
      add_use(ref<storage>(m), true, replaces);
    }
    for (storage* m : a.inputs) {
      if (!a.is_in_place || !is_among(m, a.outputs)) add_use(ref<storage>(m), false);
    }
  }

  /// True if what is written has to be looked through: then `keep_results` and fail as `find_non_finite`
  /// says.
  bool checks_numerics() const noexcept { return checks_; }

  /// Looks through outputs that the host sees; `memory_of(k)` is where output k begins. Returns the failure,
  /// or null.
  template <class MemoryOf>
  failure check_outputs(MemoryOf&& memory_of) noexcept {
    failure found;
    for (std::size_t k = 0; k < code().outputs.size() && !found; ++k) {
      const tensor_type& type = code().outputs[k];
      if (!may_be_non_finite(type.element)) continue;
      found = check_part(k, {memory_of(k), type.bytes()}, 0);
    }
    return found;
  }

  /// Looks through a part of output `k` that begins with element `first`.
  failure check_part(std::size_t k, std::span<const std::byte> bytes, std::int64_t first) noexcept {
    const tensor_type& type = code().outputs[k];
    const std::optional<non_finite> found = find_non_finite(type.element, bytes);
    if (!found) return nullptr;
    keep_results();
    return make_failure(absl::StatusCode::kOutOfRange,
                        "output " + std::to_string(k) + " (" + to_string(type) + ") is " + found->text +
                            " at " + index_text(type.dims, first + found->index),
                        reason::numerical_error);
  }

 private:
  const plan& code() const noexcept { return program_.code(); }
  static bool is_among(const storage* m, std::span<storage* const> all) noexcept {
    return std::find(all.begin(), all.end(), m) != all.end();
  }

  // constant after construction
  const executable_core& program_;
  std::uint64_t launch_id_;
  bool checks_;
};

}  // namespace wherry
