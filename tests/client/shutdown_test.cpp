// The end of a client: what is in flight, what is queued, what outlives it, and from which threads it may
// end.
#include <algorithm>
#include <memory>
#include <mutex>
#include <thread>
#include <wherry/client.hpp>
#include <wherry/coro/scope.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using namespace testing_support;

class shutdown : public ::testing::TestWithParam<device_kind> {
 protected:
  void SetUp() override {
    client_options o;
    o.cpu_devices = cpu_devices_in_tests;
    o.direct = GetParam() == device_kind::direct;
    options_ = o;
    start(o);
    if (!where_) GTEST_SKIP() << missing(GetParam());
  }
  void start(client_options o) {
    o.cpu_devices = options_.cpu_devices;
    o.direct = options_.direct;
    where_ = device();
    client_.reset();
    client_ = std::make_unique<client>(o);
    if (!is_driver(GetParam())) {
      where_ = client_->device();
      return;
    }
    try {
      where_ = client_->device(client_name_of(GetParam()));
    } catch (const error&) {
      where_ = device();
    }
  }
  executable load(const char* name) const {
    compile_options o;
    o.device = where_;
    o.cache = false;
    return client_->compile(program::from_text(name), o);
  }
  buffer scalar(float value) const { return client_->scalar(value, where_); }
  ref<held> hold_back(const buffer& b) const {
    return hold(where_.core()->pick(unit_kind::tensor_op), "late", {writes(b.handle()->memory)});
  }

  const table_compiler compiles_;
  client_options options_;
  std::unique_ptr<client> client_;
  device where_;
};

TEST_P(shutdown, waits_for_what_was_submitted) {
  const executable add = load("add");
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const execution run = add(late, late);
  const array_promise read = run[0].as_array();
  gate->wait_for_start();
  std::thread opener([&] { gate->end(); });
  client_.reset();
  EXPECT_TRUE(run.is_ready());
  EXPECT_EQ(read.value().item<float>(), 2);
  opener.join();
}

TEST_P(shutdown, cancels_what_is_queued_if_asked_to) {
  client_options o;
  o.cancel_on_shutdown = true;
  start(o);
  const executable add = load("add");
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  gate->wait_for_start();
  const execution run = add(late, late);
  const array_promise read = run[0].as_array();
  std::thread opener([&] {
    (void)run.status();  // cancelled at once, before the request in flight has ended
    gate->end();
  });
  client_.reset();
  opener.join();
  EXPECT_EQ(run.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(read.status().code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(reason_of(read.status()), reason::client_closed);
}

TEST_P(shutdown, handles_keep_their_metadata_and_finished_values_and_refuse_new_work) {
  const executable add = load("add");
  const buffer x = scalar(1);
  const execution run = add(x, x);
  const array_promise read = run[0].as_array();
  const array value = read.value();
  client_.reset();
  EXPECT_EQ(run[0].type(), f32());
  EXPECT_EQ(run[0].device(), where_);
  EXPECT_TRUE(run.is_ready());
  EXPECT_TRUE(run.status().ok());
  EXPECT_EQ(read.value().item<float>(), 2);
  EXPECT_EQ(value.item<float>(), 2);
  for (const auto& refused :
       std::vector<std::function<void()>>{[&] { add(x, x); }, [&] { (void)x.as_array(); }}) {
    try {
      refused();
      FAIL() << "work was accepted";
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::client_closed);
      EXPECT_EQ(e.code(), absl::StatusCode::kFailedPrecondition);
    }
  }
}

TEST_P(shutdown, gives_up_on_what_never_ends_and_says_so) {
  client_options o;
  o.shutdown_wait = std::chrono::milliseconds(5);
  start(o);
  const buffer late = scalar(1);
  late.await();
  const auto gate = hold_back(late);
  gate->wait_for_start();
  std::mutex mutex;
  std::string said;
  const log_sink before = set_log_sink([&](log_level, std::string_view line) {
    const std::lock_guard lock(mutex);
    said += line;
  });
  client_.reset();
  set_log_sink(before);
  EXPECT_NE(said.find("did not finish in time"), std::string::npos) << said;
  gate->end();
  where_.core()->release();  // what the shutdown left behind on purpose
}

TEST_P(shutdown, resumes_coroutines_that_wait_for_a_place) {
  client_options o;
  o.requests_in_flight = 2;
  start(o);
  const executable add = load("add");
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  gate->wait_for_start();
  const auto submit_many = [](executable program, buffer x) -> task<int> {
    int accepted = 0;
    try {
      for (; accepted < 100; ++accepted) {
        const execution run = co_await program.submit(x, x);
        x = run[0];
      }
    } catch (const error& e) {
      EXPECT_EQ(e.reason(), reason::client_closed);
    }
    co_return accepted;
  };
  std::thread closer([&] {
    const auto is_full = [](const unit* u) {
      return u->kind() == unit_kind::compute && u->depth() == u->bound();
    };
    for (auto units = where_.units(); std::none_of(units.begin(), units.end(), is_full);)
      std::this_thread::yield();
    std::thread opener([&] { gate->end(); });
    client_.reset();
    opener.join();
  });
  const auto home = loop_thread::shared();
  const int accepted = sync_wait(home->get(), submit_many(add, late));
  EXPECT_GE(accepted, 2);
  closer.join();
}

TEST_P(shutdown, may_happen_on_the_clients_own_loop) {
  const executable add = load("add");
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const execution run = add(late, late);
  const auto close_here = [](std::unique_ptr<client> mine) -> task<void> {
    mine.reset();
    co_return;
  };
  loop& home = client_->loop();
  sync_wait(home, close_here(std::move(client_)));
  gate->end();
  EXPECT_TRUE(run.status().ok());
}

TEST_P(shutdown, a_promise_that_outlives_its_client_still_calls_back) {
  const buffer late = scalar(1);
  const auto gate = hold_back(late);
  const array_promise read = late.as_array();
  std::atomic<bool> called{false};
  read.on_ready([&](const absl::Status&) {
    called = true;
    called.notify_all();
  });
  std::thread opener([&] { gate->end(); });
  client_.reset();
  opener.join();
  called.wait(false);
  std::atomic<bool> again{false};
  read.on_ready([&](const absl::Status& s) {
    EXPECT_TRUE(s.ok());
    again = true;
    again.notify_all();
  });
  again.wait(false);
}

TEST_P(shutdown, the_last_handle_may_go_on_the_loop) {
  buffer late = scalar(1);
  const auto gate = hold_back(late);
  auto last = std::make_unique<array_promise>(late.as_array());
  late = buffer();
  where_ = device();
  std::atomic<bool> gone{false};
  array_promise* const promise = last.get();
  promise->on_ready(
      [&gone, held = std::shared_ptr<array_promise>(std::move(last))](const absl::Status&) mutable {
        held.reset();
        gone = true;
        gone.notify_all();
      });
  std::thread opener([&] { gate->end(); });
  client_.reset();
  opener.join();
  gone.wait(false);
}

TEST_P(shutdown, two_clients_end_in_any_order) {
  client other(options_);
  const buffer mine = other.scalar(5.0F);
  client_.reset();
  EXPECT_EQ(item(mine), 5);
}

INSTANTIATE_TEST_SUITE_P(devices, shutdown,
                         ::testing::Values(device_kind::cpu, device_kind::direct, device_kind::queue,
                                           device_kind::intel),
                         device_name);

}  // namespace
}  // namespace wherry
