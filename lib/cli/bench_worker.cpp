// bench_worker.cpp: see bench_worker.hpp.
//
// What each figure means:
//   compile_s       from the text to something callable, with an empty cache; median of five (of one through
//                   OpenCL C, because the driver keeps what it built)
//   compile_warm_s  the same when the cache on disk has the plan; median of five
//   call_us         one call until its results are there; median
//   return_us       until the call has returned; median
//   steady_us       a call among 50 that feed one another and of which only the last is waited for; median
//   peak_rss_mib    the most memory that the process had resident
#include "bench_worker.hpp"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>

#include "bench_setup.hpp"

namespace wherry::cli {
namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

/// A folder that goes with this object, and the caches of wherry and PoCL in it.
class empty_caches {
 public:
  empty_caches() {
    std::string name = (std::filesystem::temp_directory_path() / "wherry-bench-XXXXXX").string();
    if (!::mkdtemp(name.data())) {
      throw error(absl::StatusCode::kInternal,
                  "bench: no folder can be made in " + std::filesystem::temp_directory_path().string());
    }
    folder_ = name;
    // Before the first client and the first thread.
    ::setenv("WHERRY_CACHE_DIR", (name + "/wherry").c_str(), 1);
    ::setenv("POCL_CACHE_DIR", (name + "/pocl").c_str(), 1);
  }
  ~empty_caches() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  empty_caches(const empty_caches&) = delete;
  empty_caches& operator=(const empty_caches&) = delete;

 private:
  std::filesystem::path folder_;
};

double peak_resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib / 1024;
  }
  return 0;
}

/// A program and its arguments, fed back from call to call.
class stepper {
 public:
  stepper(const client& here, const device& where, const executable& program, const bench_setup& setup)
      : program_(program), feedback_(setup.feedback) {
    for (const array& a : setup.arguments) arguments_.push_back(here.buffer(a, where));
    for (const buffer& b : arguments_) b.await();
    // What is not fed back must be there for the next call.
    for (const alias& a : program.code().aliases) {
      const bool fed =
          std::any_of(feedback_.begin(), feedback_.end(), [&](const auto& f) { return f.second == a.input; });
      if (!fed) options_.keep.push_back(a.input);
    }
  }

  execution step() {
    execution run = program_.call(arguments_, options_);
    returned_ = steady::now();
    for (const auto& [result, argument] : feedback_) arguments_[argument] = run[result];
    return run;
  }
  /// When the last call returned.
  steady::time_point returned() const noexcept { return returned_; }

 private:
  executable program_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> feedback_;
  std::vector<buffer> arguments_;
  execute_options options_;
  steady::time_point returned_;
};

nlohmann::json measure(const bench_options& options) {
  const empty_caches caches;
  const std::string& path = options.files.front();
  const client here;
  compile_options compiling = options.place.for_compiling(here);
  const program source = program::from_file(path);
  const auto compile_time = [&] {
    const auto begin = steady::now();
    (void)here.compile(source, compiling);
    return seconds_since(begin);
  };

  compiling.cache = false;
  std::vector<double> cold{compile_time()};
  const bool is_native = !here.compile(source, compiling).code().opencl;
  while (is_native && cold.size() < 5) cold.push_back(compile_time());
  compiling.cache = true;
  (void)compile_time();  // fills the cache
  std::vector<double> warm;
  while (warm.size() < 5) warm.push_back(compile_time());

  const executable ready = here.compile(source, compiling);
  const bench_setup setup = setup_of(path, ready, options.inputs);
  stepper steps(here, compiling.device, ready, setup);
  for (int k = 0; k < 3; ++k) steps.step().await();

  std::vector<double> returned, called;
  const auto begin = steady::now();
  while (called.size() < 7 || (called.size() < 500 && seconds_since(begin) < options.seconds)) {
    const auto start = steady::now();
    const execution run = steps.step();
    run.await();
    called.push_back(seconds_since(start) * 1e6);
    returned.push_back(std::chrono::duration<double, std::micro>(steps.returned() - start).count());
  }
  std::vector<double> round;
  const auto rounds_begin = steady::now();
  while (round.size() < 7 && (round.size() < 5 || seconds_since(rounds_begin) < 5 * options.seconds)) {
    const auto start = steady::now();
    for (int k = 1; k < 50; ++k) steps.step();
    steps.step().await();
    round.push_back(seconds_since(start) / 50 * 1e6);
  }
  return {{"name", setup.name},
          {"call_us", median(called)},
          {"steady_us", median(round)},
          {"return_us", median(returned)},
          {"compile_s", median(cold)},
          {"compile_warm_s", median(warm)},
          {"peak_rss_mib", peak_resident_mib()}};
}

}  // namespace

int measure_program(const bench_options& options) {
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // whatever a driver prints stays out of the results
  nlohmann::json answer;
  const auto refuse = [&](const std::string& message, int code) {
    answer = {{"fatal", message}, {"code", code}};
  };
  try {
    answer = measure(options);
  } catch (const usage_error& e) {
    refuse(e.what(), bad_input);
  } catch (const error& e) {
    refuse(e.what(), exit_code_of(e));
  } catch (const std::exception& e) {
    refuse(e.what(), broken);
  }
  std::string line = answer.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t count = ::send(options.worker_socket, rest.data(), rest.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return broken;
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  return answer.value("code", static_cast<int>(fine));
}

}  // namespace wherry::cli
