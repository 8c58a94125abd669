"""Portable artifacts that JAX exports run like the text of the same program. Skipped where there is no JAX."""

import os
import sys
import unittest

from command import CommandTest, save

try:
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax
    import jax.numpy as jnp
    import numpy as np
    from jax import export, lax
    from jaxlib.mlir.dialects import stablehlo
except ImportError:
    sys.exit(77)

DTYPES = {"float32": "F32", "int32": "I32", "bool": "BOOL", "int8": "I8", "uint8": "U8"}


def scan(x):
    return lax.scan(lambda carry, row: (carry + row, carry * row), jnp.zeros(4), x)


def attention(q, k, v):
    return jax.nn.softmax(q @ k.T / 2, axis=-1) @ v


PROGRAMS = {
    "elementwise": (lambda x: jnp.exp(-x) * jnp.tanh(x) + jnp.where(x > 0, x, x * x), [(6, 4)]),
    "reductions": (lambda x: (x.sum(0), x.max(1), jnp.argmax(x, 1), x.mean()), [(6, 4)]),
    "indexing": (lambda x: (x[1:5:2], x[jnp.array([0, 3, 1])], x.at[2].set(0.0), x.at[:, 1].add(1.0)), [(6, 4)]),
    "attention": (attention, [(6, 4), (5, 4), (5, 3)]),
    "scan": (scan, [(6, 4)]),
    "while": (lambda x: lax.while_loop(lambda v: v.sum() < 100, lambda v: v * 2 + 1, x), [(3,)]),
    "cond": (lambda x: lax.cond(x.sum() > 0, lambda v: v + 1, lambda v: v - 1, x), [(3,)]),
    "switch": (lambda x: lax.switch(jnp.int32(2), [lambda v: v, lambda v: v * 2, lambda v: v * 3], x), [(3,)]),
    "einsum": (lambda a, b: jnp.einsum("bij,bjk->bik", a, b), [(2, 3, 4), (2, 4, 5)]),
    "movement": (lambda x: (jnp.pad(x, 1), jnp.flip(x, 0), jnp.concatenate([x, x], 1), x.T, jnp.roll(x, 1)), [(6, 4)]),
    "booleans": (lambda x: (x > 0, jnp.logical_not(x > 0), (x > 0).sum(), jnp.any(x > 2, 1)), [(6, 4)]),
    "integers": (lambda x: (x.astype(jnp.int32) // 3, x.astype(jnp.int8), x.astype(jnp.int32) << 2), [(6, 4)]),
    "gradient": (jax.grad(lambda w, x: (jnp.tanh(x @ w) ** 2).sum()), [(4, 3), (6, 4)]),
    "vmap": (jax.vmap(lambda a, b: jnp.dot(a, b)), [(6, 4), (6, 4)]),
    "constants": (lambda x: x + jnp.asarray(np.arange(24, dtype=np.float32).reshape(6, 4)), [(6, 4)]),
}


class Artifacts(CommandTest):
    def compare(self, bytecode, text, function, arguments):
        with open(self.path("p.mlirbc"), "wb") as file:
            file.write(bytecode)
        save(
            self.path("in.safetensors"),
            {f"arg{k}": (DTYPES[str(a.dtype)], list(a.shape), a.flatten().tolist()) for k, a in enumerate(arguments)},
        )
        want = [np.asarray(x) for x in jax.tree_util.tree_leaves(jax.jit(function)(*arguments))]
        save(
            self.path("want.safetensors"),
            {f"out{k}": (DTYPES[str(a.dtype)], list(a.shape), a.flatten().tolist()) for k, a in enumerate(want)},
        )
        close = ["--input", self.path("in.safetensors"), "--expect", self.path("want.safetensors"), "--atol", "1e-5", "--rtol", "1e-5"]
        self.wherry("run", self.path("p.mlirbc"), *close)
        shown = ["--input", self.path("in.safetensors")]
        if text is not None:
            as_text, _ = self.wherry("run", self.write("p.mlir", text), *shown)
            self.assertEqual(self.wherry("run", self.path("p.mlirbc"), *shown)[0], as_text)

    def test_every_program_means_the_same_as_its_text(self):
        for name, (function, shapes) in PROGRAMS.items():
            with self.subTest(name):
                random = np.random.default_rng(7)
                arguments = [random.standard_normal(shape, dtype=np.float32) for shape in shapes]
                exported = export.export(jax.jit(function))(*arguments)
                self.compare(exported.mlir_module_serialized, str(exported.mlir_module()), function, arguments)
                oldest = stablehlo.serialize_portable_artifact_str(str(exported.mlir_module()), "1.0.0")
                self.compare(oldest, None, function, arguments)

    def test_symbolic_shapes_are_compiled_for_the_arguments(self):
        def function(x, y):
            n = x.shape[0]
            return jnp.concatenate([x, y[: n // 2]]) * n, jnp.arange(2 * n, dtype=jnp.float32).reshape(n, 2) + jnp.ones((n, 1)), x.reshape(-1)

        scope = export.SymbolicScope()
        x, y = export.symbolic_args_specs((jnp.zeros((4, 3)), jnp.zeros((5, 3))), ("n, 3", "m, 3"), scope=scope)
        exported = export.export(jax.jit(function))(x, y)
        for n, m in ((4, 5), (7, 9)):
            random = np.random.default_rng(n)
            arguments = [random.standard_normal((k, 3), dtype=np.float32) for k in (n, m)]
            self.compare(exported.mlir_module_serialized, str(exported.mlir_module()), function, arguments)


if __name__ == "__main__":
    unittest.main()
