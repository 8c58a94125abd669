// command.hpp: what the subcommands of `wherry` have in common: registration, exit codes, output.
//
// Results go to standard output, everything else to standard error. A command reads its flags into a
// structure of its own and sets `command_line::chosen`, which `main` calls after parsing. What it throws
// decides the exit code: `usage_error` and errors about what the user gave are 2, all others 3.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>
#include <wherry/client.hpp>

#include "usage_error.hpp"

namespace wherry::cli {

/// Scripts rely on these values.
enum exit_code : int {
  fine = 0,
  difference = 1,  // a check or comparison failed
  bad_input = 2,   // wrong usage, bad input, unsupported feature
  broken = 3,      // a failure while running: device, memory, internal
};

/// A request failed while it ran: exit code 3 whatever its status code.
class run_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct command_line {
  CLI::App app{"Runs StableHLO programs on OpenCL devices, the CPU first.", "wherry"};
  std::function<int()> chosen;  // runs the subcommand that was given, returns its exit code
};

void add_devices(command_line& line);
void add_run(command_line& line);
void add_check(command_line& line);
void add_bench(command_line& line);
void add_compile(command_line& line);
void add_trace(command_line& line);

/// Adds a subcommand with `--version`.
CLI::App* add_command(command_line& line, const char* name, const char* summary);

/// Checks of a flag's number, whose refusals say what was expected.
CLI::Validator at_least_zero();
CLI::Validator above_zero();
CLI::Validator whole_above_zero();

/// Throws usage_error if an artifact is asked for another function than the one it was compiled from.
void require_entry(const program& source, const plan& compiled);

/// True for the contents of a `.wherry` file.
bool is_artifact(const program& source);

/// What FILE may be, for the help of commands that take a program.
inline constexpr const char* program_kinds =
    "StableHLO text, MLIR bytecode, a VHLO portable artifact or a .wherry artifact";

/// Adds `--input FILE`, which may be given several times.
void add_inputs(CLI::App& command, std::vector<std::string>& paths);

/// `--json[=FILE]`: nothing was given, or where to write ("-": standard output).
class json_option {
 public:
  void add_to(CLI::App& command);
  bool is_given() const noexcept { return path_.has_value(); }
  /// True when JSON is what standard output shows, and nothing else may be written there.
  bool is_standard_output() const noexcept { return path_ == "-"; }
  /// Writes `value`, to a file by rename only. Does nothing when the flag was not given.
  void write(const nlohmann::json& value) const;

 private:
  std::optional<std::string> path_;
};

/// `--device` and `--codegen`.
struct device_options {
  std::string device = "cpu:0";
  std::string codegen;  // empty: by environment and device

  void add_to(CLI::App& command);
  compile_options for_compiling(const wherry::client& client) const;
};

/// Gives a bare `--json` the value that stands for standard output, so that it never swallows the argument
/// behind it.
std::vector<std::string> with_json_values(int count, char** arguments);

/// Returns the exit code for `e`: bad_input for what the user gave, broken otherwise.
int exit_code_of(const error& e) noexcept;

/// Writes `message` to standard error; with `wherry: error: ` in front unless it says where in a source it
/// belongs.
void report(const std::string& message);

}  // namespace wherry::cli
