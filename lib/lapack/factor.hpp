// factor.hpp: the factorizations, of one matrix, with LAPACK's workspaces.
//
// Each returns LAPACK's `info`: 0, or what went wrong.
//
// Threads: any, on different matrices.
#pragma once

#include "library.hpp"
#include "matrix.hpp"

namespace wherry::lapack {

inline constexpr int columns_first = 102;  // LAPACK_COL_MAJOR

/// Runs `routine(work, lwork)`, after having asked it for the length of its workspace.
template <class T, class Routine>
int with_workspace(Routine&& routine) {
  T length{};
  if (const int info = routine(&length, -1)) return info;
  // A length above 2^24 may have been rounded down on its way through a float.
  const int needed = std::max(1, static_cast<int>(static_cast<double>(length) * (1 + 1e-6)) + 1);
  std::vector<T> work(static_cast<std::size_t>(needed));
  return routine(work.data(), needed);
}

template <class T>
int geqrf(matrix<T>& a, T* tau) {
  return with_workspace<T>([&](T* work, int lwork) {
    return library<T>().geqrf(columns_first, a.rows(), a.columns(), a.data(), a.leading(), tau, work, lwork);
  });
}

/// `count` is the number of reflections in `a`.
template <class T>
int orgqr(matrix<T>& a, int count, const T* tau) {
  return with_workspace<T>([&](T* work, int lwork) {
    return library<T>().orgqr(columns_first, a.rows(), a.columns(), count, a.data(), a.leading(), tau, work,
                              lwork);
  });
}

template <class T>
int getrf(matrix<T>& a, int* pivots) {
  return library<T>().getrf(columns_first, a.rows(), a.columns(), a.data(), a.leading(), pivots);
}

template <class T>
int potrf(char triangle, matrix<T>& a) {
  return library<T>().potrf(columns_first, triangle, a.rows(), a.data(), a.leading());
}

/// Destroys `a`. `job` is 'S' (thin), 'A' (whole) or 'N' (singular values only).
template <class T>
int gesdd(char job, matrix<T>& a, T* s, matrix<T>& u, matrix<T>& vt) {
  std::vector<int> iwork(8 * static_cast<std::size_t>(std::max(1, std::min(a.rows(), a.columns()))));
  return with_workspace<T>([&](T* work, int lwork) {
    return library<T>().gesdd(columns_first, job, a.rows(), a.columns(), a.data(), a.leading(), s, u.data(),
                              u.leading(), vt.data(), vt.leading(), work, lwork, iwork.data());
  });
}

/// Leaves the eigenvectors in `a` (`job` 'V'); reads one triangle of it.
template <class T>
int syevd(char job, char triangle, matrix<T>& a, T* w) {
  int liwork = 0;
  T length{};
  if (const int info = library<T>().syevd(columns_first, job, triangle, a.rows(), a.data(), a.leading(), w,
                                          &length, -1, &liwork, -1))
    return info;
  std::vector<int> iwork(static_cast<std::size_t>(std::max(1, liwork)));
  std::vector<T> work(static_cast<std::size_t>(static_cast<double>(length) * (1 + 1e-6)) + 1);
  return library<T>().syevd(columns_first, job, triangle, a.rows(), a.data(), a.leading(), w, work.data(),
                            static_cast<int>(work.size()), iwork.data(), static_cast<int>(iwork.size()));
}

}  // namespace wherry::lapack
