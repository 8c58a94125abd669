// bench_setup.cpp: see bench_setup.hpp.
#include "bench_setup.hpp"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <wherry/array/element.hpp>

#include "command.hpp"
#include "tensors.hpp"

namespace wherry::cli {
namespace {

using random_source = std::mt19937_64;

void set_part(array& a, std::size_t index, double value) {
  const dtype type = part_of(a.dtype());
  std::uint64_t bits = 0;
  if (is_float(type)) {
    bits = encode_float(format_of(type), value);
  } else if (type == dtype::boolean) {
    bits = value != 0 ? 1 : 0;
  } else {
    bits = static_cast<std::uint64_t>(static_cast<std::int64_t>(value));
  }
  const std::size_t bytes = size_of(type);
  std::memcpy(a.bytes().data() + index * bytes, &bits, bytes);
}

/// An array whose numbers (both parts of complex ones) are what `next` returns.
template <class Next>
array filled(const tensor_type& type, Next&& next) {
  array a(type);
  const std::size_t parts = a.bytes().size() / size_of(part_of(type.element));
  for (std::size_t k = 0; k < parts; ++k) set_part(a, k, next());
  return a;
}

array normal(const tensor_type& type, double deviation, random_source& random) {
  std::normal_distribution<double> draw(0, deviation);
  return filled(type, [&] { return draw(random); });
}

array integers(const tensor_type& type, std::int64_t low, std::int64_t high, random_source& random) {
  std::uniform_int_distribution<std::int64_t> draw(low, high - 1);
  return filled(type, [&] { return static_cast<double>(draw(random)); });
}

/// Makes an argument as `init` of bench.json says.
array initial(const tensor_type& type, const nlohmann::json& init, const std::string& where,
              random_source& random) {
  const std::string kind = init.at("kind");
  if (kind == "normal") return normal(type, init.at("stddev").get<double>(), random);
  if (kind == "randint")
    return integers(type, init.at("low").get<std::int64_t>(), init.at("high").get<std::int64_t>(), random);
  if (kind == "uniform") {
    std::uniform_real_distribution<double> draw(init.at("low").get<double>(), init.at("high").get<double>());
    return filled(type, [&] { return draw(random); });
  }
  if (kind == "constant") return filled(type, [value = init.at("value").get<double>()] { return value; });
  throw usage_error(where + ": init kind '" + kind + "': expected normal, uniform, randint or constant");
}

/// The entry of the program `path` in the bench.json beside it; null without one.
nlohmann::json entry_of(const std::filesystem::path& path) {
  std::ifstream file(path.parent_path() / "bench.json");
  if (!file) return nullptr;
  for (const nlohmann::json& entry : nlohmann::json::parse(file)) {
    if (entry.at("file") == path.filename().string()) return entry;
  }
  return nullptr;
}

void read_entry(bench_setup& setup, const nlohmann::json& entry, const std::filesystem::path& path,
                const executable& program, random_source& random) {
  const std::string where = (path.parent_path() / "bench.json").string() + ": " + path.filename().string();
  setup.name = entry.at("name");
  for (const auto& [result, argument] : entry.at("feedback").items()) {
    setup.feedback.emplace_back(std::stoul(result), argument.get<std::uint32_t>());
    const auto [from, to] = setup.feedback.back();
    if (from < program.outputs().size() && to < program.inputs().size() &&
        program.outputs()[from] == program.inputs()[to])
      continue;
    throw usage_error(where + ": result " + result + " cannot be fed back to argument " + std::to_string(to) +
                      " of this program");
  }
  if (!setup.arguments.empty()) return;
  if (entry.at("data").is_string()) {
    const std::string data = (path.parent_path() / entry.at("data").get<std::string>()).string();
    setup.arguments = load_arguments({data}, program.inputs());
    return;
  }
  const nlohmann::json& args = entry.at("args");
  if (args.size() != program.inputs().size()) {
    throw usage_error(where + ": expected " + std::to_string(program.inputs().size()) +
                      " arguments, as the program takes; found " + std::to_string(args.size()));
  }
  for (std::size_t k = 0; k < args.size(); ++k)
    setup.arguments.push_back(initial(program.inputs()[k], args[k].at("init"), where, random));
}

}  // namespace

bench_setup setup_of(const std::string& path, const executable& program,
                     const std::vector<std::string>& inputs) {
  random_source random(7);  // the same arguments in every run
  bench_setup setup;
  setup.name = std::filesystem::path(path).stem().string();
  if (!inputs.empty()) setup.arguments = load_arguments(inputs, program.inputs());
  try {
    if (const nlohmann::json entry = entry_of(path); !entry.is_null()) {
      read_entry(setup, entry, path, program, random);
      return setup;
    }
  } catch (const nlohmann::json::exception& e) {
    throw usage_error((std::filesystem::path(path).parent_path() / "bench.json").string() + ": " + e.what());
  }
  for (const alias& a : program.code().aliases) setup.feedback.emplace_back(a.output, a.input);
  if (!setup.arguments.empty()) return setup;
  for (const tensor_type& type : program.inputs()) {
    const bool real = is_float(part_of(type.element));
    const std::int64_t high = type.element == dtype::boolean ? 2 : 10;
    setup.arguments.push_back(real ? normal(type, 1, random) : integers(type, 0, high, random));
  }
  return setup;
}

}  // namespace wherry::cli
