// npy.hpp: one array in a .npy file of NumPy's.
//
// Any order of dimensions and bytes is read; what is written is row-major and little-endian. Saving writes
// beside the target and renames.
//
// Threads: coroutines on the loop's; the others any thread that may block.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <wherry/array/detail/npy_format.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/loop/replacement_file.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry {

/// Returns the array of the file at `path`. Throws data_loss (corrupt_file) naming file and offset for a file
/// that is truncated or no .npy file, unimplemented (unsupported) for a dtype that no array has, and the
/// system's errors naming the file.
inline task<array> load_npy(loop& where, std::string path) {
  const file source = co_await open(where, path);
  const file_status status = co_await stat(where, source);
  if (!status.is_regular()) throw error(absl::StatusCode::kInvalidArgument, path + ": not a regular file");
  std::vector<std::byte> header(12);
  header.resize(co_await read_fully(where, source, header, 0));
  header.resize(detail::npy_header_length(header, path));
  if (header.size() > status.size) detail::corrupt_npy(path, status.size, "the header ends behind the file");
  co_await read_fully(where, source, header, 0);
  const detail::npy_header said = detail::parse_npy_header(header, path);
  if (said.end() != status.size) {
    detail::corrupt_npy(path, said.start,
                        to_string(said.type) + " takes " + std::to_string(said.type.bytes()) +
                            " bytes, the file has " + std::to_string(status.size - said.start));
  }
  array elements(said.type);
  const std::size_t count = co_await read_fully(where, source, elements.bytes(), said.start);
  if (count != elements.bytes().size()) detail::corrupt_npy(path, said.start + count, "the file ends here");
  co_return detail::npy_elements(said, std::move(elements), path);
}

/// Puts `values` into the file at `path`, which is complete or as it was before at every moment.
inline task<void> save_npy(loop& where, std::string path, array values) {
  const std::string header = detail::format_npy_header(values.type());
  replacement_file target(std::move(path));
  co_await target.create(where);
  co_await write_fully(where, target.contents(), std::as_bytes(std::span(header)), 0);
  co_await write_fully(where, target.contents(), values.bytes(), header.size());
  co_await target.commit(where);
}

/// The same for plain code: waits for the disk, on a loop of its own.
inline array load_npy(const std::string& path) {
  require_may_block("load_npy");
  loop here;
  return sync_wait(here, load_npy(here, path));
}
inline void save_npy(const std::string& path, array values) {
  require_may_block("save_npy");
  loop here;
  sync_wait(here, save_npy(here, path, std::move(values)));
}

/// Returns `values` as the bytes of a .npy file.
inline std::vector<std::byte> npy_to_bytes(const array& values) {
  const std::string header = detail::format_npy_header(values.type());
  const auto start = std::as_bytes(std::span(header));
  std::vector<std::byte> bytes(start.begin(), start.end());
  const std::span<const std::byte> elements = values.bytes();
  bytes.insert(bytes.end(), elements.begin(), elements.end());
  return bytes;
}

/// Returns the array of a file's bytes, called `name` in messages. Throws as `load_npy`.
inline array npy_from_bytes(std::span<const std::byte> bytes, const std::string& name = "npy_from_bytes") {
  const std::uint64_t length = detail::npy_header_length(bytes, name);
  if (length > bytes.size()) detail::corrupt_npy(name, bytes.size(), "the header ends behind the file");
  const detail::npy_header said = detail::parse_npy_header(bytes.first(length), name);
  if (said.end() != bytes.size()) {
    detail::corrupt_npy(name, said.start,
                        to_string(said.type) + " takes " + std::to_string(said.type.bytes()) +
                            " bytes, the file has " + std::to_string(bytes.size() - said.start));
  }
  array elements(said.type);
  if (said.type.bytes() != 0)
    std::memcpy(elements.bytes().data(), bytes.data() + said.start, said.type.bytes());
  return detail::npy_elements(said, std::move(elements), name);
}

}  // namespace wherry
