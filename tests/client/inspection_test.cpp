// Asking a client after tickets, and an executable after its stages where no compiler can show them.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <wherry/client.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using namespace testing_support;

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const error& e) {
    return e.what();
  }
  return "";
}

TEST(inspection, any_ticket_of_a_client_can_be_asked_after) {
  const table_compiler compiles;
  client_options options;
  options.cpu_devices = 2;
  const client here(options);
  const device second = here.device("cpu:1");
  compile_options how;
  how.device = second;
  how.cache = false;
  const executable add = here.compile(program::from_text("add"), how);
  ticket id;
  {
    const buffer x = here.scalar(1.0F, second);
    const execution run = add(x, x);
    id = run.id();
    run.await();
    EXPECT_EQ(run.poll(), request_state::completed);
  }
  EXPECT_EQ(here.poll(id), request_state::completed);
  EXPECT_EQ(here.code_of(id), absl::StatusCode::kOk);
  EXPECT_THROW((void)here.poll(ticket(id.unit(), id.number() + 1)), error);
  EXPECT_EQ(message([&] {
              (void)here.poll(ticket(60'000, 1));
            }).find("no unit of this client's devices has the id 60000; known: cpu:0"),
            0U);
}

TEST(inspection, stages_need_a_compiler_that_shows_them) {
  auto compiles = std::make_unique<table_compiler>();
  const client here;
  compile_options how;
  how.cache = false;
  const executable add = here.compile(program::from_text("add"), how);
  EXPECT_EQ(message([&] { (void)add.stage("llvm"); }), "stage 'llvm' of add: the compiler shows none");
  compiles = nullptr;
  EXPECT_EQ(message([&] { (void)add.stage("plan"); }),
            "stage 'plan' of add: it takes a compiler: link wherry::compiler");
  EXPECT_NE(message([&] { (void)add.stage("hlo"); }).find("there is no such stage"), std::string::npos);
}

}  // namespace
}  // namespace wherry
