"""Writes docs/stablehlo.md: every operation of the dialects, its types, and how it runs.

  python3 tests/docs/stablehlo_table.py            # prints it
  python3 tests/docs/stablehlo_table.py --write    # writes docs/stablehlo.md

Operations and types come from the ODS files through mlir-tblgen, so none can be forgotten; what is said about an operation below
must name one that exists. documents_test.py checks that the page is this script's output.
"""
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "stablehlo.md"
TOOL = shutil.which("mlir-tblgen-22") or "/usr/lib/llvm-22/bin/mlir-tblgen"

HEAD = """# Operations

<!-- tests/docs/stablehlo_table.py writes this page. -->

Every operation of `stablehlo` and `chlo`, what its operands and results may be, and how it runs, natively and through OpenCL C
alike. Element types: booleans; integers of 2, 4, 8, 16, 32 and 64 bits, signed and unsigned; f16, bf16, f32, f64; the small
floats of 4, 6 and 8 bits (stored so, computed in f32); complex<f32> and complex<f64>; quantized integers. Sizes that are not
known become those of the call's arguments before anything below happens.

| runs as | |
|---|---|
| element | computed with its neighbours in one kernel, one element at a time or a vector of them |
| movement | an index map inside a kernel: nothing is copied unless somebody needs the result in memory |
| loop | a loop inside a kernel, fused with what it reads and with what reads it |
| kernel | a kernel, or several launches, of its own |
| control | a step of the plan: loops and branches run kernels, not the host's code |
| simpler | written as other operations of this page first |
| inlined | replaced by the body it names |
| vanishes | leaves no code |
| call | known to the compiler by its target's name |
| devices | talks to other devices: parsed and verified; compiling it is an error that names it |
"""

RUNS = {
    "movement": """reshape broadcast_in_dim slice transpose reverse pad concatenate iota dynamic_slice dynamic_update_slice gather
        dynamic_broadcast_in_dim dynamic_reshape dynamic_iota dynamic_pad dynamic_gather real_dynamic_slice""",
    "loop": "reduce reduce_window dot_general convolution dynamic_conv",
    "kernel": "scatter sort",
    "control": "while case return",
    "simpler": """batch_norm_grad batch_norm_inference batch_norm_training broadcast cholesky dot einsum fft if rng rng_bit_generator
        select_and_scatter torch_index_select triangular_solve unary_einsum uniform_quantize uniform_dequantize
        get_dimension_size set_dimension_size""",
    "inlined": "composite",
    "vanishes": "after_all create_token tuple get_tuple_element optimization_barrier constant",
    "call": "custom_call",
    "devices": """all_gather all_reduce all_to_all collective_broadcast collective_permute cross-replica-sum infeed outfeed send recv
        collective_reduce partition_id replica_id reduce_scatter async_start async_done""",
}
CHLO = {
    "simpler": """constant constant_like ragged_dot scan top_k broadcast_*""",
}
NOTES = {
    "stablehlo.custom_call": "the functions of chlo, `topk`, calls that only say where values are placed, and targets that are registered",
    "stablehlo.convolution": "large ones of f32 and f64 through prebuilt kernels",
    "stablehlo.dot_general": "large ones of f32 and f64 through prebuilt kernels",
    "stablehlo.reduce_window": "cumulative ones are scans",
    "stablehlo.sort": "always stable; merged in parallel",
    "stablehlo.rng": "Philox with a fixed key: every call of a program draws the same numbers",
    "stablehlo.while": "a counted loop never waits for its condition",
    "stablehlo.fft": "any length; primes above 127 by Bluestein's method",
    "stablehlo.uniform_quantize": "per tensor, per axis and per block (sub-channel types)",
    "chlo.scan": "a loop over slices; associative sums and products are cumulative reductions",
    "chlo.lgamma": "f64: absolute accuracy near the zeros left of 0",
    "chlo.digamma": "f64: absolute accuracy near the zeros left of 0",
}
SHORT = [(r"ranked tensor of ", ""), (r"variadic of ", "any number: "), (r"ranked tensor of", ""), (r" or quantized numbers", ", quantized"),
         (r" values$", ""), (r"booleans, integers, floats, complex, quantized", "any"), (r", floats or complex numbers", ", floats, complex")]


def short(description):
    for pattern, text in SHORT:
        description = re.sub(pattern, text, description)
    return description.strip().replace("|", "\\|")


def operations(file):
    """(name, operand types, result types) of every operation of an ODS file."""
    text = subprocess.run([TOOL, "-gen-op-doc", "-I", ROOT / "lib/stablehlo/include", "-I", "/usr/lib/llvm-22/include", ROOT / "lib/stablehlo/include/stablehlo" / file],
                          stdout=subprocess.PIPE, check=True, text=True).stdout
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        name = re.match(r"`([^`]+)`", part).group(1)
        types = []
        for head in "Operands", "Results":
            table = re.search(rf"^#### {head}:\n\n(?:\|.*\n)+", part, re.M)
            rows = re.findall(r"^\| [`&].*? \| (.*) \|$", table.group(0), re.M) if table else []
            types.append("; ".join(dict.fromkeys(short(row) for row in rows)) or "none")
        yield name, *types


def patterns(table, dialect):
    for runs, names in table.items():
        for name in names.split():
            yield f"{dialect}.{name}", runs


def page():
    known = {name: runs for dialect, table in (("stablehlo", RUNS), ("chlo", CHLO)) for name, runs in patterns(table, dialect)}
    used, lines = set(), [HEAD]
    for dialect, file in ("stablehlo", "Ops.td"), ("chlo", "Chlo.td"):
        lines.append(f"\n## {dialect}\n\n| operation | operands | results | runs as | |\n|---|---|---|---|---|\n")
        for name, operands, results in operations(file):
            if not name.startswith(dialect + "."):
                continue
            key = name if name in known else next((k for k in known if k.endswith("*") and name.startswith(k[:-1])), None)
            used.add(key)
            lines.append(f"| `{name}` | {operands} | {results} | {known.get(key, 'element')} | {NOTES.get(name, '')} |\n")
    unknown = (set(known) - used) | {n for n in NOTES if not any(f"`{n}`" in line for line in lines)}
    if unknown:
        sys.exit(f"these are no operations: {', '.join(sorted(unknown))}")
    return "".join(lines)


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(page())
    else:
        print(page(), end="")
