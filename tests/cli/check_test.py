"""`wherry check`: verdicts, their order, and what happens to workers that die or never answer."""

import json
import os
import signal
import subprocess
import time
import unittest

from command import PROGRAM, CommandTest

PASSING = """func.func @main() {
  %0 = stablehlo.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %1 = stablehlo.add %0, %0 : tensor<2xf32>
  %2 = stablehlo.constant dense<[2.0, 4.0]> : tensor<2xf32>
  stablehlo.custom_call @check.expect_close(%1, %2) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  return
}
"""
FAILING = PASSING.replace("[2.0, 4.0]", "[2.0, 5.0]")
ENDLESS = """func.func @main() -> tensor<i32> {
  %0 = stablehlo.constant dense<0> : tensor<i32>
  %1 = stablehlo.while(%i = %0) : tensor<i32>
    cond {
      %2 = stablehlo.constant dense<-1> : tensor<i32>
      %3 = stablehlo.compare GT, %i, %2 : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %3 : tensor<i1>
    } do {
      %4 = stablehlo.multiply %i, %i : tensor<i32>
      stablehlo.return %4 : tensor<i32>
    }
  return %1 : tensor<i32>
}
"""
DISTRIBUTED = """func.func @main() -> tensor<ui32> {
  %0 = stablehlo.replica_id : tensor<ui32>
  return %0 : tensor<ui32>
}
"""
UNKNOWN_SIZE = """func.func @main(%a: tensor<?xf32>) -> tensor<?xf32> {
  %0 = stablehlo.add %a, %a : tensor<?xf32>
  return %0 : tensor<?xf32>
}
"""
WITHOUT_CHECK = """func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = stablehlo.add %a, %a : tensor<2xf32>
  return %0 : tensor<2xf32>
}
"""
BROKEN = "func.func @main() {\n  return %0 : tensor<i32>\n}\n"


def children_of(process):
    """The ids of the processes that `process` has started."""
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(child) for child in file.read().split()]


def seconds_of(processes):
    """The processor time of the first of `processes`, user and system; 0 without one."""
    if not processes:
        return 0
    with open(f"/proc/{processes[0]}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Check(CommandTest):
    def lines(self, *arguments, expect):
        out, _ = self.wherry("check", *arguments, expect=expect)
        return out.replace(self.folder + "/", "").splitlines()

    def test_every_module_has_a_line_and_the_lines_are_sorted(self):
        self.write("m/d.mlir", PASSING)
        self.write("m/c.mlir", DISTRIBUTED)
        self.write("m/b.mlir", FAILING + "// -----\n" + PASSING)
        self.write("m/a.mlir", WITHOUT_CHECK)
        self.write("m/e.mlir", UNKNOWN_SIZE)
        self.write("m/f.mlir", BROKEN)
        lines = self.lines(self.path("m"), expect=1)
        self.assertEqual(lines[0], "SKIP m/a.mlir: no check")
        self.assertRegex(lines[1], r"^FAIL m/b.mlir#1: m/b.mlir:5:\d+: expect_close: element \[1\]: got 4.0, want 5.0")
        self.assertRegex(lines[2], r"^PASS m/b.mlir#2: ")
        self.assertEqual(lines[3], "SKIP m/c.mlir: stablehlo.replica_id")
        self.assertRegex(lines[4], r"^PASS m/d.mlir: ")
        self.assertRegex(lines[5], r"^PASS m/e.mlir: ")
        self.assertRegex(lines[6], r"^FAIL m/f.mlir: m/f.mlir:2:\d+: error: ")
        self.assertEqual(lines[7:], ["3 passed, 2 failed, 2 skipped"])

    def test_positions_in_later_modules_of_a_file_are_those_of_the_file(self):
        self.write("a.mlir", PASSING + "// -----\n" + FAILING)
        lines = self.lines(self.path("a.mlir"), expect=1)
        self.assertRegex(lines[1], r"^FAIL a.mlir#2: a.mlir:13:\d+: expect_close")

    def test_what_is_not_supported_fails_with_its_place_in_the_file(self):
        self.write(
            "a.mlir",
            """func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {

  %0 = stablehlo.custom_call @mhlo.nothing(%a) : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
""",
        )
        lines = self.lines(self.path("a.mlir"), expect=1)
        self.assertRegex(lines[0], r"^FAIL a.mlir: a.mlir:3:\d+: error: .*custom_call.* not supported")

    def test_a_custom_call_that_nobody_registered_fails_with_its_target_and_line(self):
        self.write(
            "a.mlir",
            """func.func @main() {
  %a = stablehlo.constant dense<1.0> : tensor<2xf32>
  %0 = stablehlo.custom_call @nobody.knows(%a) : (tensor<2xf32>) -> tensor<2xf32>
  stablehlo.custom_call @check.expect_eq(%0, %a) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()
  return
}
""",
        )
        lines = self.lines(self.path("a.mlir"), expect=1)
        self.assertRegex(lines[0], r'^FAIL a.mlir: .*custom call "nobody.knows" \(line 3\) is not registered; registered: ')

    def test_checks_pass_and_fail_by_their_own_rules(self):
        def module(check, actual, expected, element="f32"):
            t = f"tensor<1x{element}>"
            return f"""func.func @main() {{
  %0 = stablehlo.constant dense<{actual}> : {t}
  %1 = stablehlo.constant dense<{expected}> : {t}
  {check.format(t=t)}
  return
}}
"""

        call = "stablehlo.custom_call @check.{name}(%0, %1) {{{{has_side_effect = true}}}} : ({{t}}, {{t}}) -> ()"
        eq, close, almost = (call.format(name=n) for n in ("expect_eq", "expect_close", "expect_almost_eq"))
        rules = [
            ("PASS", module(eq, "0.0", "-0.0")),
            ("FAIL", module(eq, "0x7FC00000", "0x7FC00000")),
            ("PASS", module(close, "0x7FC00000", "0x7FC00001")),
            ("PASS", module(close, "0x3F800000", "0x3F800003")),
            ("FAIL", module(close, "0x3F800000", "0x3F800004")),
            ("PASS", module(almost, "1.0", "1.0009")),
            ("FAIL", module(almost, "1000.0", "1000.01")),
            ("FAIL", module(almost, "0x7F800000", "1.0")),
            ("PASS", module("check.expect_almost_eq_const %0, dense<1.00005> : {t}", "1.0", "1.0")),
            ("FAIL", module("check.expect_almost_eq_const %0, dense<1.0005> : {t}", "1.0", "1.0")),
            ("PASS", module("check.expect_eq_const %0, dense<7> : {t}", "7", "7", "i32")),
            ("FAIL", module("check.expect_eq %0, %1 : {t}", "7", "8", "i64")),
            ("PASS", module("check.expect_close %0, %1, max_ulp_difference = 4 : {t}, {t}", "0x3F800000", "0x3F800004")),
        ]
        self.write("a.mlir", "// -----\n".join(text for _, text in rules))
        lines = self.lines(self.path("a.mlir"), expect=1)
        self.assertEqual([line.split()[0] for line in lines[:-1]], [verdict for verdict, _ in rules], lines)

    def test_json_says_the_same_in_full(self):
        close = PASSING.replace("dense<[2.0, 4.0]>", "dense<[0x40000002, 4.0]>")
        self.write("m/a.mlir", close)
        self.write("m/b.mlir", FAILING + "// -----\n" + WITHOUT_CHECK)
        out, _ = self.wherry("check", self.path("m"), "--json", expect=1)
        a, b1, b2 = json.loads(out)
        self.assertEqual(set(a), {"path", "module", "status", "reason", "max_ulp", "seconds"})
        self.assertEqual((a["status"], a["max_ulp"], a["module"], a["path"]), ("PASS", 2, 1, self.path("m/a.mlir")))
        self.assertEqual((b1["status"], b1["module"]), ("FAIL", 1))
        self.assertEqual((b2["status"], b2["module"], b2["max_ulp"], b2["reason"]), ("SKIP", 2, None, "no check"))
        path = self.path("result.json")
        lines = self.lines(self.path("m/a.mlir"), f"--json={path}", expect=0)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 0 skipped")
        with open(path) as file:
            self.assertEqual(json.load(file)[0]["status"], "PASS")

    def test_verdicts_do_not_depend_on_the_number_of_workers_or_the_exit(self):
        for k in range(6):
            self.write(f"m/{k}.mlir", FAILING if k % 2 else PASSING)
        one = self.lines(self.path("m"), "--jobs", "1", expect=1)
        self.assertEqual(self.lines(self.path("m"), "--jobs", "4", expect=1), one)
        self.assertEqual(self.lines(self.path("m"), "--codegen", "opencl", expect=1), one)

    def test_a_module_that_never_ends_is_stopped_and_the_others_run(self):
        self.write("m/a.mlir", ENDLESS)
        self.write("m/b.mlir", PASSING)
        self.write("m/c.mlir", PASSING)
        lines = self.lines(self.path("m"), "--jobs", "1", "--timeout", "3", expect=1)
        self.assertEqual(lines[0], "FAIL m/a.mlir: timed out")
        self.assertEqual(lines[-1], "2 passed, 1 failed, 0 skipped")

    def test_a_worker_that_dies_is_replaced_and_its_module_fails_with_the_signal(self):
        self.write("m/a.mlir", ENDLESS)
        self.write("m/b.mlir", PASSING)
        command = subprocess.Popen(
            [PROGRAM, "check", self.path("m"), "--jobs", "1"], stdout=subprocess.PIPE, text=True, env=self.environment
        )
        end = time.monotonic() + 50
        while seconds_of(children_of(command.pid)) < 1 and time.monotonic() < end:
            time.sleep(0.05)  # until the worker has begun the module that never ends
        os.kill(children_of(command.pid)[0], signal.SIGSEGV)
        out, _ = command.communicate(timeout=60)
        lines = out.replace(self.folder + "/", "").splitlines()
        self.assertEqual(lines[0], "FAIL m/a.mlir: crashed: SIGSEGV")
        self.assertRegex(lines[1], "^PASS m/b.mlir")
        self.assertEqual(command.returncode, 1)

    def test_of_modules_that_are_compiled_together_each_gets_its_own_verdict(self):
        for k, text in enumerate([PASSING, ENDLESS, BROKEN, FAILING, PASSING, WITHOUT_CHECK]):
            self.write(f"m/{k}.mlir", text)
        lines = self.lines(self.path("m"), "--codegen", "opencl", "--jobs", "1", "--timeout", "10", expect=1)
        self.assertEqual([line.split()[0] for line in lines[:-1]], ["PASS", "FAIL", "FAIL", "FAIL", "PASS", "SKIP"], lines)
        self.assertEqual(lines[1], "FAIL m/1.mlir: timed out")
        self.assertRegex(lines[2], r"^FAIL m/2.mlir: m/2.mlir:2:\d+: error: ")
        self.assertRegex(lines[3], r"^FAIL m/3.mlir: m/3.mlir:5:\d+: expect_close: element")

    def test_a_crash_among_modules_that_are_compiled_together_is_blamed_on_one(self):
        self.write("m/a.mlir", ENDLESS)
        self.write("m/b.mlir", PASSING)
        command = subprocess.Popen(
            [PROGRAM, "check", self.path("m"), "--jobs", "1", "--codegen", "opencl"],
            stdout=subprocess.PIPE, text=True, env=self.environment,
        )
        killed = []
        end = time.monotonic() + 100
        while len(killed) < 2 and time.monotonic() < end:
            busy = [c for c in children_of(command.pid) if c not in killed and seconds_of([c]) > 3]
            for child in busy[:1]:
                os.kill(child, signal.SIGSEGV)
                killed.append(child)
            time.sleep(0.05)
        out, _ = command.communicate(timeout=100)
        lines = out.replace(self.folder + "/", "").splitlines()
        self.assertEqual(lines[0], "FAIL m/a.mlir: crashed: SIGSEGV")
        self.assertRegex(lines[1], "^PASS m/b.mlir")

    def test_arguments_come_from_the_data_beside_the_module(self):
        from command import save

        text = WITHOUT_CHECK.replace(
            "  return",
            "  %w = stablehlo.constant dense<[2.0, 6.0]> : tensor<2xf32>\n"
            "  stablehlo.custom_call @check.expect_eq(%0, %w) {has_side_effect = true} : (tensor<2xf32>, tensor<2xf32>) -> ()\n"
            "  return",
        )
        path = self.write("a.mlir", text)
        self.assertRegex(self.lines(path, expect=1)[0], "got 0.0, want")
        save(self.path("a.safetensors"), {"arg0": ("F32", [2], [1, 3])})
        self.lines(path, expect=0)

    def test_wrong_usage_is_exit_code_two(self):
        self.wherry("check", expect=2)
        self.wherry("check", self.path("none"), expect=2)
        os.mkdir(self.path("empty"))
        _, problem = self.wherry("check", self.path("empty"), expect=2)
        self.assertIn("no module", problem)
        path = self.write("a.mlir", PASSING)
        _, problem = self.wherry("check", path, "--device", "gpu:7", expect=2)
        self.assertIn("no device 'gpu:7'", problem)
        self.wherry("check", path, "--jobs", "0", expect=2)
        self.wherry("check", path, "--timeout", "0", expect=2)


if __name__ == "__main__":
    unittest.main()
