// bench.cpp: `wherry bench`: how long programs take to compile and to run, each in a process of its own.
#include <poll.h>

#include <iomanip>
#include <iostream>
#include <memory>

#include "bench_worker.hpp"
#include "worker_process.hpp"

namespace wherry::cli {
namespace {

/// Runs the process for `file` and returns what it measured. Throws usage_error or run_error for what it
/// refused, or how it died.
nlohmann::json measured(const std::string& file, const bench_options& options) {
  std::vector<std::string> words = {
      "bench", file, "--device", options.place.device, "--seconds", std::to_string(options.seconds)};
  for (const std::string& input : options.inputs) words.insert(words.end(), {"--input", input});
  if (!options.place.codegen.empty()) words.insert(words.end(), {"--codegen", options.place.codegen});
  words.push_back("--worker");
  worker_process worker(words, allowed_cores());
  for (;;) {
    pollfd entry{worker.socket(), POLLIN, 0};
    (void)::poll(&entry, 1, -1);
    const worker_process::reply reply = worker.receive();
    if (reply.line) {
      nlohmann::json answer = nlohmann::json::parse(*reply.line);
      if (!answer.contains("fatal")) return answer;
      const std::string message = answer["fatal"];
      if (answer["code"] == bad_input) throw usage_error(message);
      throw run_error(message);
    }
    if (reply.has_ended) throw run_error(file + ": the measuring process crashed: " + worker.wait_for_end());
  }
}

void print_head() {
  std::cout << std::left << std::setw(22) << "name" << std::right << std::setw(12) << "call us"
            << std::setw(12) << "steady us" << std::setw(12) << "return us" << std::setw(12) << "compile ms"
            << std::setw(10) << "warm ms" << std::setw(10) << "peak MiB" << std::endl;
}

void print_row(const nlohmann::json& row) {
  const auto number = [&](const char* key, double scale) { return row.at(key).get<double>() * scale; };
  std::cout << std::left << std::setw(22) << row.at("name").get<std::string>() << std::right << std::fixed
            << std::setprecision(2) << std::setw(12) << number("call_us", 1) << std::setw(12)
            << number("steady_us", 1) << std::setw(12) << number("return_us", 1) << std::setw(12)
            << number("compile_s", 1e3) << std::setw(10) << number("compile_warm_s", 1e3) << std::setw(10)
            << std::setprecision(1) << number("peak_rss_mib", 1) << std::endl;
}

int bench_programs(const bench_options& options) {
  if (options.worker_socket >= 0) return measure_program(options);
  nlohmann::json rows = nlohmann::json::array();
  for (const std::string& file : options.files) {
    nlohmann::json row = measured(file, options);
    if (!options.json.is_standard_output()) {
      if (rows.empty()) print_head();
      print_row(row);
    }
    rows.push_back(std::move(row));
  }
  options.json.write(rows);
  return fine;
}

}  // namespace

void add_bench(command_line& line) {
  CLI::App* command =
      add_command(line, "bench", "Measure compile time, calls and memory, one process for each program");
  const auto options = std::make_shared<bench_options>();
  command->add_option("file", options->files, "Programs; a bench.json beside them says what to feed them")
      ->required()
      ->type_name("FILE");
  add_inputs(*command, options->inputs);
  options->place.add_to(*command);
  command->add_option("--seconds", options->seconds, "How long to measure single calls of a program")
      ->check(above_zero())
      ->capture_default_str();
  options->json.add_to(*command);
  command->add_option("--worker", options->worker_socket)->group("");
  command->callback([&line, options] { line.chosen = [options] { return bench_programs(*options); }; });
}

}  // namespace wherry::cli
