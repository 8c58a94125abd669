// trace_summary.cpp: see trace_summary.hpp.
#include "trace_summary.hpp"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <vector>

#include "usage_error.hpp"

namespace wherry::cli {
namespace {

using json = nlohmann::json;

constexpr std::string_view our_format = "trace 1";

/// Takes the values of one file as the parser finds them, and keeps those of events that it knows.
class trace_reader final : public nlohmann::json_sax<json> {
 public:
  explicit trace_reader(std::string name) : name_(std::move(name)) {}

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t value) override { return number(static_cast<double>(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(static_cast<double>(value)); }
  bool number_float(number_float_t value, const string_t&) override { return number(value); }
  bool string(string_t& value) override {
    if (in_header()) {
      if (key_ == "wherry") format_ = value;
    } else if (depth_ == event_depth_) {
      if (std::string* const field = find(texts_)) *field = value;
    } else if (in_arguments_ && depth_ == event_depth_ + 1) {
      if (std::string* const field = find(argument_texts_)) *field = value;
    }
    return true;
  }
  bool binary(binary_t&) override { return true; }
  bool key(string_t& value) override {
    key_ = value;
    if (depth_ == 1) section_ = value;
    if (depth_ == event_depth_) in_arguments_ = value == "args";
    return true;
  }
  bool start_object(std::size_t) override {
    ++depth_;
    if (depth_ == 1) is_object_ = true;
    if (depth_ == event_depth_) begin_event();
    return true;
  }
  bool end_object() override {
    if (depth_ == event_depth_) end_event();
    --depth_;
    return true;
  }
  bool start_array(std::size_t) override {
    ++depth_;
    if (depth_ == 2 && is_object_ && section_ == "traceEvents") event_depth_ = 3;
    return true;
  }
  bool end_array() override {
    if (depth_ == 2) event_depth_ = none;
    --depth_;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) override {
    const std::string_view text = e.what();  // "[json.exception.parse_error.101] parse error at line ..."
    const std::size_t end = text.find("] ");
    throw usage_error(name_ + ": damaged, or no JSON: " +
                      std::string(end == std::string_view::npos ? text : text.substr(end + 2)));
  }

  trace_summary result() {
    if (format_ != our_format) {
      throw usage_error(name_ + ": no trace of this command: expected \"otherData\": {\"wherry\": \"" +
                        std::string(our_format) + "\"}, " +
                        (format_ ? "got \"" + *format_ + "\"" : std::string("found none")));
    }
    if (!length_) throw usage_error(name_ + ": no trace of this command: \"length_us\" is missing");
    summary_.length = *length_;
    for (auto& [track, unit] : summary_.by_unit) {
      const auto device = processes_.find(track.first);
      const auto own = tracks_.find(track);
      unit.name = (device == processes_.end() ? "device " + std::to_string(track.first) : device->second) +
                  " " + (own == tracks_.end() ? "unit " + std::to_string(track.second) : own->second);
    }
    return std::move(summary_);
  }

 private:
  static constexpr int none = -1;
  template <class Value>
  using fields = std::vector<std::pair<std::string_view, Value>>;

  bool in_header() const { return depth_ == 2 && is_object_ && section_ == "otherData"; }

  template <class Value>
  Value* find(fields<Value>& all) const {
    for (auto& [name, value] : all) {
      if (name == key_) return &value;
    }
    return nullptr;
  }
  template <class Value>
  static Value& get(fields<Value>& all, std::string_view name) {
    return std::find_if(all.begin(), all.end(), [name](const auto& f) { return f.first == name; })->second;
  }

  /// A number of any size as a whole one.
  static std::int64_t whole(double value) {
    return static_cast<std::int64_t>(std::clamp(value, -9e15, 9e15));
  }
  static std::uint64_t counter(double value) {
    return static_cast<std::uint64_t>(whole(std::max(0.0, value)));
  }

  bool number(double value) {
    if (in_header()) {
      if (key_ == "length_us") length_ = value;
      if (key_ == "dropped") summary_.dropped = counter(value);
      if (key_ == "unfinished") summary_.unfinished = counter(value);
    } else if (depth_ == event_depth_) {
      if (auto* const field = find(numbers_)) *field = value;
    } else if (in_arguments_ && depth_ == event_depth_ + 1) {
      if (auto* const field = find(argument_numbers_)) *field = value;
    }
    return true;
  }

  void begin_event() {
    ++events_;
    in_arguments_ = false;
    for (auto* texts : {&texts_, &argument_texts_}) {
      for (auto& [name, value] : *texts) value.clear();
    }
    for (auto* numbers : {&numbers_, &argument_numbers_}) {
      for (auto& [name, value] : *numbers) value = std::nullopt;
    }
  }

  double required(std::string_view what, std::string_view field, bool may_be_negative = false) {
    const std::optional<double> value = get(numbers_, field);
    if (value && std::isfinite(*value) && (may_be_negative || *value >= 0)) return *value;
    throw usage_error(name_ + ": event " + std::to_string(events_) + ": a " + std::string(what) +
                      " whose \"" + std::string(field) + "\" is " +
                      (value ? "negative" : "missing or no number"));
  }

  void end_event() {
    const std::string& phase = get(texts_, "ph");
    const std::string& what = get(texts_, "cat");
    const std::string& name = get(texts_, "name");
    if (phase == "M") {
      const auto process = whole(get(numbers_, "pid").value_or(0));
      const auto track = whole(get(numbers_, "tid").value_or(0));
      if (name == "process_name") processes_[process] = get(argument_texts_, "name");
      if (name == "thread_name") tracks_[{process, track}] = get(argument_texts_, "name");
      return;
    }
    if (phase != "X" || (what != "request" && what != "kernel")) return;
    const auto process = whole(required(what, "pid"));
    const auto track = whole(required(what, "tid"));
    (void)required(what, "ts", true);
    const double took = required(what, "dur");
    if (what == "kernel") {
      ++summary_.kernels;
      count(summary_.by_kernel[name], took);
      return;
    }
    const bool failed = get(argument_texts_, "status") != "OK";
    const double waited = std::max(0.0, get(argument_numbers_, "wait_us").value_or(0));
    ++summary_.requests;
    summary_.failed += failed;
    for (duration_sum* sum :
         {static_cast<duration_sum*>(&summary_.by_unit[{process, track}]), &summary_.by_request[name]}) {
      count(*sum, took);
      sum->failed += failed;
      sum->waited += waited;
      sum->longest_wait = std::max(sum->longest_wait, waited);
    }
  }
  static void count(duration_sum& sum, double took) {
    ++sum.count;
    sum.total += took;
    sum.longest = std::max(sum.longest, took);
  }

  std::string name_;
  // where the parser is
  int depth_ = 0;           // of objects and arrays
  int event_depth_ = none;  // inside an event, while the parser is in the list of events
  bool is_object_ = false;  // the whole file
  bool in_arguments_ = false;
  std::string section_;  // the last key of the whole
  std::string key_;
  // the event that is being read
  std::uint64_t events_ = 0;
  fields<std::string> texts_{{"ph", {}}, {"cat", {}}, {"name", {}}};
  fields<std::string> argument_texts_{{"name", {}}, {"status", {}}};
  fields<std::optional<double>> numbers_{{"pid", {}}, {"tid", {}}, {"ts", {}}, {"dur", {}}};
  fields<std::optional<double>> argument_numbers_{{"wait_us", {}}};
  // what was read
  trace_summary summary_;
  std::optional<std::string> format_;
  std::optional<double> length_;
  std::map<std::int64_t, std::string> processes_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::string> tracks_;
};

/// Columns of numbers, right-aligned, and a name behind them.
class table {
 public:
  explicit table(std::vector<std::string> heads) { rows_.push_back(std::move(heads)); }
  void add(std::vector<std::string> row) {
    for (char& c : row.back()) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
    }
    rows_.push_back(std::move(row));
  }
  std::string text() const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_) {
      for (std::size_t k = 0; k < row.size(); ++k) widths[k] = std::max(widths[k], row[k].size());
    }
    std::string out;
    for (const auto& row : rows_) {
      for (std::size_t k = 0; k + 1 < row.size(); ++k)
        out += std::string(widths[k] - row[k].size(), ' ') + row[k] + "  ";
      out += row.back() + "\n";
    }
    return out;
  }

 private:
  std::vector<std::vector<std::string>> rows_;
};

std::string fixed(double value, int digits) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}
std::string milliseconds(double us) { return fixed(us / 1000, 3); }
std::string mean(double total, std::uint64_t count) {
  return fixed(count == 0 ? 0 : total / static_cast<double>(count), 1);
}
std::string share(double part, double whole) { return fixed(whole > 0 ? 100 * part / whole : 0, 1); }

std::string units_text(const trace_summary& trace) {
  table t({"count", "failed", "busy ms", "busy %", "idle ms", "mean us", "max us", "mean wait us",
           "max wait us", "unit"});
  for (const auto& [track, u] : trace.by_unit) {
    t.add({std::to_string(u.count), std::to_string(u.failed), milliseconds(u.total),
           share(u.total, trace.length), milliseconds(std::max(0.0, trace.length - u.total)),
           mean(u.total, u.count), fixed(u.longest, 1), mean(u.waited, u.count), fixed(u.longest_wait, 1),
           u.name});
  }
  return t.text();
}

std::string sums_text(const std::map<std::string, duration_sum>& sums, const char* what, std::size_t rows) {
  std::vector<std::pair<std::string, duration_sum>> sorted(sums.begin(), sums.end());
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return std::tie(b.second.total, a.first) < std::tie(a.second.total, b.first);
  });
  duration_sum all;
  for (const auto& [name, sum] : sorted) all.total += sum.total;
  if (sorted.size() > rows) {
    duration_sum others;
    for (std::size_t k = rows - 1; k < sorted.size(); ++k) {
      others.count += sorted[k].second.count;
      others.total += sorted[k].second.total;
      others.longest = std::max(others.longest, sorted[k].second.longest);
    }
    const std::string name = "(" + std::to_string(sorted.size() - rows + 1) + " others)";
    sorted.resize(rows - 1);
    sorted.emplace_back(name, others);
  }
  table t({"count", "total ms", "share %", "mean us", "max us", what});
  for (const auto& [name, sum] : sorted) {
    t.add({std::to_string(sum.count), milliseconds(sum.total), share(sum.total, all.total),
           mean(sum.total, sum.count), fixed(sum.longest, 1), name});
  }
  return t.text();
}

}  // namespace

trace_summary read_trace(std::istream& in, const std::string& name) {
  trace_reader reader(name);
  json::sax_parse(in, &reader);
  return reader.result();
}

std::string to_text(const trace_summary& trace, std::size_t rows) {
  std::string out = milliseconds(trace.length) + " ms, " + std::to_string(trace.requests) + " requests (" +
                    std::to_string(trace.failed) + " failed), " + std::to_string(trace.kernels) +
                    " kernels\n";
  if (trace.dropped != 0)
    out += std::to_string(trace.dropped) + " events more did not fit in the trace: the sums are too small\n";
  if (trace.unfinished != 0)
    out += std::to_string(trace.unfinished) + " requests had not finished and are left out\n";
  out += "\n" + units_text(trace);
  out += "\n" + sums_text(trace.by_request, "request", rows);
  if (trace.kernels != 0) out += "\n" + sums_text(trace.by_kernel, "kernel", rows);
  return out;
}

}  // namespace wherry::cli
