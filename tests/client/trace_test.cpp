// A client's traces and statistics: over all of its devices, also those that it opens meanwhile.
#include <wherry/client.hpp>

#include "client/table_compiler.hpp"

namespace wherry {
namespace {

using namespace testing_support;

bool names_device(const trace& t, std::string_view name) {
  return std::any_of(t.units().begin(), t.units().end(),
                     [&](const traced_unit& u) { return u.device == name; });
}

TEST(client_trace, holds_what_all_devices_of_the_client_did_and_nothing_of_others) {
  client_options options;
  options.cpu_devices = cpu_devices_in_tests;
  const client c(options);
  const client other;
  c.start_trace();
  (void)c.scalar(1.0F, c.device("cpu:0")).value();
  const buffer there = c.scalar(2.0F, c.device("cpu:1"));
  const buffer here = there.copy_to(c.device("cpu:0"));
  here.await();
  (void)other.scalar(3.0F).value();
  c.drain();
  const trace t = c.stop_trace();
  ASSERT_EQ(t.requests().size(), 3u);  // small values that are ready are read on the spot
  EXPECT_TRUE(names_device(t, "cpu:0") && names_device(t, "cpu:1"));
  ASSERT_EQ(t.edges().size(), 1u);
  EXPECT_EQ(t.name(t.requests().front().name), "write of 4 bytes");
  EXPECT_EQ(t.requests().front().bytes, 4u);
}

TEST(client_trace, holds_what_devices_did_that_were_opened_while_it_ran) {
  const client c;
  c.start_trace();
  device late;
  try {
    late = c.device("opencl:0");
  } catch (const error&) {
    (void)c.stop_trace();
    GTEST_SKIP() << "no device but cpu:0";
  }
  c.scalar(1.0F, late).await();
  late.drain();
  const trace t = c.stop_trace();
  EXPECT_TRUE(names_device(t, "opencl:0"));
  EXPECT_EQ(t.requests().size(), 1u);
}

TEST(client_trace, one_runs_at_a_time) {
  const client c;
  const auto refuses = [](auto&& f) {
    try {
      f();
    } catch (const error& e) {
      return e.code() == absl::StatusCode::kFailedPrecondition;
    }
    return false;
  };
  EXPECT_TRUE(refuses([&] { (void)c.stop_trace(); }));
  c.start_trace();
  EXPECT_TRUE(refuses([&] { c.start_trace(); }));
  (void)c.stop_trace();
  c.start_trace();
  (void)c.stop_trace();
}

TEST(client_trace, a_client_may_end_while_it_runs) {
  client c;
  c.start_trace();
  (void)c.scalar(1.0F).value();
}

TEST(client_statistics, latencies_are_kept_for_every_device_if_the_options_say_so) {
  client_options options;
  options.cpu_devices = cpu_devices_in_tests;
  for (const bool kept : {false, true}) {
    options.latency_histograms = kept;
    const client c(options);
    for (const char* name : {"cpu:0", "cpu:1"}) c.scalar(1.0F, c.device(name)).await();
    const client_statistics now = c.statistics();
    ASSERT_EQ(now.devices.size(), cpu_devices_in_tests);
    for (const device_statistics& d : now.devices) {
      std::uint64_t written = 0;
      for (const unit_statistics& u : d.units) {
        EXPECT_EQ(u.latencies.has_value(), kept);
        if (u.kind == unit_kind::tensor_write) written += u.completed;
        if (u.kind == unit_kind::tensor_write && kept) {
          EXPECT_EQ(u.latencies->run.count(), 1u);
        }
      }
      EXPECT_EQ(written, 1u) << d.name;
    }
    EXPECT_NE(to_string(now).find("cpu:1: "), std::string::npos);
    EXPECT_EQ(to_json(now).find("{\"devices\":[{\"name\":\"cpu:0\""), 0u);
  }
}

}  // namespace
}  // namespace wherry
