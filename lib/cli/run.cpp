// run.cpp: `wherry run`: a program once, or several times, on given inputs.
#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <wherry/array/literal.hpp>

#include "command.hpp"
#include "compare.hpp"
#include "tensors.hpp"

namespace wherry::cli {
namespace {

struct run_options {
  std::string file;
  std::vector<std::string> inputs;
  std::string expect;
  tolerances allowed;
  std::string output;
  device_options place;
  std::string function;
  std::int64_t repeat = 1;
  std::string trace;
};

program open_program(const run_options& options) {
  program source = program::from_file(options.file);
  return options.function.empty() ? source : source.with_function(options.function);
}

class runner {
 public:
  runner(const client& here, const executable& what, device where)
      : client_(here), executable_(what), where_(std::move(where)) {}

  /// Uploads `arguments`, runs, and returns the results on the host. Throws run_error for everything that
  /// fails.
  std::vector<array> run(const std::vector<array>& arguments) {
    try {
      std::vector<buffer> uploaded;
      for (const array& a : arguments) uploaded.push_back(client_.buffer(a, where_));
      for (const buffer& b : uploaded) b.await();
      const auto begin = std::chrono::steady_clock::now();
      const execution run = executable_.call(uploaded);
      run.await();
      times_.push_back(
          std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
      std::vector<array> results;
      for (const buffer& b : run.outputs()) results.push_back(b.value());
      return results;
    } catch (const error& e) {
      throw run_error(std::string("while running: ") + e.what());
    }
  }

  /// `5 runs: median 12.1 us, minimum 11.8 us`, from the submission until the results are ready.
  void print_times() {
    std::sort(times_.begin(), times_.end());
    const std::size_t n = times_.size();
    const double median = (times_[(n - 1) / 2] + times_[n / 2]) / 2;
    std::cout << std::fixed << std::setprecision(1) << n << " runs: median " << median << " us, minimum "
              << times_.front() << " us\n";
  }

 private:
  const client& client_;
  const executable& executable_;
  device where_;
  std::vector<double> times_;
};

/// Compares the results of a later run with those of the first, bit for bit, and says where they differ.
bool repeats(const std::vector<array>& first, const std::vector<array>& now, std::int64_t which) {
  for (std::size_t k = 0; k < first.size(); ++k) {
    const comparison c = compare_bits(now[k], first[k]);
    if (c.passed()) continue;
    std::cout << "run " << which << " differs from run 1: " << tensor_name("out", k) << ": "
              << explain(c, now[k], first[k]) << "\n";
    return false;
  }
  return true;
}

/// Options to compile an open program for `arguments`.
compile_options for_arguments(compile_options options, const plan& open,
                              const std::vector<array>& arguments) {
  for (const array& a : arguments) options.arguments.push_back({a.type(), std::nullopt});
  for (const std::uint32_t k : open.sizes) options.arguments[k].value = size_value(arguments[k]);
  return options;
}

/// Records what happens while it lives, if a file is named; writes it when it ends, whatever ended it.
class recording {
 public:
  recording(const client& here, std::string path) : client_(here), path_(std::move(path)) {
    if (!path_.empty()) client_.start_trace();
  }
  recording(const recording&) = delete;
  recording& operator=(const recording&) = delete;
  ~recording() {
    if (path_.empty()) return;
    try {
      write();
    } catch (const std::exception& e) {
      report(e.what());  // the command fails for another reason
    }
  }
  void write() {
    const std::string path = std::exchange(path_, {});
    if (path.empty()) return;
    client_.drain();
    client_.stop_trace().write_json(path);
  }

 private:
  const client& client_;
  std::string path_;
};

int run_program(const run_options& options) {
  const program source = open_program(options);
  std::optional<expectation> expected;
  if (!options.expect.empty()) expected.emplace(options.expect, options.allowed);

  const client here;
  const compile_options compiling = options.place.for_compiling(here);
  executable ready = here.compile(source, compiling);
  require_entry(source, ready.code());
  const std::vector<array> arguments = load_arguments(options.inputs, ready.inputs());
  if (ready.code().open) ready = here.compile(source, for_arguments(compiling, ready.code(), arguments));

  recording traced(here, options.trace);
  runner runs(here, ready, compiling.device);
  std::vector<array> results;
  std::string report;
  bool passed = true;
  for (std::int64_t k = 1; k <= options.repeat && passed; ++k) {
    std::vector<array> now = runs.run(arguments);
    if (expected) {
      report.clear();
      passed = expected->compare(now, report);
      if (!passed && options.repeat > 1) report = "run " + std::to_string(k) + ":\n" + report;
    } else if (k > 1) {
      passed = repeats(results, now, k);
    }
    if (k == 1) results = std::move(now);
  }
  traced.write();
  std::cout << report;
  if (!options.output.empty()) save_safetensors(options.output, results_of(results));
  if (!expected && options.output.empty()) {
    for (std::size_t k = 0; k < results.size(); ++k) {
      std::cout << tensor_name("out", k) << ": " << to_string(results[k].type()) << " = "
                << literal(results[k]) << "\n";
    }
  }
  if (options.repeat > 1 && passed) runs.print_times();
  return passed ? fine : difference;
}

}  // namespace

void add_run(command_line& line) {
  CLI::App* command = add_command(line, "run", "Run the entry function of a program");
  const auto options = std::make_shared<run_options>();
  command->add_option("file", options->file, program_kinds)->required()->type_name("FILE");
  add_inputs(*command, options->inputs);
  command
      ->add_option("--expect", options->expect,
                   "Compare the results with out0, out1, ... of a safetensors file")
      ->type_name("FILE");
  command->add_option("--rtol", options->allowed.rtol, "Tolerance relative to the expected value")
      ->check(at_least_zero());
  command->add_option("--atol", options->allowed.atol, "Absolute tolerance")->check(at_least_zero());
  command->add_option("--output", options->output, "Save the results as out0, out1, ...")->type_name("FILE");
  options->place.add_to(*command);
  command->add_option("--function", options->function, "The entry; else @main, else the only function");
  command->add_option("--repeat", options->repeat, "Run several times on fresh inputs and show the time")
      ->check(whole_above_zero());
  command
      ->add_option("--trace", options->trace,
                   "Write when each request and kernel ran, for `wherry trace` and Perfetto")
      ->type_name("FILE.json");
  command->callback([&line, options] { line.chosen = [options] { return run_program(*options); }; });
}

}  // namespace wherry::cli
