// safetensors.hpp: named arrays in one file.
//
// Loading checks the header before it believes it, and reads every tensor straight into its array. Saving
// writes beside the target and renames, so that no reader and no crash ever meets half a file. Tensors are
// written in an order that aligns each to its element size.
//
// Types that the format does not name travel so: complex<f64> as F64 with one more dimension of 2, i2/i4
// and ui2/ui4 as I8 and U8, other 8-bit and smaller floats as U8 bits with the type under the
// metadata key `dtype:NAME`. `as_type` undoes the first two, which a file does not record.
//
// This header needs nlohmann-json: link `wherry::files`.
//
// Threads: coroutines on the loop's; the others any thread that may block.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <exception>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <wherry/array/array.hpp>
#include <wherry/array/detail/safetensors_layout.hpp>
#include <wherry/array/element.hpp>
#include <wherry/coro/task.hpp>
#include <wherry/loop/file.hpp>
#include <wherry/loop/loop.hpp>
#include <wherry/loop/sync_wait.hpp>

namespace wherry {

struct safetensors {
  std::map<std::string, array, std::less<>> tensors;
  std::map<std::string, std::string, std::less<>> metadata;

  /// Returns the tensor called `name`, or null.
  const array* find(std::string_view name) const {
    const auto at = tensors.find(name);
    return at == tensors.end() ? nullptr : &at->second;
  }
  /// Returns the tensor called `name`. Throws not_found.
  const array& at(std::string_view name) const {
    if (const array* found = find(name)) return *found;
    throw error(absl::StatusCode::kNotFound, "there is no tensor '" + std::string(name) + "'");
  }
};

namespace detail {

inline task<void> read_exactly(loop& where, const file& source, std::span<std::byte> into,
                               std::uint64_t offset) {
  for (std::size_t done = 0; done != into.size();) {
    const std::span<std::byte> rest = into.subspan(done);
    const std::size_t count = co_await read(where, source, rest, offset + done);
    if (count == 0) corrupt_safetensors(source.path(), offset + done, "the file ends here");
    done += count;
  }
}

inline task<void> write_exactly(loop& where, const file& target, std::span<const std::byte> from,
                                std::uint64_t offset) {
  for (std::size_t done = 0; done != from.size();) {
    const std::span<const std::byte> rest = from.subspan(done);
    const std::size_t count = co_await write(where, target, rest, offset + done);
    if (count == 0) {
      throw error(absl::StatusCode::kResourceExhausted,
                  "write " + target.path() + ": the file system took no more bytes");
    }
    done += count;
  }
}

inline void require_booleans(const array& a, const safetensors_entry& entry, const std::string& path) {
  const std::span<const std::byte> bytes = a.bytes();
  for (std::size_t k = 0; k < bytes.size(); ++k) {
    if (bytes[k] > std::byte{1}) {
      corrupt_safetensors(
          path, entry.offset + k,
          "tensor '" + entry.name + "' is BOOL and holds " + std::to_string(std::to_integer<int>(bytes[k])));
    }
  }
}

inline task<void> write_safetensors(loop& where, std::string path, const safetensors& contents,
                                    const std::string& header, const safetensors_layout& layout) {
  file target = co_await open(where, std::move(path), O_WRONLY | O_CREAT | O_EXCL);
  co_await write_exactly(where, target, std::as_bytes(std::span(header)), 0);
  for (const safetensors_entry& e : layout.entries) {
    const std::span<const std::byte> bytes = contents.tensors.find(e.name)->second.bytes();
    co_await write_exactly(where, target, bytes, e.offset);
  }
  co_await fsync(where, target);
  co_await close(where, std::move(target));
}

}  // namespace detail

/// Returns the tensors and the metadata of the file at `path`. Throws data_loss (corrupt_file) naming file
/// and offset when the file is truncated or contradicts itself, and the system's errors naming the file.
inline task<safetensors> load_safetensors(loop& where, std::string path) {
  const file source = co_await open(where, path);
  const file_status status = co_await stat(where, source);
  if (!status.is_regular()) throw error(absl::StatusCode::kInvalidArgument, path + ": not a regular file");
  std::vector<std::byte> header(8);
  if (status.size >= 8) co_await detail::read_exactly(where, source, header, 0);
  header.resize(detail::safetensors_header_length(header, status.size, path));
  co_await detail::read_exactly(where, source, header, 8);
  detail::safetensors_layout layout = detail::parse_safetensors_header(header, status.size, path);
  safetensors contents;
  contents.metadata = std::move(layout.metadata);
  for (const detail::safetensors_entry& e : layout.entries) {
    array tensor(e.type);
    co_await detail::read_exactly(where, source, tensor.bytes(), e.offset);
    if (e.type.element == dtype::boolean) detail::require_booleans(tensor, e, path);
    contents.tensors.emplace(e.name, std::move(tensor));
  }
  co_return contents;
}

/// Puts `contents` into the file at `path`, which is complete or as it was before at every moment. On failure
/// nothing is left behind and an `error` names the path.
inline task<void> save_safetensors(loop& where, std::string path, safetensors contents) {
  static std::atomic<std::uint64_t> count{0};
  detail::safetensors_layout layout;
  layout.metadata = contents.metadata;
  for (const auto& [name, tensor] : contents.tensors) layout.entries.push_back({name, tensor.type(), 0});
  const std::string header = detail::format_safetensors_header(layout, path);
  const std::string beside =
      path + ".new-" + std::to_string(::getpid()) + "-" + std::to_string(count.fetch_add(1));
  std::exception_ptr thrown;
  try {
    co_await detail::write_safetensors(where, beside, contents, header, layout);
    co_await rename(where, beside, path);
  } catch (...) {
    thrown = std::current_exception();
  }
  if (thrown) {
    // On this thread: the loop may be ending, or its ring broken.
    ::unlink(beside.c_str());
    std::rethrow_exception(thrown);
  }
}

/// The same for plain code: waits for the disk, on a loop of its own.
inline safetensors load_safetensors(const std::string& path) {
  require_may_block("load_safetensors");
  loop here;
  return sync_wait(here, load_safetensors(here, path));
}
inline void save_safetensors(const std::string& path, safetensors contents) {
  require_may_block("save_safetensors");
  loop here;
  sync_wait(here, save_safetensors(here, path, std::move(contents)));
}

/// Returns `stored`, an array from a file, as an array of `wanted`: itself, or a copy where the file format
/// has no name for the type. Throws invalid_argument, starting with `what`, for another type or shape and for
/// numbers that a small integer type cannot hold.
inline array as_type(const array& stored, const tensor_type& wanted, std::string_view what) {
  if (stored.type() == wanted) return stored;
  tensor_type travelled = detail::safetensors_type(wanted);
  if (detail::is_carried_as_bits(wanted.element)) travelled.element = dtype::ui8;
  if (stored.type() != travelled) {
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": expected " + to_string(travelled) +
                    (travelled == wanted ? "" : " for " + to_string(wanted)) + ", the file has " +
                    to_string(stored.type()));
  }
  array result(wanted);
  if (!result.bytes().empty())
    std::memcpy(result.bytes().data(), stored.bytes().data(), result.bytes().size());
  const auto in_range = [&](std::int64_t value) {
    switch (wanted.element) {
      case dtype::i2:
        return value >= -2 && value <= 1;
      case dtype::i4:
        return value >= -8 && value <= 7;
      case dtype::ui2:
        return value <= 3;
      case dtype::ui4:
      case dtype::f4e2m1fn:
        return value <= 15;
      case dtype::f6e2m3fn:
      case dtype::f6e3m2fn:
        return value <= 63;
      default:
        return true;
    }
  };
  for (std::int64_t k = 0; k < stored.size() && wanted.element != dtype::c128; ++k) {
    if (in_range(element_integer(stored, k))) continue;
    throw error(absl::StatusCode::kInvalidArgument,
                std::string(what) + ": element " + index_text(stored.dims(), k) + " is " +
                    element_literal(stored, k) + ", which " + std::string(name_of(wanted.element)) +
                    " cannot hold");
  }
  return result;
}

}  // namespace wherry
