// table_compiler.hpp: a compiler whose programs are names of plans that a test wrote by hand.
//
// It stands in for `wherry::compiler`, so that everything around compilation (one compilation per program,
// caching, errors) is tested without one. Installed from construction to destruction.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <wherry/exec/compiler.hpp>
#include <wherry/status/error.hpp>

#include "exec/programs.hpp"

namespace wherry::testing_support {

class table_compiler final : public compiler {
 public:
  table_compiler() : before_(compiler::installed()) {
    compiler::install(this);
    // A plan that another process left in the cache names kernels that are to be there.
    plan known = add_program();
    add_kernels(known, false);
  }
  ~table_compiler() override { compiler::install(before_); }

  /// Called at the start of each compilation.
  std::function<void()> on_compile;
  std::atomic<int> compilations{0};
  std::string made_by = "table 1";
  bool is_named = false;  // whether the programs say that they have names

  plan compile(const compile_request& request) override {
    ++compilations;
    if (on_compile) on_compile();
    plan p;
    if (request.source == "add") {
      p = add_program();
    } else if (request.source == "add, donating") {
      p = add_program({}, true);
    } else {
      throw error(absl::StatusCode::kInvalidArgument,
                  std::string(request.source_name) + ":1:1: error: no such plan");
    }
    p.is_named = is_named;
    add_kernels(p, request.target.exit == target::codegen::opencl);
    return p;
  }
  /// Its kernels are in the registry of whoever loads the artifact.
  bool embed_prebuilt(plan&) override { return true; }
  std::string revision() const override { return made_by; }

 private:
  compiler* before_;
};

}  // namespace wherry::testing_support
