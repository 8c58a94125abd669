// library.hpp: the routines of LAPACK that the targets use, from the library of the machine.
//
// `library()` loads liblapacke.so.3 (Debian: liblapacke) at its first call, whichever LAPACK the machine has
// chosen behind it. Matrices are column-major; the leading dimension is the number of rows. Every routine
// returns LAPACK's `info`.
//
// Threads: any.
#pragma once

#include <array>
#include <cstdint>

namespace wherry::lapack {

/// The routines for one element type, as LAPACKE declares them. `T` is float or double.
template <class T>
struct routines {
  int (*geqrf)(int layout, int m, int n, T* a, int lda, T* tau, T* work, int lwork);
  int (*orgqr)(int layout, int m, int n, int k, T* a, int lda, const T* tau, T* work, int lwork);
  int (*getrf)(int layout, int m, int n, T* a, int lda, int* pivots);
  int (*gesdd)(int layout, char job, int m, int n, T* a, int lda, T* s, T* u, int ldu, T* vt, int ldvt,
               T* work, int lwork, int* iwork);
  int (*syevd)(int layout, char job, char uplo, int n, T* a, int lda, T* w, T* work, int lwork, int* iwork,
               int liwork);
  int (*potrf)(int layout, char uplo, int n, T* a, int lda);
  /// Of BLAS, in Fortran's way: everything by reference, the lengths of texts at the end.
  void (*trsm)(const char* side, const char* uplo, const char* trans, const char* diag, const int* m,
               const int* n, const T* alpha, const T* a, const int* lda, T* b, const int* ldb, std::size_t,
               std::size_t, std::size_t, std::size_t);
};

/// Returns the routines for `T`. Throws unimplemented if the library cannot be loaded.
template <class T>
const routines<T>& library();

}  // namespace wherry::lapack
