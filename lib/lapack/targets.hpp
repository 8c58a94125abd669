// targets.hpp: linear algebra as targets of custom calls.
//
//   geqrf(A)          -> (packed, tau)    Householder's factors of an m x n matrix, k = min(m, n) reflections
//   orgqr(packed, tau) -> Q               the m x k matrix with orthonormal columns that they stand for
//   lu(A)             -> (LU, pivots)     L below the diagonal, ones on it left out; pivots i32, from 1
//   svd(A)            -> (U, S, Vt)       thin: m x k, k, k x n
//   eigh(A)           -> (V, W)           of a symmetric matrix, by its lower triangle; W ascends
//
// f32 and f64; matrices row-major or column-major; leading dimensions count matrices. What LAPACK reports as
// failed becomes the error of the execution: `lu failed with info = 3`.
//
// `lapack_sgeqrf_ffi` and its kin are the calls that JAX writes for CPUs: geqrf, orgqr, getrf, gesdd, syevd,
// potrf and trsm, with s and d. They hand `info` to the program instead.
//
// Threads: any.
#pragma once

namespace wherry::lapack {

/// Registers the targets; names that are taken stay as they are. Linking wherry::lapack has done it already.
void register_targets();

}  // namespace wherry::lapack
