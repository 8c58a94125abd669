"""`wherry run`: inputs, results, comparisons, exit codes."""

import math
import os
import resource
import struct
import unittest

from command import CommandTest, load, save

ADD = """func.func @main(%a: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2xf32> {
  %0 = stablehlo.add %a, %b : tensor<2xf32>
  return %0 : tensor<2xf32>
}
"""
CONSTANTS = """func.func @main() -> (tensor<2x2xf32>, tensor<i32>, tensor<2xi1>) {
  %0 = stablehlo.constant dense<[[1.0, 2.5], [0x7FC00000, 0xFF800000]]> : tensor<2x2xf32>
  %1 = stablehlo.constant dense<-7> : tensor<i32>
  %2 = stablehlo.constant dense<[true, false]> : tensor<2xi1>
  return %0, %1, %2 : tensor<2x2xf32>, tensor<i32>, tensor<2xi1>
}
"""
CALL = """func.func @main() -> tensor<f32> {
  %0 = stablehlo.custom_call @nobody.knows() : () -> tensor<f32>
  return %0 : tensor<f32>
}
"""
PRINT = """func.func @main() -> tensor<2xf32> {
  %a = stablehlo.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  stablehlo.custom_call @print_tensor(%a) {has_side_effect = true, api_version = 4 : i32,
      backend_config = {print_header = "before"}} : (tensor<1x2xf32>) -> ()
  %b = stablehlo.reshape %a : (tensor<1x2xf32>) -> tensor<2xf32>
  %c = stablehlo.add %b, %b : tensor<2xf32>
  stablehlo.custom_call @print_tensor(%c) {has_side_effect = true, api_version = 4 : i32,
      backend_config = {print_header = "", print_footer = ""}} : (tensor<2xf32>) -> ()
  return %c : tensor<2xf32>
}
"""
LU = """func.func @main(%a: tensor<2x2xf64>) -> tensor<2x2xf64> {
  %0:2 = stablehlo.custom_call @lu(%a) : (tensor<2x2xf64>) -> (tensor<2x2xf64>, tensor<2xi32>)
  return %0#0 : tensor<2x2xf64>
}
"""
QR = """func.func @main(%a: tensor<3x2xf64>) -> tensor<3x2xf64> {
  %0:2 = stablehlo.custom_call @geqrf(%a) {operand_layouts = [dense<[0, 1]> : tensor<2xindex>],
      result_layouts = [dense<[0, 1]> : tensor<2xindex>, dense<0> : tensor<1xindex>]}
      : (tensor<3x2xf64>) -> (tensor<3x2xf64>, tensor<2xf64>)
  %q = stablehlo.custom_call @orgqr(%0#0, %0#1) : (tensor<3x2xf64>, tensor<2xf64>) -> tensor<3x2xf64>
  %top = stablehlo.slice %0#0 [0:2, 0:2] : (tensor<3x2xf64>) -> tensor<2x2xf64>
  %i = stablehlo.iota dim = 0 : tensor<2x2xi32>
  %j = stablehlo.iota dim = 1 : tensor<2x2xi32>
  %p = stablehlo.compare LE, %i, %j : (tensor<2x2xi32>, tensor<2x2xi32>) -> tensor<2x2xi1>
  %z = stablehlo.constant dense<0.0> : tensor<2x2xf64>
  %r = stablehlo.select %p, %top, %z : tensor<2x2xi1>, tensor<2x2xf64>
  %b = stablehlo.dot_general %q, %r, contracting_dims = [1] x [0]
      : (tensor<3x2xf64>, tensor<2x2xf64>) -> tensor<3x2xf64>
  return %b : tensor<3x2xf64>
}
"""


class Run(CommandTest):
    def setUp(self):
        super().setUp()
        self.add = self.write("add.mlir", ADD)
        self.inputs = self.path("in.safetensors")
        save(self.inputs, {"arg0": ("F32", [2], [1, 2]), "arg1": ("F32", [2], [10, 20.5])})

    def expectation(self, values, dtype="F32", shape=None, metadata=None, name="out0"):
        path = self.path("want.safetensors")
        save(path, {name: (dtype, [2] if shape is None else shape, values), "other": ("I8", [1], [1])}, metadata)
        return path

    def test_results_are_printed_as_literals(self):
        out, _ = self.wherry("run", self.write("constants.mlir", CONSTANTS))
        self.assertEqual(
            out,
            "out0: tensor<2x2xf32> = dense<[[1.0, 2.5], [0x7FC00000, 0xFF800000]]>\n"
            "out1: tensor<i32> = dense<-7>\n"
            "out2: tensor<2xi1> = dense<[true, false]>\n",
        )

    def test_arguments_come_from_the_input_file_on_every_exit(self):
        for place in [], ["--codegen", "opencl"], ["--codegen", "native"], ["--device", "cpu:0"]:
            out, _ = self.wherry("run", self.add, "--input", self.inputs, *place)
            self.assertEqual(out, "out0: tensor<2xf32> = dense<[11.0, 22.5]>\n")

    def test_a_custom_call_that_nobody_registered_is_bad_input_with_its_target_and_line(self):
        program = self.write("call.mlir", CALL)
        for place in [], ["--codegen", "opencl"]:
            out, problem = self.wherry("run", program, *place, expect=2)
            self.assertEqual(out, "")
            self.assertRegex(problem, r'custom call "nobody.knows" \(line 2\) is not registered; registered: .*geqrf')
        artifact = self.path("call.wherry")
        self.wherry("compile", program, "-o", artifact)
        _, problem = self.wherry("run", artifact, expect=2)
        self.assertIn("is not registered", problem)

    def test_custom_calls_of_linear_algebra_give_the_matrix_back(self):
        program = self.write("qr.mlir", QR)
        values = [1.5, -2, 0.25, 4, 3, -1]
        save(self.inputs, {"arg0": ("F64", [3, 2], values)})
        for place in [], ["--codegen", "opencl"]:
            want = self.expectation(values, "F64", [3, 2])
            self.wherry("run", program, "--input", self.inputs, "--expect", want, "--atol", "1e-10", *place)

    def test_print_tensor_prints_while_the_program_runs(self):
        out, _ = self.wherry("run", self.write("print.mlir", PRINT))
        self.assertEqual(out, "before \n 1 2\n[ f32{1,2} ] \n 2\n 4\nout0: tensor<2xf32> = dense<[2.0, 4.0]>\n")

    def test_what_a_custom_call_refuses_is_an_error_of_the_run(self):
        program = self.write("lu.mlir", LU)
        save(self.inputs, {"arg0": ("F64", [2, 2], [1, 2, 2, 4])})
        _, problem = self.wherry("run", program, "--input", self.inputs, expect=3)
        self.assertRegex(problem, r'while running: .*custom call "lu" \(line 2\): lu failed with info = 2')

    def test_output_is_saved_and_nothing_else_appears(self):
        output = self.path("out.safetensors")
        before = set(os.listdir(self.folder)) | {"out.safetensors", "cache"}
        out, _ = self.wherry("run", self.add, "--input", self.inputs, "--output", output)
        self.assertEqual(out, "")
        self.assertEqual(load(output)[0], {"out0": ("F32", [2], [11.0, 22.5])})
        self.assertLessEqual(set(os.listdir(self.folder)), before)

    def test_small_integers_and_wide_complex_numbers_travel_as_other_types(self):
        program = self.write(
            "types.mlir",
            """func.func @main(%a: tensor<3xi4>, %b: tensor<1xcomplex<f64>>) -> (tensor<3xi4>, tensor<1xcomplex<f64>>) {
              return %a, %b : tensor<3xi4>, tensor<1xcomplex<f64>>
            }""",
        )
        save(self.inputs, {"arg0": ("I8", [3], [-8, 0, 7]), "arg1": ("F64", [1, 2], [1, -2])})
        output = self.path("out.safetensors")
        self.wherry("run", program, "--input", self.inputs, "--output", output)
        self.assertEqual(load(output)[0], {"out0": ("I8", [3], [-8, 0, 7]), "out1": ("F64", [1, 2], [1.0, -2.0])})
        save(self.inputs, {"arg0": ("I8", [3], [-8, 0, 8]), "arg1": ("F64", [1, 2], [1, -2])})
        _, problem = self.wherry("run", program, "--input", self.inputs, expect=2)
        self.assertIn("arg0: element [2] is 8, which i4 cannot hold", problem)

    def test_expected_results_pass_within_the_tolerance_only(self):
        run = ["run", self.add, "--input", self.inputs, "--expect"]
        out, _ = self.wherry(*run, self.expectation([11, 22.5]))
        self.assertIn("out0: ok", out)
        out, _ = self.wherry(*run, self.expectation([11, 22]), expect=1)
        self.assertIn("out0: FAIL", out)
        self.assertIn("element [1]: got 22.5, want 22.0", out)
        self.wherry(*run, self.expectation([11, 22]), "--atol", "0.5")
        self.wherry(*run, self.expectation([11, 22]), "--rtol", "0.03")
        self.wherry(*run, self.expectation([11, 22]), "--rtol", "0.01", expect=1)

    def test_tolerances_come_from_the_flags_before_the_metadata(self):
        run = ["run", self.add, "--input", self.inputs, "--expect"]
        self.wherry(*run, self.expectation([11, 22], metadata={"atol": "0.5"}))
        self.wherry(*run, self.expectation([11, 22], metadata={"atol": "0.5"}), "--atol", "0", expect=1)
        _, problem = self.wherry(*run, self.expectation([11, 22], metadata={"rtol": "much"}), expect=2)
        self.assertIn("'rtol' is 'much'", problem)

    def test_nan_equals_nan(self):
        save(self.inputs, {"arg0": ("F32", [2], [math.nan, math.inf]), "arg1": ("F32", [2], [1, 1])})
        run = ["run", self.add, "--input", self.inputs, "--expect"]
        self.wherry(*run, self.expectation([math.nan, math.inf]))
        self.wherry(*run, self.expectation([math.nan, 1]), "--atol", "1e30", expect=1)
        self.wherry(*run, self.expectation([1, math.inf]), "--atol", "1e30", expect=1)

    def test_a_missing_result_or_another_type_or_shape_fails(self):
        run = ["run", self.add, "--input", self.inputs, "--expect"]
        for wrong in (
            self.expectation([11, 22.5], name="out1"),
            self.expectation([11, 22.5], dtype="F64"),
            self.expectation([11, 22.5], shape=[1, 2]),
        ):
            out, _ = self.wherry(*run, wrong, "--atol", "1e30", expect=1)
            self.assertIn("out0: FAIL", out)

    def test_repeat_compares_every_run_and_prints_times(self):
        run = ["run", self.add, "--input", self.inputs, "--repeat", "5"]
        out, _ = self.wherry(*run)
        self.assertRegex(out, r"5 runs: median [0-9.]+ us, minimum [0-9.]+ us")
        out, _ = self.wherry(*run, "--expect", self.expectation([11, 22.5]))
        self.assertRegex(out, r"5 runs: median")
        self.wherry(*run, "--expect", self.expectation([11, 22]), expect=1)

    def test_donated_arguments_are_uploaded_afresh_for_every_run(self):
        program = self.write("donate.mlir", ADD.replace("%a: tensor<2xf32>", "%a: tensor<2xf32> {tf.aliasing_output = 0 : i32}"))
        self.wherry("run", program, "--input", self.inputs, "--repeat", "4", "--expect", self.expectation([11, 22.5]))

    def test_the_entry_is_named_or_main_or_the_only_function(self):
        two = ADD + ADD.replace("@main", "@twice").replace("%a, %b", "%a, %a")
        out, _ = self.wherry("run", self.write("two.mlir", two), "--input", self.inputs)
        self.assertIn("11.0", out)
        out, _ = self.wherry("run", self.path("two.mlir"), "--input", self.inputs, "--function", "twice")
        self.assertIn("dense<[2.0, 4.0]>", out)
        _, problem = self.wherry("run", self.path("two.mlir"), "--function", "none", expect=2)
        self.assertIn(":1:1: error: there is no function 'none', there are 2: 'main', 'twice'", problem)
        self.wherry("run", self.write("only.mlir", ADD.replace("@main", "@f")), "--input", self.inputs)
        _, problem = self.wherry("run", self.write("both.mlir", two.replace("@main", "@once")), expect=2)
        self.assertIn(":1:1: error: there is no function 'main', and more than one other: 'once', 'twice'", problem)
        many = "".join(f"func.func @f{k}() {{ return }}\n" for k in range(100))
        _, problem = self.wherry("run", self.write("many.mlir", many), expect=2)
        self.assertTrue(problem.endswith("'f6', 'f7', ...\n"), problem)
        _, problem = self.wherry("run", self.write("empty.mlir", ""), expect=2)
        self.assertIn("empty.mlir:1:1: error: there is no function 'main', and no other", problem)

    def test_a_program_that_does_not_parse_is_reported_with_its_place(self):
        path = self.write("bad.mlir", "func.func @main() {\n  %0 = stablehlo.nothing\n}\n")
        _, problem = self.wherry("run", path, expect=2)
        self.assertRegex(problem, r"^" + path + r":2:\d+: error: ")

    def test_bad_input_is_named(self):
        run = ["run", self.add]
        _, problem = self.wherry(*run, expect=2)
        self.assertIn("takes 2 arguments", problem)
        save(self.inputs, {"arg0": ("F32", [2], [1, 2])})
        _, problem = self.wherry(*run, "--input", self.inputs, expect=2)
        self.assertIn(f"{self.inputs}: there is no tensor 'arg1'", problem)
        save(self.inputs, {"arg0": ("F32", [3], [1, 2, 3]), "arg1": ("F32", [2], [1, 2])})
        _, problem = self.wherry(*run, "--input", self.inputs, expect=2)
        self.assertIn("arg0: expected tensor<2xf32>, the file has tensor<3xf32>", problem)
        self.write("in.safetensors", "short")
        _, problem = self.wherry(*run, "--input", self.inputs, expect=2)
        self.assertIn(f"{self.inputs}: not a valid safetensors file, at byte 0", problem)
        self.wherry(*run, "--input", self.path("none"), expect=2)
        self.wherry("run", self.path("none.mlir"), expect=2)
        _, problem = self.wherry("run", self.folder, expect=2)
        self.assertEqual(problem, f"wherry: error: {self.folder}: cannot read: Is a directory\n")

    def test_unknown_devices_and_impossible_combinations_are_refused(self):
        run = ["run", self.add, "--input", self.inputs]
        _, problem = self.wherry(*run, "--device", "gpu:0", expect=2)
        self.assertIn("no device 'gpu:0'; expected cpu[:K] or opencl:K|TEXT; known: cpu:0\n", problem)
        self.wherry(*run, "--device", "opencl:no such device", expect=2)
        self.wherry(*run, "--codegen", "fortran", expect=2)
        for flag, value, expected in [
            ("--repeat", "0", "a whole number above 0"),
            ("--repeat", "many", "a whole number above 0"),
            ("--repeat", "2.5", "a whole number above 0"),
            ("--atol", "-1", "a number from 0"),
            ("--rtol", "nan", "a number from 0"),
        ]:
            _, problem = self.wherry(*run, flag, value, expect=2)
            self.assertIn(f"{flag}: expected {expected}, got '{value}'\n", problem)
        self.wherry(*run, "--rtol", "1e-3", "--atol", "0")

    def npy(self, name, dtype, shape, data):
        header = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data)
        return path

    def test_arguments_come_from_npy_files_in_their_order(self):
        a = self.npy("a.npy", "<f4", "(2,)", struct.pack("<2f", 1, 2))
        b = self.npy("b.npy", ">f4", "(2,)", struct.pack(">2f", 10, 20.5))
        expected = self.expectation([11, 22.5])
        self.wherry("run", self.add, "--input", a, "--input", b, "--expect", expected)
        self.wherry("run", self.add, "--input", b, "--input", a, "--expect", expected)
        _, problem = self.wherry("run", self.add, "--input", a, expect=2)
        self.assertIn("arg1", problem)
        wrong = self.npy("c.npy", "<i4", "(2,)", bytes(8))
        _, problem = self.wherry("run", self.add, "--input", a, "--input", wrong, expect=2)
        self.assertIn("c.npy: arg1: expected tensor<2xf32>, the file has tensor<2xi32>", problem)
        _, problem = self.wherry("run", self.add, "--input", a, "--input", b, "--input", a, expect=2)
        self.assertIn("a.npy: there is no argument 2 for it: the program takes 2 arguments", problem)
        _, problem = self.wherry("run", self.add, "--input", self.write("d.npy", ""), expect=2)
        self.assertIn("d.npy: not a valid .npy file", problem)

    def test_an_argument_that_two_files_have_is_refused(self):
        a = self.npy("a.npy", "<f4", "(2,)", struct.pack("<2f", 1, 2))
        _, problem = self.wherry("run", self.add, "--input", self.inputs, "--input", a, expect=2)
        self.assertIn(f"{a}: arg0 is in {self.inputs}, too", problem)
        second = self.path("second.safetensors")
        save(second, {"arg1": ("F32", [2], [1, 1])})
        save(self.inputs, {"arg0": ("F32", [2], [1, 2])})
        out, _ = self.wherry("run", self.add, "--input", second, "--input", self.inputs)
        self.assertIn("dense<[2.0, 3.0]>", out)

    def test_results_without_elements_are_compared_and_printed(self):
        program = self.write("none.mlir", "func.func @main(%a: tensor<0x3xf32>) -> tensor<0x3xf32> { return %a : tensor<0x3xf32> }")
        save(self.inputs, {"arg0": ("F32", [0, 3], [])})
        out, _ = self.wherry("run", program, "--input", self.inputs)
        self.assertEqual(out, "out0: tensor<0x3xf32> = dense<>\n")
        expected = self.expectation([], shape=[0, 3])
        out, _ = self.wherry("run", program, "--input", self.inputs, "--expect", expected)
        self.assertEqual(out, "out0: ok: tensor<0x3xf32>, no elements (rtol 0, atol 0)\n")

    def test_an_artifact_has_one_function_and_no_other(self):
        artifact = self.path("f.wherry")
        self.wherry("compile", self.write("f.mlir", ADD.replace("@main", "@f")), "-o", artifact)
        out, _ = self.wherry("run", artifact, "--function", "f", "--input", self.inputs)
        self.assertIn("dense<[11.0, 22.5]>", out)
        _, problem = self.wherry("run", artifact, "--function", "g", "--input", self.inputs, expect=2)
        self.assertIn(f"{artifact}: the artifact holds the function 'f', not 'g'", problem)
        self.wherry("compile", artifact, "--function", "g", "-o", self.path("g.wherry"), expect=2)
        named = self.write("named.mlir", "module @f {" + ADD + "}")
        self.wherry("compile", named, "-o", artifact)
        self.wherry("run", artifact, "--function", "main", "--input", self.inputs)
        _, problem = self.wherry("run", artifact, "--function", "f", "--input", self.inputs, expect=2)
        self.assertIn(f"{artifact}: the artifact holds the function 'main', not 'f'", problem)

    def test_a_cut_artifact_is_damaged_however_short(self):
        artifact = self.path("cut.wherry")
        for length in (1, 7, 8, 20):
            with open(artifact, "wb") as f:
                f.write(b"WHRYPLAN".ljust(20, b"\1")[:length])
            _, problem = self.wherry("run", artifact, expect=2)
            self.assertIn(f"{artifact}: damaged plan: ", problem)

    def test_the_environment_is_refused_where_it_says_nothing(self):
        for name, value, expected in [
            ("WHERRY_CPU_DEVICES", "two", "expected a number from 1 to 1024, got 'two'"),
            ("WHERRY_CPU_WORKERS", "0", "expected a number from 1 to 256, got '0'"),
            ("WHERRY_LOOP", "epoll", "expected uring or poll, got 'epoll'"),
        ]:
            self.environment[name] = value
            _, problem = self.wherry("run", self.add, "--input", self.inputs, "--output", self.path("out"), expect=2)
            self.assertIn(f"{name}: {expected}", problem)
            del self.environment[name]
        self.environment["WHERRY_LOG"] = "loud"
        _, problem = self.wherry("run", self.add, "--input", self.inputs)
        self.assertIn("warning: WHERRY_LOG: expected error, warn, info or debug, got 'loud'", problem)

    def test_a_damaged_artifact_is_refused_by_name(self):
        _, problem = self.wherry("run", self.write("a.wherry", "WHRYPLAN and more"), expect=2)
        self.assertRegex(problem, r"a\.wherry: damaged plan: ")

    def test_an_output_that_cannot_be_written_is_a_failure_and_leaves_nothing(self):
        self.wherry("run", self.add, "--input", self.inputs)  # fills the caches
        before = set(os.listdir(self.folder))

        def limit_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))
            import signal

            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

        output = self.path("out.safetensors")
        _, problem = self.wherry("run", self.add, "--input", self.inputs, "--output", output, expect=3, preexec_fn=limit_files)
        self.assertIn(output, problem)
        self.assertEqual(set(os.listdir(self.folder)), before)
        output = self.path("none/out.safetensors")
        _, problem = self.wherry("run", self.add, "--input", self.inputs, "--output", output, expect=2)
        self.assertEqual(problem, f"wherry: error: {output}: cannot be written: No such file or directory\n")
        _, problem = self.wherry("run", self.add, "--input", self.inputs, "--output", self.folder, expect=2)
        self.assertEqual(problem, f"wherry: error: {self.folder}: cannot be written: Is a directory\n")

    def test_memory_that_the_machine_does_not_have_is_a_failure_while_running(self):
        program = self.write(
            "huge.mlir",
            """func.func @main() -> tensor<4000000000000xf64> {
              %0 = stablehlo.iota dim = 0 : tensor<4000000000000xf64>
              return %0 : tensor<4000000000000xf64>
            }""",
        )
        _, problem = self.wherry("run", program, expect=3)
        self.assertIn("out of memory", problem)

    def test_an_unwritable_cache_is_a_warning(self):
        self.environment["WHERRY_CACHE_DIR"] = self.write("file", "") + "/cache"
        out, problem = self.wherry("run", self.add, "--input", self.inputs)
        self.assertIn("dense<[11.0, 22.5]>", out)
        self.assertIn("warning", problem)


class Program(CommandTest):
    def test_help_and_version_are_everywhere(self):
        for command in [], ["devices"], ["run"], ["check"]:
            out, _ = self.wherry(*command, "--help")
            self.assertIn("--version", out)
            out, _ = self.wherry(*command, "--version")
            self.assertRegex(out, r"^wherry \d+\.\d+\.\d+\n$")

    def test_wrong_usage_is_exit_code_two(self):
        self.wherry(expect=2)
        _, problem = self.wherry("fly", expect=2)
        self.assertIn("there is no command 'fly'", problem)
        _, problem = self.wherry("fly", "--device", "cpu:0", expect=2)
        self.assertIn("there is no command 'fly'", problem)
        self.wherry("run", expect=2)
        self.wherry("devices", "--unknown", expect=2)

    def test_standard_output_that_cannot_be_written_is_a_failure(self):
        import subprocess

        from command import PROGRAM

        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "devices"], stdout=full, stderr=subprocess.PIPE, text=True, env=self.environment)
        self.assertEqual(done.returncode, 3)
        self.assertIn("standard output", done.stderr)


if __name__ == "__main__":
    unittest.main()
