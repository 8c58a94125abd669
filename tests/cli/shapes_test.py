"""`wherry run` on programs whose arguments have unknown sizes: compiled for the sizes of the inputs."""

import unittest

from command import CommandTest, load, save

SUM = """func.func @main(%x: tensor<?x2xf32>) -> tensor<?x2xf32> {
  %n = stablehlo.get_dimension_size %x, dim = 0 : (tensor<?x2xf32>) -> tensor<i32>
  %n1 = stablehlo.reshape %n : (tensor<i32>) -> tensor<1xi32>
  %two = stablehlo.constant dense<2> : tensor<1xi32>
  %shape = stablehlo.concatenate %n1, %two, dim = 0 : (tensor<1xi32>, tensor<1xi32>) -> tensor<2xi32>
  %i = stablehlo.dynamic_iota %shape, dim = 0 : (tensor<2xi32>) -> tensor<?x2xf32>
  %s = stablehlo.add %i, %x : tensor<?x2xf32>
  return %s : tensor<?x2xf32>
}
"""
RANGE = """func.func @main(%n: tensor<i64>, %x: tensor<f32>) -> tensor<?xf32> {
  %n1 = stablehlo.reshape %n : (tensor<i64>) -> tensor<1xi64>
  %i = stablehlo.dynamic_iota %n1, dim = 0 : (tensor<1xi64>) -> tensor<?xf32>
  %b = stablehlo.dynamic_broadcast_in_dim %x, %n1, dims = [] : (tensor<f32>, tensor<1xi64>) -> tensor<?xf32>
  %s = stablehlo.multiply %i, %b : tensor<?xf32>
  return %s : tensor<?xf32>
}
"""


class Shapes(CommandTest):
    def run_on(self, program, tensors, expect=0, *options):
        save(self.path("in.safetensors"), tensors)
        return self.wherry("run", program, "--input", self.path("in.safetensors"), *options, expect=expect)

    def test_the_sizes_come_from_the_inputs(self):
        program = self.write("sum.mlir", SUM)
        for _ in range(2):  # the second time from the cache
            out, _ = self.run_on(program, {"arg0": ("F32", [3, 2], [0.5] * 6)})
            self.assertEqual(out, "out0: tensor<3x2xf32> = dense<[[0.5, 0.5], [1.5, 1.5], [2.5, 2.5]]>\n")
            out, _ = self.run_on(program, {"arg0": ("F32", [1, 2], [1, 2])}, 0, "--codegen", "opencl")
            self.assertEqual(out, "out0: tensor<1x2xf32> = dense<[[1.0, 2.0]]>\n")

    def test_an_argument_that_is_a_size_is_read(self):
        program = self.write("range.mlir", RANGE)
        for n in 4, 2:
            self.run_on(program, {"arg0": ("I64", [], [n]), "arg1": ("F32", [], [3])}, 0, "--output", self.path("out"))
            self.assertEqual(load(self.path("out"))[0], {"out0": ("F32", [n], [3.0 * i for i in range(n)])})

    def test_sizes_that_do_not_fit_are_bad_input(self):
        program = self.write("sum.mlir", SUM)
        _, problem = self.run_on(program, {"arg0": ("F32", [3, 3], [0] * 9)}, 2)
        self.assertIn("arg0: expected tensor<3x2xf32>, the file has tensor<3x3xf32>", problem)
        _, problem = self.run_on(program, {"arg0": ("F32", [6], [0] * 6)}, 2)
        self.assertIn("arg0: expected tensor<?x2xf32>, the file has tensor<6xf32>", problem)
        program = self.write("range.mlir", RANGE)
        _, problem = self.run_on(program, {"arg0": ("I64", [], [-1]), "arg1": ("F32", [], [3])}, 2)
        self.assertRegex(problem, r"range.mlir:3:\d+: error: stablehlo.dynamic_iota is given the size -1")


if __name__ == "__main__":
    unittest.main()
