"""A program that links the runtime alone trains from artifacts, and refuses those that it cannot run."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests/cli"))
from command import CommandTest

AHEAD_OF_TIME = os.environ["AHEAD_OF_TIME"]
SOURCE = str(ROOT / "examples/ahead_of_time.mlir")


class AheadOfTime(CommandTest):
    def train(self, program, path, code=0):
        done = subprocess.run([program, path], capture_output=True, text=True, timeout=120)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def artifact(self, *options):
        path = self.path("step.wherry")
        self.wherry("compile", SOURCE, "-o", path, *options)
        return path

    def test_the_losses_fall_and_are_those_of_the_compiled_program_bit_for_bit(self):
        losses = self.train(AHEAD_OF_TIME, self.artifact())
        self.assertEqual(losses.count("loss"), 11)
        self.assertEqual(self.train(os.environ["COMPILING"], SOURCE), losses)

    def test_it_trains_with_code_for_older_processors_and_with_opencl_c(self):
        for options in (["--cpu", "x86-64-v3"], ["--codegen", "opencl"]):
            self.assertEqual(self.train(AHEAD_OF_TIME, self.artifact(*options)).count("loss"), 11)

    def test_nothing_of_mlir_or_llvm_is_linked(self):
        libraries = subprocess.run(["ldd", AHEAD_OF_TIME], capture_output=True, text=True, check=True).stdout
        self.assertIn("libOpenCL", libraries)
        self.assertNotRegex(libraries, "MLIR|LLVM")
        symbols = subprocess.run(["nm", AHEAD_OF_TIME], capture_output=True, text=True, check=True).stdout
        self.assertIn("native_walker", symbols)
        self.assertIsNone(re.search("4mlir|4llvm|gemm_f32", symbols))

    def test_source_programs_are_refused_with_what_to_link(self):
        self.assertIn("link wherry::compiler or load an artifact", self.train(AHEAD_OF_TIME, SOURCE, code=3))

    def test_damaged_artifacts_are_refused(self):
        path = pathlib.Path(self.artifact())
        whole = path.read_bytes()
        step = max(1, len(whole) // 40)
        for at in range(0, len(whole), step):
            path.write_bytes(whole[:at])
            self.assertIn("damaged plan" if at >= 8 else "ahead_of_time: ", self.train(AHEAD_OF_TIME, path, code=3))
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x10]) + whole[at + 1 :])
            self.train(AHEAD_OF_TIME, path, code=3)


if __name__ == "__main__":
    unittest.main()
