// Compiles several programs together: on all cores, and what they have in common once. One of them is wrong,
// which does not keep the others from being made.
#include <cstdio>
#include <wherry/wherry.hpp>

namespace wh = wherry;

namespace {

wh::program raise(const char* operation) {
  return wh::program::from_text(std::string("func.func @main(%x: tensor<3xf32>) -> tensor<3xf32> {\n") +
                                    "  %0 = stablehlo." + operation + " %x, %x : tensor<3xf32>\n" +
                                    "  return %0 : tensor<3xf32>\n}\n",
                                operation);
}

}  // namespace

int main() {
  const wh::client client;
  const wh::buffer x = client.buffer(std::vector{1.0f, 2.0f, 3.0f}, {3});

  const std::vector<wh::program> programs = {raise("add"), raise("multiply"), raise("power")};
  const std::vector<wh::executable> made = client.compile(programs);  // throws if one is wrong
  for (const wh::executable& e : made)
    std::printf("%g\n", static_cast<double>(e(x).value().data<float>()[2]));

  const std::vector<wh::program> mixed = {raise("subtract"), raise("nonsense")};
  const std::vector<absl::StatusOr<wh::executable>> each = client.compile_each(mixed);
  for (const auto& one : each)
    std::printf("%s\n", one.ok() ? "ok" : std::string(one.status().message()).c_str());

  const bool sums = made[0](x).value().data<float>()[2] == 6 && made[2](x).value().data<float>()[2] == 27;
  return sums && each[0].ok() && !each[1].ok() ? 0 : 1;
}
