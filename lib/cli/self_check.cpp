// self_check.cpp: see self_check.hpp.
#include "self_check.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "compare.hpp"
#include "compiler/Check.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "stablehlo/Check.h"
#include "stablehlo/Parse.h"
#include "tensors.hpp"

namespace wherry::cli {
namespace {

verdict pass(std::string reason) { return {verdict::status::pass, std::move(reason), {}, 0}; }
verdict fail(std::string reason) { return {verdict::status::fail, std::move(reason), {}, 0}; }
verdict skip(std::string reason) { return {verdict::status::skip, std::move(reason), {}, 0}; }

std::string one_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::string line;
  for (const char c : text) {
    if (c == '\n')
      line += "; ";
    else if (c != '\r')
      line += c;
  }
  return line;
}

std::string text_of(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream out(text);
  module.print(out);
  return text;
}

/// Prints the module, as text and as bytecode, reads it back and prints it again. Returns what went wrong, or
/// nothing.
std::string round_trip(mlir::MLIRContext& context, mlir::ModuleOp module) {
  const std::string text = text_of(module);
  std::string bytecode;
  llvm::raw_string_ostream out(bytecode);
  if (mlir::failed(mlir::writeBytecodeToFile(module, out)))
    return "round trip: it cannot be written as bytecode";
  const std::array<std::pair<const char*, const std::string*>, 2> forms = {
      {{"text", &text}, {"bytecode", &bytecode}}};
  for (const auto& [form, written] : forms) {
    std::string diagnostics;
    const auto back =
        mlir::stablehlo::parseStablehlo(context, *written, std::string("printed ") + form, diagnostics);
    if (!back) return std::string("round trip: its ") + form + " does not parse: " + diagnostics;
    if (text_of(*back) != text)
      return std::string("round trip: its ") + form + " reads back as another module";
  }
  return {};
}

/// The first operation that talks to other devices or to the outside, or empty. A program's own comes before
/// the test driver's.
std::string distributed_operation(mlir::ModuleOp module) {
  static constexpr std::array<std::string_view, 16> names = {"all_gather",
                                                             "all_reduce",
                                                             "all_to_all",
                                                             "collective_broadcast",
                                                             "collective_permute",
                                                             "collective_reduce",
                                                             "reduce_scatter",
                                                             "cross-replica-sum",
                                                             "replica_id",
                                                             "partition_id",
                                                             "send",
                                                             "recv",
                                                             "infeed",
                                                             "outfeed",
                                                             "async_start",
                                                             "async_done"};
  std::string found;
  module.walk([&](mlir::Operation* op) {
    const std::string name = op->getName().getStringRef().str();
    const bool distributed =
        name.rfind("stablehlo.", 0) == 0 &&
        std::find(names.begin(), names.end(), std::string_view(name).substr(10)) != names.end();
    if (distributed) {
      found = name;
      return mlir::WalkResult::interrupt();
    }
    if (name == "interpreter.run_parallel") found = name;
    return mlir::WalkResult::advance();
  });
  return found;
}

/// The function that runs; null if there is none or no single one.
mlir::func::FuncOp entry_of(mlir::ModuleOp module) {
  if (auto main = module.lookupSymbol<mlir::func::FuncOp>("main")) return main;
  mlir::func::FuncOp only;
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    if (only) return nullptr;
    only = function;
  }
  return only;
}

bool has_unknown_size(mlir::func::FuncOp entry) {
  return llvm::any_of(entry.getArgumentTypes(), [](mlir::Type type) {
    const auto tensor = mlir::dyn_cast<mlir::TensorType>(type);
    return tensor && (!tensor.hasRank() || !tensor.hasStaticShape());
  });
}

/// What a module without data of its own runs on.
std::vector<array> arguments_for(const std::string& path, std::span<const tensor_type> types) {
  const std::string data = std::filesystem::path(path).replace_extension(".safetensors").string();
  if (!types.empty() && std::filesystem::exists(data)) return load_arguments({data}, types);
  std::vector<array> zeros;
  for (const tensor_type& type : types) {
    array zero(type);
    std::memset(zero.bytes().data(), 0, zero.bytes().size());
    zeros.push_back(std::move(zero));
  }
  return zeros;
}

const char* name_of(compile::Check::Kind kind) {
  switch (kind) {
    case compile::Check::Kind::Equal:
      return "expect_eq";
    case compile::Check::Kind::Close:
      return "expect_close";
    case compile::Check::Kind::AlmostEqual:
      return "expect_almost_eq";
    case compile::Check::Kind::EqualOrNear:
      return "eq";
  }
  return "check";
}

comparison compare(const compile::Check& check, const array& got, const array& want) {
  switch (check.kind) {
    case compile::Check::Kind::Equal:
      return compare_equal(got, want);
    case compile::Check::Kind::Close:
      return compare_ulps(got, want, static_cast<std::uint64_t>(check.maxUlps));
    case compile::Check::Kind::AlmostEqual:
      return compare_near(got, want, check.tolerance);
    case compile::Check::Kind::EqualOrNear:
      break;
  }
  return is_float(got.dtype()) || is_complex(got.dtype()) ? compare_near(got, want, check.tolerance)
                                                          : compare_equal(got, want);
}

/// Compares every pair of results that a check names.
verdict judge(const std::vector<compile::Check>& checks, const std::vector<array>& results) {
  verdict all = pass({});
  std::uint64_t worst = 0;
  std::size_t failed = 0;
  for (const compile::Check& check : checks) {
    const array& got = results.at(check.actual);
    const array& want = results.at(check.expected);
    std::string problem;
    if (!(got.type() == want.type())) {
      problem = "got a " + to_string(got.type()) + ", want a " + to_string(want.type());
    } else {
      const std::uint64_t ulps = worst_ulp_distance(got, want);
      worst = std::max(worst, ulps);
      const comparison c = compare(check, got, want);
      if (!c.passed()) problem = explain(c, got, want);
      if (check.kind == compile::Check::Kind::Close && !c.passed()) {
        problem += ", by " + std::to_string(ulp_distance(got, want, c.worst)) + " ulp where " +
                   std::to_string(check.maxUlps) + " are allowed";
      }
      if (c.passed() && check.kind == compile::Check::Kind::Close &&
          ulps < static_cast<std::uint64_t>(check.minUlps)) {
        problem = "differs by " + std::to_string(ulps) + " ulp, at least " + std::to_string(check.minUlps) +
                  " are expected";
      }
    }
    if (!problem.empty() && failed++ == 0) {
      all =
          fail((check.location.empty() ? "" : check.location + ": ") + name_of(check.kind) + ": " + problem);
    }
  }
  if (failed == 0)
    all.reason = std::to_string(checks.size()) + (checks.size() == 1 ? " check, " : " checks, ") +
                 std::to_string(worst) + " ulp";
  if (failed > 1)
    all.reason += " (" + std::to_string(failed) + " of " + std::to_string(checks.size()) + " checks failed)";
  all.max_ulp = worst;
  return all;
}

/// A module on its way to its verdict.
struct candidate {
  module_name which;
  std::vector<compile::Check> checks;
  std::optional<program> source;  // to compile and to run, if there is no verdict yet
  verdict outcome;
  double seconds = 0;
};

verdict run_module(const client& here, const compile_options& compiling, const candidate& c,
                   const executable& ready) {
  std::vector<buffer> arguments;
  for (const array& a : arguments_for(c.which.path, ready.inputs()))
    arguments.push_back(here.buffer(a, compiling.device));
  const execution run = ready.call(arguments);
  std::vector<array> results;
  for (const buffer& b : run.outputs()) results.push_back(b.value());
  run.await();
  return c.checks.empty() ? skip("no check") : judge(c.checks, results);
}

/// Reads the module `text`; leaves `c.source` empty where that settles its verdict.
verdict read_module(candidate& c, const std::string& text) {
  {
    mlir::DialectRegistry registry;
    mlir::stablehlo::registerStablehloDialects(registry);
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    std::string diagnostics;
    const auto owned = mlir::stablehlo::parseStablehlo(context, text, c.which.path, diagnostics);
    mlir::ModuleOp module = owned.get();
    if (!module) return fail(diagnostics.empty() ? "it does not parse" : diagnostics);
    if (std::string problem = round_trip(context, module); !problem.empty()) return fail(std::move(problem));
    if (std::string op = distributed_operation(module); !op.empty()) return skip(std::move(op));
    if (module.getOps<mlir::func::FuncOp>().empty()) return skip("no check");
    mlir::func::FuncOp entry = entry_of(module);
    if (entry && has_unknown_size(entry))
      return pass("parsed, verified, round-tripped; arguments of unknown size");
  }
  compile::CheckProgram split = compile::splitChecks(text, c.which.path);
  c.source = program::from_text(split.source, c.which.path).with_function(split.function);
  c.checks = std::move(split.checks);
  return {};
}

/// Runs `step`, whose failure is the verdict of `c`, and counts the time.
template <class Step>
void take_step(candidate& c, Step step) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    c.outcome = step();
  } catch (const std::exception& e) {
    c.outcome = fail(e.what());
    c.source.reset();
  }
  c.seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

candidate read_candidate(const module_name& which) {
  candidate c;
  c.which = which;
  take_step(c, [&] {
    const std::vector<std::string> modules =
        split_modules(std::string(program::from_file(which.path).text()));
    return which.number <= modules.size() ? read_module(c, modules[which.number - 1])
                                          : fail("the file has changed: this module is gone");
  });
  return c;
}

}  // namespace

const char* name_of(verdict::status s) noexcept {
  switch (s) {
    case verdict::status::pass:
      return "PASS";
    case verdict::status::fail:
      return "FAIL";
    case verdict::status::skip:
      return "SKIP";
  }
  return "FAIL";
}

void check_modules(const client& here, const compile_options& compiling, std::span<const module_name> modules,
                   const std::function<void(const verdict&)>& report) {
  std::vector<candidate> all;
  std::vector<program> sources;
  for (const module_name& which : modules) {
    all.push_back(read_candidate(which));
    if (all.back().source) sources.push_back(*all.back().source);
  }
  const auto begin = std::chrono::steady_clock::now();
  const auto compiled = here.compile_each(sources, compiling);
  const double each = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() /
                      static_cast<double>(std::max<std::size_t>(1, sources.size()));
  auto next = compiled.begin();
  for (candidate& c : all) {
    if (c.source) {
      c.seconds += each;
      take_step(c, [&] {
        const absl::StatusOr<executable>& ready = *next++;
        return ready.ok() ? run_module(here, compiling, c, *ready)
                          : fail(std::string(ready.status().message()));
      });
    }
    c.outcome.reason = one_line(std::move(c.outcome.reason));
    c.outcome.seconds = c.seconds;
    report(c.outcome);
  }
}

}  // namespace wherry::cli
