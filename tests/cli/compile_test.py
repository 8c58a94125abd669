"""`wherry compile`: artifacts and stages."""

import json
import os
import unittest

from command import CommandTest, load, save

ADD = """func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
  %0 = stablehlo.add %a, %b : tensor<2xf32>
  %1 = stablehlo.tanh %0 : tensor<2xf32>
  return %1 : tensor<2xf32>
}
"""
PRODUCT = """func.func @main(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}
"""
OPEN = """func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %0 = stablehlo.add %x, %x : tensor<?x2xf32>
  return %0 : tensor<?x2xf32>
}
"""


class Compile(CommandTest):
    def setUp(self):
        super().setUp()
        self.add = self.write("add.mlir", ADD)
        self.artifact = self.path("add.wherry")
        self.inputs = self.path("in.safetensors")
        save(self.inputs, {"arg0": ("F32", [2], [1, 2]), "arg1": ("F32", [2], [-1, 0.5])})

    def results(self, program, *options):
        output = self.path("out.safetensors")
        self.wherry("run", program, "--input", self.inputs, "--output", output, *options)
        return load(output)[0]

    def test_an_artifact_gives_the_bits_that_its_source_gives(self):
        for codegen in "native", "opencl":
            self.wherry("compile", self.add, "-o", self.artifact, "--codegen", codegen)
            self.assertEqual(self.results(self.artifact), self.results(self.add, "--codegen", codegen))

    def test_an_artifact_is_refused_where_its_code_does_not_run(self):
        self.wherry("compile", self.add, "-o", self.artifact)
        _, err = self.wherry("run", self.artifact, "--input", self.inputs, "--codegen", "opencl", expect=2)
        self.assertRegex(err, "holds native code for cpu devices .*cpu:0 was asked to run OpenCL C")

    def test_artifacts_for_opencl_devices_run_there_and_on_the_cpu(self):
        devices = [d["name"] for d in json.loads(self.wherry("devices", "--json")[0])]
        if "opencl:0" not in devices:
            self.skipTest("no OpenCL device but the CPU")
        same = self.write("same.mlir", "func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {\n  return %a : tensor<2xf32>\n}\n")
        wide = self.write("wide.mlir", ADD.replace("f32", "f64"))
        for source, kind in (same, "F32"), (self.add, "F32"), (wide, "F64"):
            save(self.inputs, {"arg0": (kind, [2], [1, 2]), "arg1": (kind, [2], [-1, 0.5])})
            self.wherry("compile", source, "-o", self.artifact, "--device", "opencl:0")
            wanted = self.results(source, "--device", "opencl:0")
            self.assertEqual(self.results(self.artifact, "--device", "opencl:0"), wanted)
            self.assertEqual(self.results(self.artifact), wanted)
            _, err = self.wherry("run", self.artifact, "--input", self.inputs, "--codegen", "native", expect=2)
            self.assertRegex(err, r"holds OpenCL C( \(fp64\))?; cpu:0 was asked to run native code")
            self.wherry("compile", source, "-o", self.artifact)
            _, err = self.wherry("run", self.artifact, "--input", self.inputs, "--device", "opencl:0", expect=2)
            self.assertRegex(err, "holds native code for cpu devices.*; opencl:0 was asked to run OpenCL C")

    def test_artifacts_have_copies_of_the_prebuilt_kernels_they_use(self):
        product = self.write("product.mlir", PRODUCT)
        linked, _ = self.wherry("compile", product, "--emit", "plan")
        self.assertIn(" prebuilt\n", linked)
        self.wherry("compile", product, "-o", self.artifact)
        whole, _ = self.wherry("compile", self.artifact, "--emit", "plan")
        self.assertNotIn(" prebuilt\n", whole)
        numbers = [k % 7 - 3 for k in range(64 * 64)]
        save(self.inputs, {"arg0": ("F32", [64, 64], numbers), "arg1": ("F32", [64, 64], numbers[::-1])})
        self.assertEqual(self.results(self.artifact), self.results(product))

    def test_an_artifact_shows_what_it_holds(self):
        self.wherry("compile", self.add, "-o", self.artifact, "--codegen", "opencl")
        source, _ = self.wherry("compile", self.add, "--emit", "opencl")
        self.assertEqual(self.wherry("compile", self.artifact, "--emit", "opencl")[0], source)
        again = self.path("again.wherry")
        self.wherry("compile", self.artifact, "-o", again)
        with open(self.artifact, "rb") as one, open(again, "rb") as two:
            self.assertEqual(one.read(), two.read())
        _, err = self.wherry("compile", self.artifact, "--emit", "llvm", expect=2)
        self.assertIn("an artifact with OpenCL C has no stage 'llvm': it shows plan and opencl", err)

    def test_damaged_artifacts_are_refused(self):
        self.wherry("compile", self.add, "-o", self.artifact)
        with open(self.artifact, "rb") as file:
            whole = file.read()
        for damaged in whole[: len(whole) // 2], whole[:-1], whole[:60] + bytes([whole[60] ^ 1]) + whole[61:]:
            with open(self.artifact, "wb") as file:
                file.write(damaged)
            self.wherry("run", self.artifact, "--input", self.inputs, expect=2)

    def test_every_stage_is_text_that_names_what_it_shows(self):
        for stage, sign in {
            "stablehlo": "stablehlo.tanh",
            "clusters": "stablehlo.add",
            "kernels": "wherry.units",
            "llvm": "define ",
            "opencl": "__kernel void",
            "plan": "launch",
        }.items():
            out, _ = self.wherry("compile", self.add, "--emit", stage)
            self.assertIn(sign, out, stage)
            self.wherry("compile", self.add, "--emit", stage, "-o", self.path("stage.txt"))
            with open(self.path("stage.txt")) as file:
                self.assertEqual(file.read(), out)

    def test_code_for_another_cpu_says_which(self):
        plain, _ = self.wherry("compile", self.add, "--emit", "plan", "--cpu", "x86-64-v3")
        self.assertIn("\ncode native x86-64-v3\n", plain)

    def test_open_sizes_are_named_by_shapes(self):
        program = self.write("open.mlir", OPEN)
        out, _ = self.wherry("compile", program, "--emit", "stablehlo", "--shapes", "tensor<3x2xf32>")
        self.assertIn("tensor<3x2xf32>", out)
        self.wherry("compile", program, "-o", self.artifact, "--shapes", "tensor<1x2xf32>")
        save(self.inputs, {"arg0": ("F32", [1, 2], [1, 2])})
        self.assertEqual(self.results(self.artifact), {"out0": ("F32", [1, 2], [2.0, 4.0])})
        _, err = self.wherry("compile", program, "-o", self.artifact, expect=2)
        self.assertIn("--shapes", err)

    def test_bad_usage_is_refused(self):
        for arguments in [
            [],
            ["--emit", "artifact"],
            ["--emit", "other"],
            ["--emit", "plan", "--shapes", "tensor<2xf32"],
            ["--emit", "plan", "--shapes", "tensor<2xf33>"],
            ["--emit", "plan", "--shapes", "tensor<3xf32>,tensor<2xf32>"],
            ["--emit", "plan", "--shapes", "tensor<2xf32>"],
            ["--emit", "plan", "--cpu", "pentium"],
        ]:
            self.wherry("compile", self.add, *arguments, expect=2)
        self.assertFalse(os.path.exists(self.artifact))


if __name__ == "__main__":
    unittest.main()
