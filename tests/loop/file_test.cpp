#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>
#include <wherry/coro/task.hpp>
#include <wherry/coro/when_all.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/sleep.hpp>
#include <wherry/loop/sync_wait.hpp>

#include "loop/configurations.hpp"

namespace wherry {
namespace {

class file_suite : public loop_suite {};

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

task<void> write_all(loop& where, const file& to, std::string_view text, std::uint64_t offset) {
  while (!text.empty()) {
    const std::span<const std::byte> rest = bytes_of(text);
    const std::size_t count = co_await write(where, to, rest, offset);
    text.remove_prefix(count);
    offset += count;
  }
}

task<std::string> read_some(loop& where, file_ref from, std::size_t most, std::uint64_t offset) {
  std::string text(most, '?');
  std::size_t end = 0;
  for (;;) {
    const std::span<std::byte> rest = std::as_writable_bytes(std::span(text)).subspan(end);
    if (rest.empty()) break;
    const std::size_t count = co_await read(where, from, rest, offset + end);
    if (count == 0) break;
    end += count;
  }
  text.resize(end);
  co_return text;
}

task<void> use_a_file(loop& where, std::string path, std::string renamed) {
  file f = co_await open(where, path, O_RDWR | O_CREAT | O_EXCL, 0600);
  EXPECT_EQ(f.path(), path);
  co_await write_all(where, f, "0123456789", 0);
  co_await write_all(where, f, "ABC", 4);
  const std::string whole = co_await read_some(where, f, 100, 0);
  EXPECT_EQ(whole, "0123ABC789");
  const std::string part = co_await read_some(where, f, 4, 2);
  EXPECT_EQ(part, "23AB");
  co_await fsync(where, f);
  co_await fsync(where, f, true);
  const file_status of_file = co_await stat(where, f);
  EXPECT_EQ(of_file.size, 10u);
  EXPECT_TRUE(of_file.is_regular());
  EXPECT_EQ(of_file.mode & 0777u, 0600u);
  co_await close(where, std::move(f));
  EXPECT_FALSE(f);
  co_await rename(where, path, renamed);
  const file_status of_path = co_await stat(where, renamed);
  EXPECT_EQ(of_path.size, 10u);
  EXPECT_LT(std::chrono::abs(std::chrono::system_clock::now() - of_path.modified), std::chrono::hours(1));
  co_await remove(where, renamed);
}

TEST_P(file_suite, a_file_is_opened_written_read_synced_renamed_and_removed) {
  const scratch_folder folder;
  sync_wait(here(), use_a_file(here(), folder / "a", folder / "b"));
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

template <class T>
task<std::string> message_of(task<T> failing) {
  std::string message;
  try {
    co_await std::move(failing);
  } catch (const error& e) {
    message = e.what();
  }
  co_return message;
}

task<void> open_missing(loop& where, std::string path) {
  const file f = co_await open(where, std::move(path));
}
task<void> stat_missing(loop& where, std::string path) { co_await stat(where, std::move(path)); }
task<void> rename_missing(loop& where, std::string from, std::string to) {
  co_await rename(where, std::move(from), std::move(to));
}
task<void> remove_missing(loop& where, std::string path) { co_await remove(where, std::move(path)); }
task<void> read_descriptor(loop& where, int fd) {
  std::array<std::byte, 4> some;
  const std::span<std::byte> into = some;
  co_await read(where, fd, into, 0);
}
task<void> fsync_descriptor(loop& where, int fd) { co_await fsync(where, fd); }
task<void> poll_descriptor(loop& where, int fd) { co_await poll(where, fd, POLLIN); }
task<void> write_read_only(loop& where, std::string path) {
  const file f = co_await open(where, std::move(path));
  const std::span<const std::byte> some = bytes_of("x");
  co_await write(where, f, some, 0);
}

TEST_P(file_suite, failures_name_the_operation_the_path_and_the_errno) {
  const scratch_folder folder;
  const std::string missing = folder / "missing";
  const std::string present = folder / "present";
  std::ofstream(present) << "x";
  const std::string no_such_file = ": No such file or directory";
  const std::string bad_descriptor = ": Bad file descriptor";
  loop& l = here();
  EXPECT_EQ(sync_wait(l, message_of(open_missing(l, missing))), "open " + missing + no_such_file);
  EXPECT_EQ(sync_wait(l, message_of(stat_missing(l, missing))), "stat " + missing + no_such_file);
  EXPECT_EQ(sync_wait(l, message_of(remove_missing(l, missing))), "remove " + missing + no_such_file);
  EXPECT_EQ(sync_wait(l, message_of(rename_missing(l, missing, present))),
            "rename " + missing + " to " + present + no_such_file);
  EXPECT_EQ(sync_wait(l, message_of(write_read_only(l, present))), "write " + present + bad_descriptor);
  for (const int fd : {-1, 987'654}) {
    const std::string of = fd < 0 ? "" : " of file descriptor 987654";
    EXPECT_EQ(sync_wait(l, message_of(read_descriptor(l, fd))), "read" + of + bad_descriptor);
    EXPECT_EQ(sync_wait(l, message_of(fsync_descriptor(l, fd))), "fsync" + of + bad_descriptor);
    EXPECT_EQ(sync_wait(l, message_of(poll_descriptor(l, fd))), "poll" + of + bad_descriptor);
  }
}

task<absl::StatusCode> code_of_open(loop& where, std::string path) {
  absl::StatusCode code = absl::StatusCode::kOk;
  try {
    co_await open_missing(where, std::move(path));
  } catch (const error& e) {
    code = e.code();
  }
  co_return code;
}

TEST_P(file_suite, failures_carry_the_status_code_of_their_errno) {
  const scratch_folder folder;
  EXPECT_EQ(sync_wait(here(), code_of_open(here(), folder / "missing")), absl::StatusCode::kNotFound);
}

task<void> write_later(loop& where, int fd, std::string_view text) {
  co_await sleep_for(where, std::chrono::milliseconds(2));
  const std::span<const std::byte> bytes = bytes_of(text);
  co_await write(where, fd, bytes, operation::current_position);
}

task<void> read_pipe(loop& where, int fd, std::string& text) {
  std::array<char, 16> some;
  const std::span<std::byte> into = std::as_writable_bytes(std::span(some));
  const std::size_t count = co_await read(where, fd, into, operation::current_position);
  text.assign(some.data(), count);
}

task<void> read_while_another_writes(loop& where, const test_pipe& p, std::string& text) {
  std::vector<task<void>> both;
  both.push_back(read_pipe(where, p.out(), text));
  both.push_back(write_later(where, p.in(), "ahoy"));
  co_await when_all(std::move(both));
}

TEST_P(file_suite, reading_an_empty_pipe_waits_for_a_writer) {
  test_pipe p;
  std::string text;
  sync_wait(here(), read_while_another_writes(here(), p, text));
  if (GetParam().options.short_transfers) {
    EXPECT_EQ(text, std::string("ahoy").substr(0, text.size()));
    EXPECT_FALSE(text.empty());
  } else {
    EXPECT_EQ(text, "ahoy");
  }
  p.close_in();
  sync_wait(here(), read_pipe(here(), p.out(), text));
  while (!text.empty()) sync_wait(here(), read_pipe(here(), p.out(), text));
  EXPECT_EQ(text, "");  // the end of the pipe
}

task<void> wait_readable(loop& where, int fd, std::uint32_t& events) {
  events = co_await poll(where, fd, POLLIN);
}

task<void> poll_while_another_writes(loop& where, const test_pipe& p, std::uint32_t& events) {
  std::vector<task<void>> both;
  both.push_back(wait_readable(where, p.out(), events));
  both.push_back(write_later(where, p.in(), "x"));
  co_await when_all(std::move(both));
}

TEST_P(file_suite, poll_waits_for_the_event_and_says_which_came) {
  test_pipe p;
  std::uint32_t events = 0;
  sync_wait(here(), poll_while_another_writes(here(), p, events));
  EXPECT_EQ(events, static_cast<std::uint32_t>(POLLIN));
  p.close_in();
  sync_wait(here(), wait_readable(here(), p.out(), events));
  EXPECT_NE(events & POLLHUP, 0u);
}

task<void> copy_blocks(loop& where, const file& from, const file& to, std::uint64_t offset,
                       std::size_t size) {
  const std::string text = co_await read_some(where, from, size, offset);
  co_await write_all(where, to, text, offset);
}

task<void> copy_concurrently(loop& where, std::string from, std::string to, std::size_t size,
                             std::size_t block) {
  const file source = co_await open(where, std::move(from));
  const file target = co_await open(where, std::move(to), O_WRONLY | O_CREAT);
  std::vector<task<void>> blocks;
  for (std::size_t offset = 0; offset < size; offset += block) {
    blocks.push_back(copy_blocks(where, source, target, offset, block));
  }
  co_await when_all(std::move(blocks));
}

TEST_P(file_suite, many_transfers_at_offsets_at_once_keep_every_byte) {
  const scratch_folder folder;
  std::string text;
  for (int i = 0; text.size() < 300'000; ++i) text += std::to_string(i) + ' ';
  std::ofstream(folder / "from", std::ios::binary) << text;
  sync_wait(here(), copy_concurrently(here(), folder / "from", folder / "to", text.size(), 1000));
  EXPECT_TRUE(content(folder / "to") == text);
}

WHERRY_ON_EVERY_BACKEND(file_suite);

}  // namespace
}  // namespace wherry
