// Traces: what a recorder keeps, bounds and forgets, and how it is written.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>
#include <wherry/status/error.hpp>
#include <wherry/status/trace_recorder.hpp>

namespace wherry {
namespace {

/// Freed by its last reference, as the client's.
struct recording {
  explicit recording(const trace_options& options = {}) : to(new trace_recorder(options)) { to->retain(); }
  ~recording() { to->release(); }
  trace_recorder* const to;

  void request(ticket id, std::string_view name, std::int64_t submitted, std::int64_t started,
               std::int64_t finished) const {
    traced_request r;
    r.id = id;
    r.submitted = submitted;
    r.started = started;
    r.finished = finished;
    to->submitted();
    to->finished(r, name);
  }
};

TEST(trace, keeps_requests_in_the_order_in_which_they_finished_and_names_once) {
  const recording all;
  all.request({1, 1}, "write", 10, 11, 12);
  all.request({2, 1}, "step", 10, 13, 14);
  all.request({1, 2}, "write", 10, 15, 16);
  const trace t = all.to->stop();
  ASSERT_EQ(t.requests().size(), 3u);
  EXPECT_EQ(t.requests()[1].id, ticket(2, 1));
  EXPECT_EQ(t.name(t.requests()[1].name), "step");
  EXPECT_EQ(t.requests()[0].name, t.requests()[2].name);
  EXPECT_EQ(t.dropped(), 0u);
  EXPECT_LE(t.begin(), t.end());
}

TEST(trace, work_begins_when_its_unit_is_free_and_what_it_reads_is_there) {
  const recording all;
  all.to->add_edge({1, 1}, {2, 1});
  all.request({1, 1}, "write", 0, 10, 40);
  all.request({1, 2}, "write", 0, 20, 50);  // handed over behind the first one
  all.request({2, 1}, "step", 0, 30, 60);
  const trace t = all.to->stop();
  EXPECT_EQ(t.requests()[0].began, 10);
  EXPECT_EQ(t.requests()[1].began, 40);
  EXPECT_EQ(t.requests()[2].began, 40);
}

TEST(trace, what_never_started_takes_no_time) {
  const recording all;
  all.request({1, 1}, "write", 5, 0, 40);
  const trace t = all.to->stop();
  EXPECT_EQ(t.requests()[0].began, 40);
}

TEST(trace, edges_that_lead_out_of_it_are_left_out) {
  const recording all;
  all.to->add_edge({1, 7}, {2, 1});
  all.to->add_edge({1, 8}, {2, 1});
  all.request({1, 8}, "write", 1, 2, 3);
  all.request({2, 1}, "step", 1, 3, 4);
  const trace t = all.to->stop();
  ASSERT_EQ(t.edges().size(), 1u);
  EXPECT_EQ(t.edges()[0], (traced_edge{{1, 8}, {2, 1}}));
}

TEST(trace, keeps_the_first_events_and_counts_the_others) {
  trace_options options;
  options.max_events = 3;
  const recording all(options);
  all.request({1, 1}, "a", 1, 2, 3);
  all.to->add_kernel({{1, 1}, 0, 0, 2, 3}, "k");
  all.to->add_edge({1, 1}, {1, 2});
  all.request({1, 2}, "b", 1, 3, 4);
  all.to->add_kernel({{1, 2}, 0, 0, 3, 4}, "k");
  const trace t = all.to->stop();
  EXPECT_EQ(t.requests().size(), 1u);
  EXPECT_EQ(t.kernels().size(), 1u);
  EXPECT_EQ(t.dropped(), 2u);
}

TEST(trace, counts_what_had_not_finished_and_ignores_what_comes_later) {
  const recording all;
  all.to->submitted();
  all.to->submitted();
  all.to->finished({.id = {1, 1}}, "in time");
  const trace t = all.to->stop();
  all.to->finished({.id = {1, 2}}, "late");
  EXPECT_EQ(t.unfinished(), 1u);
  EXPECT_EQ(t.requests().size(), 1u);
}

TEST(trace, kernels_of_a_unit_do_not_overlap_whatever_the_clocks_said) {
  const recording all;
  all.to->add_kernel({{1, 2}, 0, 0, 19, 30}, "second");
  all.to->add_kernel({{1, 1}, 0, 0, 10, 20}, "first");
  const trace t = all.to->stop();
  EXPECT_EQ(t.name(t.kernels()[0].name), "first");
  EXPECT_EQ(t.kernels()[1].begin, 20);
  EXPECT_EQ(t.kernels()[1].end, 30);
}

TEST(trace, threads_may_report_at_the_same_time) {
  const recording all;
  std::vector<std::thread> crew;
  for (std::uint16_t unit = 1; unit <= 4; ++unit) {
    crew.emplace_back([&all, unit] {
      for (std::uint64_t k = 1; k <= 1000; ++k) {
        all.request({unit, k}, "of " + std::to_string(unit), 1, 2, 3);
        all.to->add_kernel({{unit, k}, 0, unit, 1, 2}, "kernel");
      }
    });
  }
  for (auto& t : crew) t.join();
  const trace t = all.to->stop();
  EXPECT_EQ(t.requests().size(), 4000u);
  EXPECT_EQ(t.kernels().size(), 4000u);
  for (const traced_request& r : t.requests()) EXPECT_EQ(t.name(r.name), "of " + std::to_string(r.id.unit()));
}

trace small_trace() {
  const recording all;
  const std::int64_t now = trace_recorder::now();
  all.to->add_unit({2, "compute", "cpu:0"});
  all.to->add_unit({1, "tensor_write", "cpu:0"});
  all.to->add_edge({1, 1}, {2, 1});
  all.request({1, 1}, "write \"x\"\n\xFF", now, now + 1000, now + 2500);
  all.request({2, 1}, "step", now, now + 3000, now + 5000);
  all.to->add_kernel({{2, 1}, 0, 3, now + 3100, now + 4900}, "dot");
  return all.to->stop();
}

TEST(trace, is_written_as_slices_on_named_tracks_with_flows_between_them) {
  std::ostringstream out;
  small_trace().write_json(out);
  const std::string text = out.str();
  const auto count = [&text](std::string_view part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(text.substr(0, 44), R"({"displayTimeUnit":"ns","otherData":{"wherry)");
  EXPECT_EQ(count("\"ph\":\"X\""), 3u);
  EXPECT_EQ(count("\"cat\":\"request\""), 2u);
  EXPECT_EQ(count("\"cat\":\"kernel\""), 1u);
  EXPECT_EQ(count("\"ph\":\"s\",\"pid\":1,\"tid\":1"), 1u);
  EXPECT_EQ(count("\"ph\":\"f\",\"pid\":1,\"tid\":2"), 1u);
  EXPECT_EQ(count("\"process_name\",\"args\":{\"name\":\"cpu:0\"}"), 1u);
  EXPECT_EQ(count("\"args\":{\"name\":\"tensor_write 1\"}"), 1u);
  EXPECT_EQ(count("\"args\":{\"name\":\"compute 2 kernels\"}"), 1u);
  EXPECT_EQ(count("\"dur\":1.500"), 1u);
  EXPECT_EQ(count("\"dur\":2.000"), 1u);
  EXPECT_EQ(count("\"ticket\":\"2:1\""), 2u);
  EXPECT_EQ(count("\"name\":\"write \\\"x\\\"\\u000a\xEF\xBF\xBD\""), 1u) << text;
}

class traces_on_disk : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/wherry-trace-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
};

TEST_F(traces_on_disk, a_file_appears_complete_and_alone) {
  const trace t = small_trace();
  const std::filesystem::path path = folder_ / "trace.json";
  std::ofstream(path) << "old";
  t.write_json(path.string());
  std::ostringstream want;
  t.write_json(want);
  std::ostringstream got;
  got << std::ifstream(path).rdbuf();
  EXPECT_EQ(got.str(), want.str());
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(traces_on_disk, a_path_that_cannot_be_written_is_named) {
  const std::string path = folder_ / "missing" / "trace.json";
  try {
    small_trace().write_json(path);
    FAIL() << "written";
  } catch (const error& e) {
    EXPECT_EQ(e.code(), absl::StatusCode::kNotFound);
    EXPECT_NE(std::string(e.what()).find(path), std::string::npos) << e.what();
  }
  try {
    small_trace().write_json(folder_.string());  // a folder is in its place
    FAIL() << "written";
  } catch (const error&) {
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.parent_path()), {}) > 0, true);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "trace.json"));
  }
}

}  // namespace
}  // namespace wherry
