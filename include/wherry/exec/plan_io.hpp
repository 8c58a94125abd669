// plan_io.hpp: plans as bytes, for the cache and for artifacts.
//
//   "WHRYPLAN" | format version u32 | body length u64 | checksum u64 (hash64 of the body) | body
//
// The body is the plan's members in the order of plan.hpp, little-endian; strings, vectors and byte ranges
// are a u64 count and their elements. Reading checks every count against the bytes left and every index
// against its table, so damaged or foreign bytes give an error and never a plan that could crash.
//
// Threads: any (pure functions).
#pragma once

#include <cstring>
#include <span>
#include <string_view>
#include <wherry/exec/detail/plan_bytes.hpp>
#include <wherry/exec/detail/plan_check.hpp>
#include <wherry/exec/plan.hpp>
#include <wherry/status/error.hpp>

namespace wherry {

namespace detail {

inline constexpr char plan_magic[9] = "WHRYPLAN";
inline constexpr std::uint32_t plan_version = 4;

/// True for what is left of a plan, however little, and for nothing that is a program.
inline bool begins_as_plan(std::string_view bytes) noexcept {
  return !bytes.empty() && std::string_view(plan_magic, 8).starts_with(bytes.substr(0, 8));
}

inline void put_type(plan_writer& w, const tensor_type& t) {
  w.put(t.element);
  w.put<std::uint64_t>(t.dims.rank());
  for (const std::int64_t extent : t.dims) w.put(extent);
}

inline tensor_type get_type(plan_reader& r, bool open = false) {
  tensor_type t;
  t.element = r.choice<dtype>(dtype_count, "element type");
  std::vector<std::int64_t> extents(r.count(8));
  std::uint64_t elements = 1;
  for (std::int64_t& extent : extents) {
    extent = r.get<std::int64_t>();
    if (extent == -1 && open) continue;
    if (extent < 0) plan_reader::fail("a negative extent");
    if (extent != 0 && elements > plan_bytes_limit / static_cast<std::uint64_t>(extent))
      plan_reader::fail("a tensor too large");
    if (extent != 0) elements *= static_cast<std::uint64_t>(extent);
  }
  t.dims = shape(std::span<const std::int64_t>(extents));
  return t;
}

inline constexpr unsigned attribute_depth_limit = 64;  // of lists in lists

inline void put_dictionary(plan_writer& w, const attribute::dictionary& entries);
inline void put_attribute(plan_writer& w, const attribute& a) {
  w.put(static_cast<std::uint8_t>(a.value.index()));
  if (const auto* b = std::get_if<bool>(&a.value)) w.put(*b);
  if (const auto* n = std::get_if<std::int64_t>(&a.value)) w.put(*n);
  if (const auto* d = std::get_if<double>(&a.value)) w.put(*d);
  if (const auto* s = std::get_if<std::string>(&a.value)) w.put(*s);
  if (const auto* l = std::get_if<attribute::list>(&a.value))
    w.list(*l, [&](const attribute& one) { put_attribute(w, one); });
  if (const auto* d = std::get_if<attribute::dictionary>(&a.value)) put_dictionary(w, *d);
}
inline void put_dictionary(plan_writer& w, const attribute::dictionary& entries) {
  w.list(entries, [&](const named_attribute& one) { w.put(one.name), put_attribute(w, one.value); });
}

inline attribute::dictionary get_dictionary(plan_reader& r, unsigned depth);
inline attribute get_attribute(plan_reader& r, unsigned depth) {
  if (depth > attribute_depth_limit) plan_reader::fail("attributes nested too deeply");
  switch (r.get<std::uint8_t>()) {
    case 0:
      return r.choice<bool>(2, "boolean");
    case 1:
      return r.get<std::int64_t>();
    case 2:
      return r.get<double>();
    case 3:
      return r.text();
    case 4:
      return r.list<attribute>(2, [&](attribute& one) { one = get_attribute(r, depth + 1); });
    case 5:
      return get_dictionary(r, depth + 1);
    default:
      plan_reader::fail("an unknown kind of attribute");
  }
}
inline attribute::dictionary get_dictionary(plan_reader& r, unsigned depth) {
  return r.list<named_attribute>(10, [&](named_attribute& one) {
    one.name = r.text();
    one.value = get_attribute(r, depth);
  });
}

inline void put_call(plan_writer& w, const custom_call& c) {
  w.put(c.target);
  for (const auto* list : {&c.operands, &c.results}) {
    w.list(*list, [&](const call_value& value) {
      put_type(w, value.type);
      w.list(value.minor_to_major, [&](std::uint32_t d) { w.put(d); });
    });
  }
  put_dictionary(w, c.attributes);
  w.put(c.backend_config), w.put(c.api_version), w.put(c.has_side_effect), w.put(c.line);
}

inline custom_call get_call(plan_reader& r) {
  custom_call c;
  c.target = r.text();
  for (auto* list : {&c.operands, &c.results}) {
    *list = r.list<call_value>(17, [&](call_value& value) {
      value.type = get_type(r);
      const std::size_t rank = value.type.dims.rank();
      std::uint64_t seen = 0;
      value.minor_to_major = r.list<std::uint32_t>(4, [&](std::uint32_t& d) {
        d = r.index(rank, "dimensions");
        if (d < 64 && (seen >> d & 1) != 0) plan_reader::fail("a dimension that is laid out twice");
        if (d < 64) seen |= std::uint64_t{1} << d;
      });
      if (!value.minor_to_major.empty() && value.minor_to_major.size() != rank)
        plan_reader::fail("a layout of another rank");
    });
  }
  c.attributes = get_dictionary(r, 0);
  c.backend_config = r.text();
  c.api_version = r.get<std::int32_t>();
  c.has_side_effect = r.choice<bool>(2, "mark");
  c.line = r.get<std::uint32_t>();
  return c;
}

}  // namespace detail

inline std::vector<std::byte> write_plan(const plan& p) {
  detail::plan_writer w;
  w.put(p.name), w.put(p.is_named), w.put(p.function);
  w.put(p.open);
  w.list(p.inputs, [&](const tensor_type& t) { detail::put_type(w, t); });
  w.list(p.sizes, [&](std::uint32_t i) { w.put(i); });
  w.list(p.outputs, [&](const tensor_type& t) { detail::put_type(w, t); });
  w.list(p.aliases, [&](const alias& a) { w.put(a.output), w.put(a.input); });
  w.list(p.slots, [&](const slot& s) { w.put(s.where), w.put(s.index), w.put(s.offset), w.put(s.bytes); });
  w.list(p.kernels, [&](const kernel& k) { w.put(k.name), w.put(k.from), w.put(k.entry); });
  w.list(p.calls, [&](const custom_call& c) { detail::put_call(w, c); });
  w.list(p.blocks, [&](const std::vector<step>& block) {
    w.list(block, [&](const step& s) {
      w.put(s.what), w.put(s.kernel), w.put(s.extent), w.put(s.cost_ns), w.put(s.trips);
      w.list(s.slots, [&](std::uint32_t i) { w.put(i); });
      w.list(s.blocks, [&](std::uint32_t i) { w.put(i); });
    });
  });
  w.put(p.arena_bytes);
  w.bytes(p.constants);
  w.bytes(p.image);
  w.put(p.opencl_source);
  w.put(p.opencl), w.put(p.anywhere);
  w.put(p.features);
  w.put(p.cost_ns);
  w.put(p.bounded);
  for (const auto* names : {&p.input_names, &p.output_names})
    w.list(*names, [&](const std::string& name) { w.put(name); });

  detail::plan_writer file;
  file.out.reserve(w.out.size() + 32);
  for (const char c : std::string_view(detail::plan_magic)) file.put(c);
  file.put(detail::plan_version);
  file.put<std::uint64_t>(w.out.size());
  file.put(hash64(w.out));
  file.out.insert(file.out.end(), w.out.begin(), w.out.end());
  return std::move(file.out);
}

/// Throws data_loss for bytes that `write_plan` did not write, or that were damaged since.
inline plan read_plan(std::span<const std::byte> bytes) {
  detail::plan_reader head(bytes);
  for (const char c : std::string_view(detail::plan_magic)) {
    if (head.get<char>() != c) detail::plan_reader::fail("it does not start with WHRYPLAN");
  }
  const auto version = head.get<std::uint32_t>();
  if (version != detail::plan_version) {
    detail::plan_reader::fail("format version " + std::to_string(version) + ", expected " +
                              std::to_string(detail::plan_version));
  }
  const auto length = head.get<std::uint64_t>();
  const auto checksum = head.get<std::uint64_t>();
  const std::span<const std::byte> body = bytes.subspan(28);
  if (body.size() != length) detail::plan_reader::fail("its length is not what its head says");
  if (hash64(body) != checksum) detail::plan_reader::fail("its checksum does not match");

  detail::plan_reader r(body);
  plan p;
  p.name = r.text();
  p.is_named = r.choice<bool>(2, "mark");
  p.function = r.text();
  p.open = r.choice<bool>(2, "mark");
  p.inputs = r.list<tensor_type>(9, [&](tensor_type& t) { t = detail::get_type(r, p.open); });
  p.sizes = r.list<std::uint32_t>(4, [&](std::uint32_t& i) { i = r.index(p.inputs.size(), "inputs"); });
  p.outputs = r.list<tensor_type>(9, [&](tensor_type& t) { t = detail::get_type(r); });
  p.aliases = r.list<alias>(8, [&](alias& a) {
    a.output = r.index(p.outputs.size(), "outputs");
    a.input = r.index(p.inputs.size(), "inputs");
  });
  p.slots = r.list<slot>(21, [&](slot& s) {
    s.where = r.choice<slot::region>(4, "region");
    s.index = r.get<std::uint32_t>();
    s.offset = r.get<std::uint64_t>();
    s.bytes = r.get<std::uint64_t>();
  });
  p.kernels = r.list<kernel>(17, [&](kernel& k) {
    k.name = r.text();
    k.from = r.choice<kernel::origin>(3, "origin of a kernel");
    k.entry = r.get<std::uint64_t>();
  });
  p.calls = r.list<custom_call>(53, [&](custom_call& c) { c = detail::get_call(r); });
  std::vector<std::uint32_t> referenced;
  p.blocks = r.list<std::vector<step>>(8, [&](std::vector<step>& block) {
    block = r.list<step>(45, [&](step& s) {
      s.what = r.choice<step::kind>(5, "kind of step");
      s.kernel = s.what == step::kind::launch ? r.index(p.kernels.size(), "kernels")
                 : s.what == step::kind::call ? r.index(p.calls.size(), "calls")
                                              : r.get<std::uint32_t>();
      s.extent = r.get<std::int64_t>();
      s.cost_ns = r.get<double>();
      s.trips = r.get<std::int64_t>();
      s.slots = r.list<std::uint32_t>(4, [&](std::uint32_t& i) { i = r.index(p.slots.size(), "slots"); });
      s.blocks = r.list<std::uint32_t>(
          4, [&](std::uint32_t& i) { referenced.push_back(i = r.get<std::uint32_t>()); });
    });
  });
  for (const std::uint32_t b : referenced) {
    if (b >= p.blocks.size()) detail::plan_reader::fail("an index past the table of blocks");
  }
  p.arena_bytes = r.get<std::uint64_t>();
  const auto constants = r.bytes();
  p.constants.assign(constants.begin(), constants.end());
  const auto image = r.bytes();
  p.image.assign(image.begin(), image.end());
  p.opencl_source = r.text();
  p.opencl = r.choice<bool>(2, "mark");
  p.anywhere = r.choice<bool>(2, "mark");
  if (p.anywhere && !p.kernels.empty()) detail::plan_reader::fail("code for anywhere");
  p.features = r.text();
  p.cost_ns = r.get<double>();
  p.bounded = r.choice<bool>(2, "mark");
  for (auto* names : {&p.input_names, &p.output_names})
    *names = r.list<std::string>(8, [&](std::string& name) { name = r.text(); });
  if (!r.at_end()) detail::plan_reader::fail("bytes behind its end");
  detail::check_plan(p);
  return p;
}

}  // namespace wherry
