// compile.cpp: `wherry compile`: a program ahead of time: an artifact, or one of the compiler's stages as
// text.
#include <charconv>
#include <iostream>
#include <wherry/exec/artifact.hpp>
#include <wherry/loop/read_file.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "command.hpp"
#include "compiler/Compiler.h"

namespace wherry::cli {
namespace {

struct compile_command {
  std::string file;
  std::string output;
  std::string emit = "artifact";
  device_options place;
  std::string cpu = "native";
  std::string shapes;
  std::string function;
};

/// Reads `tensor<2x3xf32>`, of static shape.
tensor_type parse_type(std::string_view text) {
  const auto refuse = [&] {
    return usage_error("--shapes: '" + std::string(text) + "': expected a type such as tensor<2x3xf32>");
  };
  std::string_view rest = text;
  if (rest.substr(0, 7) != "tensor<" || rest.back() != '>') throw refuse();
  rest = rest.substr(7, rest.size() - 8);
  std::vector<std::int64_t> extents;
  while (!rest.empty() && rest.front() >= '0' && rest.front() <= '9') {
    std::int64_t extent = 0;
    const auto [end, problem] = std::from_chars(rest.data(), rest.data() + rest.size(), extent);
    const auto used = static_cast<std::size_t>(end - rest.data());
    if (problem != std::errc() || used == rest.size() || *end != 'x') throw refuse();
    extents.push_back(extent);
    rest.remove_prefix(used + 1);
  }
  for (std::size_t k = 0; k < dtype_count; ++k) {
    const auto type = static_cast<dtype>(k);
    if (name_of(type) == rest) return {type, shape(std::span<const std::int64_t>(extents))};
  }
  throw refuse();
}

/// Reads types separated by commas.
std::vector<known_argument> parse_shapes(std::string_view text) {
  std::vector<known_argument> all;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view one = text.substr(0, comma);
    while (!one.empty() && one.front() == ' ') one.remove_prefix(1);
    while (!one.empty() && one.back() == ' ') one.remove_suffix(1);
    all.push_back({parse_type(one), std::nullopt});
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return all;
}

/// What is left of the stages in an artifact.
std::string emit_of_artifact(const plan& p, const compile_command& command) {
  if (command.emit == "plan") return compile::textOf(p);
  if (command.emit == "opencl" && p.opencl) return p.opencl_source;
  throw usage_error(command.file + ": an artifact with " + (p.opencl ? "OpenCL C" : "native code") +
                    " has no stage '" + command.emit + "': it shows plan" + (p.opencl ? " and opencl" : ""));
}

void save(const std::string& path, std::span<const std::byte> bytes) {
  loop here;
  sync_wait(here, write_file_atomic(here, path, bytes));
}

int compile_program(const compile_command& command) {
  if (command.emit == "artifact" && command.output.empty())
    throw usage_error("compile: an artifact needs a file to go to: -o OUT");
  program source = program::from_file(command.file);
  if (!command.function.empty()) source = source.with_function(command.function);
  const client here;
  compile_options options = command.place.for_compiling(here);
  options.cpu = command.cpu;
  options.arguments = parse_shapes(command.shapes);
  if (command.emit == "artifact") {
    // Not loaded here: targets of custom calls may be there only where the artifact runs.
    plan made = is_artifact(source)
                    ? here.compile(source, options).code()
                    : compiler::installed()->compile({source.text(), source.name(), source.function(),
                                                      here.target_for(options), options.arguments});
    require_entry(source, made);
    if (!made.is_named) {  // as an executable would be called
      made.is_named = made.name != source.title();
      made.name = source.title();
    }
    if (made.open)
      throw usage_error(command.file +
                        ": the program has arguments of unknown sizes: name them with --shapes");
    save(command.output, artifact_of(made));
    return fine;
  }
  const std::string text = is_artifact(source)
                               ? emit_of_artifact(here.compile(source, options).code(), command)
                               : compile::emitStage({source.text(), source.name(), source.function(),
                                                     here.target_for(options), options.arguments},
                                                    command.emit);
  if (command.output.empty())
    std::cout << text;
  else
    save(command.output, std::as_bytes(std::span(text)));
  return fine;
}

}  // namespace

void add_compile(command_line& line) {
  CLI::App* command = add_command(line, "compile", "Compile ahead of time, or show a stage of the compiler");
  const auto options = std::make_shared<compile_command>();
  command->add_option("file", options->file, program_kinds)->required()->type_name("FILE");
  command
      ->add_option("-o,--output", options->output, "Where to write; text goes to standard output otherwise")
      ->type_name("OUT");
  command->add_option("--emit", options->emit, "What to write")
      ->check(CLI::IsMember({"stablehlo", "clusters", "kernels", "llvm", "opencl", "plan", "artifact"}))
      ->capture_default_str();
  options->place.add_to(*command);
  command->add_option("--cpu", options->cpu, "Native code for this CPU")
      ->check(CLI::IsMember({"native", "x86-64-v3", "x86-64-v4"}))
      ->capture_default_str();
  command
      ->add_option("--shapes", options->shapes, "Types of the arguments where the program leaves sizes open")
      ->type_name("TYPE,...");
  command->add_option("--function", options->function, "The entry; else @main, else the only function");
  command->callback([&line, options] { line.chosen = [options] { return compile_program(*options); }; });
}

}  // namespace wherry::cli
