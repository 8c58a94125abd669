// stages.hpp: looking inside an executable: what the compiler made on its way, as text.
//
// An executable remembers its source, so that a stage can be made again when somebody asks. What the plan
// itself holds needs no source, and its OpenCL C no compiler either.
//
// Threads: any.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/coro/scheduler.hpp>
#include <wherry/exec/compiler.hpp>
#include <wherry/exec/program.hpp>

namespace wherry {

/// What an executable was compiled from. The text is shared with the program.
struct compile_source {
  wherry::program program;
  wherry::target target;
  std::vector<known_argument> arguments;
};

namespace detail {

/// Returns the stage `name` of what `p`, called `title`, came from; see `executable::stage`.
inline std::string stage_of(const std::string& title, const plan& p, const compile_source* source,
                            std::string_view name) {
  constexpr std::string_view stages[] = {"stablehlo", "clusters", "kernels", "llvm", "opencl", "plan"};
  const auto fail = [&](absl::StatusCode code, const std::string& what, reason why = reason::none) {
    throw error(code, "stage '" + std::string(name) + "' of " + title + ": " + what, why);
  };
  if (std::find(std::begin(stages), std::end(stages), name) == std::end(stages)) {
    std::string all;
    for (const std::string_view s : stages) all += (all.empty() ? "" : ", ") + std::string(s);
    fail(absl::StatusCode::kInvalidArgument, "there is no such stage; there are " + all);
  }
  if (name == "opencl" && !p.opencl_source.empty()) return p.opencl_source;
  compiler* const c = compiler::installed();
  if (!c) fail(absl::StatusCode::kUnimplemented, "it takes a compiler: link wherry::compiler");
  const auto shown = [&](std::optional<std::string> text) {
    if (!text) fail(absl::StatusCode::kUnimplemented, "the compiler shows none");
    return *std::move(text);
  };
  if (name == "plan") return shown(c->text_of(p));
  if (!source) {
    fail(absl::StatusCode::kFailedPrecondition,
         "it was loaded from an artifact, which holds no source; 'plan' can be shown" +
             std::string(p.opencl_source.empty() ? "" : ", and 'opencl'"));
  }
  const scheduler* here = scheduler::current();
  if (here && here->what() == scheduler::kind::loop) {
    fail(absl::StatusCode::kFailedPrecondition,
         "it takes as long as compiling, and a loop's thread must not wait", reason::deadlock_would_occur);
  }
  const wherry::program& from = source->program;
  return shown(
      c->stage({from.text(), from.name(), from.function(), source->target, source->arguments}, name));
}

}  // namespace detail

}  // namespace wherry
