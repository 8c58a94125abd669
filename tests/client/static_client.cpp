// A client of static storage duration, used in main and by the destructor of an older static object.
#include <cstdio>
#include <wherry/client.hpp>

namespace {

struct last_use {
  wherry::array value;
  ~last_use() { std::printf("%g\n", value.item<float>()); }
};

last_use kept{wherry::array({wherry::dtype::f32, {}})};  // ends after the client
wherry::client everywhere;

}  // namespace

int main() {
  const wherry::buffer b = everywhere.scalar(3.0F);
  kept.value = b.value();
  (void)b.as_array();  // in flight when main returns
  return kept.value.item<float>() == 3 ? 0 : 1;
}
