// targets.cpp: see targets.hpp.
#include "targets.hpp"

#include "factor.hpp"
#include "typed.hpp"

namespace wherry::lapack {
namespace {

template <class T>
struct geqrf_target {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 2);
    const auto a = c.operand(0);
    const auto packed = c.result(0), tau = c.result(1);
    const batch_shape from = shape_of(a, "A", 2), to = shape_of(packed, "packed", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(packed, "packed", a, {from.rows, from.columns});
    require_dims(tau, "tau", a, {k});
    (void)shape_of(tau, "tau", 1);
    T* const factors = tau.template data<T>().data();
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(packed.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      if (k == 0) continue;
      if (const int info = geqrf(m, factors + b * k)) return outcome("geqrf", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct orgqr_target {
  static absl::Status run(call_frame& c) {
    require_counts(c, 2, 1);
    const auto packed = c.operand(0), tau = c.operand(1);
    const auto q = c.result(0);
    const batch_shape from = shape_of(packed, "packed", 2), to = shape_of(q, "Q", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(tau, "tau", packed, {k});
    require_dims(q, "Q", packed, {from.rows, k});
    (void)shape_of(tau, "tau", 1);
    for (std::int64_t b = 0; b < from.count && k > 0; ++b) {
      matrix<T> m(q.template data<T>().data(), to, b);
      m.load(packed.template data<T>().data(), from, b);
      if (const int info = orgqr(m, k, tau.template data<T>().data() + b * k)) return outcome("orgqr", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct lu_target {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 2);
    const auto a = c.operand(0);
    const auto lu = c.result(0), pivots = c.result(1);
    const batch_shape from = shape_of(a, "A", 2), to = shape_of(lu, "LU", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(lu, "LU", a, {from.rows, from.columns});
    require_dims(pivots, "pivots", a, {k});
    (void)shape_of(pivots, "pivots", 1);
    std::int32_t* const swaps = pivots.template data<std::int32_t>().data();
    for (std::int64_t b = 0; b < from.count; ++b) {
      matrix<T> m(lu.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      if (k == 0) continue;
      if (const int info = getrf(m, swaps + b * k)) return outcome("lu", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct svd_target {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 3);
    const auto a = c.operand(0);
    const auto u = c.result(0), s = c.result(1), vt = c.result(2);
    const batch_shape from = shape_of(a, "A", 2), left = shape_of(u, "U", 2), right = shape_of(vt, "Vt", 2);
    const int k = std::min(from.rows, from.columns);
    require_dims(u, "U", a, {from.rows, k});
    require_dims(s, "S", a, {k});
    require_dims(vt, "Vt", a, {k, from.columns});
    (void)shape_of(s, "S", 1);
    batch_shape scratch = from;  // gesdd destroys what it factors
    scratch.column_major = true;
    std::vector<T> copy(from.elements());
    for (std::int64_t b = 0; b < from.count && k > 0; ++b) {
      matrix<T> m(copy.data(), scratch, 0);
      m.load(a.template data<T>().data(), from, b);
      matrix<T> mu(u.template data<T>().data(), left, b), mvt(vt.template data<T>().data(), right, b);
      if (const int info = gesdd('S', m, s.template data<T>().data() + b * k, mu, mvt))
        return outcome("svd", info);
      mu.store();
      mvt.store();
    }
    return absl::OkStatus();
  }
};

template <class T>
struct eigh_target {
  static absl::Status run(call_frame& c) {
    require_counts(c, 1, 2);
    const auto a = c.operand(0);
    const auto v = c.result(0), w = c.result(1);
    const batch_shape from = shape_of(a, "A", 2), to = shape_of(v, "V", 2);
    if (from.rows != from.columns)
      return absl::InvalidArgumentError("eigh requires a square matrix, got " + to_string(a.type()));
    require_dims(v, "V", a, {from.rows, from.rows});
    require_dims(w, "W", a, {from.rows});
    (void)shape_of(w, "W", 1);
    T* const values = w.template data<T>().data();
    for (std::int64_t b = 0; b < from.count && from.rows > 0; ++b) {
      matrix<T> m(v.template data<T>().data(), to, b);
      m.load(a.template data<T>().data(), from, b);
      if (const int info = syevd('V', 'L', m, values + b * from.rows)) return outcome("eigh", info);
      m.store();
    }
    return absl::OkStatus();
  }
};

}  // namespace

void register_targets() {
  kernel_registry& registry = kernel_registry::instance();
  registry.add_call("geqrf", by_type<geqrf_target>());
  registry.add_call("orgqr", by_type<orgqr_target>());
  registry.add_call("lu", by_type<lu_target>());
  registry.add_call("svd", by_type<svd_target>());
  registry.add_call("eigh", by_type<eigh_target>());
  register_jax_targets(registry);
}

}  // namespace wherry::lapack
