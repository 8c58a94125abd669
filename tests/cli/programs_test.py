"""Whole programs of the shared data: their results through both exits, within the tolerances of their files.

Exits with 77, which CTest counts as skipped, where the shared data is absent.
"""

import os
import sys
import unittest

from command import CommandTest

FOLDER = os.path.join(os.environ.get("WHERRY_SHARED", "../shared"), "programs")
NAMES = """dot_general_forms einsum_batch f16_forward f64_rosenbrock fixed_point_vjp jacobi_poisson nmf_updates
raymarch_chain vit_patch_embed""".split()


class Programs(CommandTest):
    def run_all(self, *place):
        for name in NAMES:
            with self.subTest(name=name):
                stem = os.path.join(FOLDER, name)
                data = stem + ".safetensors"
                self.wherry("run", stem + ".mlir", "--input", data, "--expect", data, *place)

    def test_every_program_passes_as_native_code(self):
        self.run_all("--codegen", "native")

    def test_every_program_passes_as_opencl_c(self):
        self.run_all("--codegen", "opencl")


if __name__ == "__main__":
    if not os.path.isdir(FOLDER):
        print("skipped: the shared data is not there")
        sys.exit(77)
    unittest.main()
