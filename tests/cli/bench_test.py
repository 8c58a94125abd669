"""`wherry bench`: figures, what programs are fed with, refusals."""

import json
import os
import unittest

from command import CommandTest, save

COUNT = """func.func @main(%n: tensor<4xi32> {tf.aliasing_output = 0 : i32}) -> tensor<4xi32> {
  %0 = stablehlo.constant dense<1> : tensor<4xi32>
  %1 = stablehlo.add %n, %0 : tensor<4xi32>
  return %1 : tensor<4xi32>
}
"""
KEYS = ["call_us", "compile_s", "compile_warm_s", "name", "peak_rss_mib", "return_us", "steady_us"]


class Bench(CommandTest):
    def setUp(self):
        super().setUp()
        self.count = self.write("count.mlir", COUNT)

    def bench(self, *arguments, **options):
        return self.wherry("bench", *arguments, "--seconds", "0.01", **options)

    def description(self, **changes):
        entry = {
            "name": "counting",
            "file": "count.mlir",
            "data": None,
            "args": [{"index": 0, "dtype": "int32", "shape": [4], "init": {"kind": "randint", "low": 0, "high": 3}}],
            "feedback": {"0": 0},
        }
        self.write("bench.json", json.dumps([dict(entry, **changes)]))

    def test_every_figure_is_there_and_positive(self):
        out, _ = self.bench(self.count, "--json")
        (row,) = json.loads(out)
        self.assertEqual(sorted(row), KEYS)
        self.assertEqual(row.pop("name"), "count")
        for key, value in row.items():
            self.assertGreater(value, 0, key)

    def test_a_table_has_a_line_for_each_program_and_json_goes_to_a_file(self):
        report = self.path("report.json")
        out, _ = self.bench(self.count, self.count, f"--json={report}")
        self.assertEqual([line.split()[0] for line in out.splitlines()], ["name", "count", "count"])
        with open(report) as file:
            self.assertEqual(len(json.load(file)), 2)

    def test_bench_json_names_the_program_and_makes_its_arguments(self):
        for init in {"kind": "normal", "stddev": 3}, {"kind": "uniform", "low": 0, "high": 9}, {"kind": "constant", "value": 2}:
            self.description(args=[{"init": init}])
            out, _ = self.bench(self.count, "--json")
            self.assertEqual(json.loads(out)[0]["name"], "counting")

    def test_arguments_come_from_a_file_and_donated_ones_survive_without_feedback(self):
        save(self.path("data.safetensors"), {"arg0": ("I32", [4], [1, 2, 3, 4])})
        self.description(data="data.safetensors", feedback={})
        self.bench(self.count)
        self.bench(self.count, "--input", self.path("data.safetensors"))

    def test_a_description_that_does_not_fit_the_program_is_refused_with_its_file(self):
        for change in dict(args=[]), dict(feedback={"1": 0}), dict(args=[{"init": {"kind": "other"}}]), dict(args=[{}]):
            self.description(**change)
            _, err = self.bench(self.count, expect=2)
            self.assertIn("bench.json", err)

    def test_bad_programs_and_files_are_refused(self):
        _, err = self.bench(self.write("bad.mlir", "func.func @main( {"), expect=2)
        self.assertRegex(err, r"bad\.mlir:1:\d+: error: ")
        _, err = self.bench(self.path("missing.mlir"), expect=2)
        self.assertIn("missing.mlir", err)

    def test_nothing_is_left_behind(self):
        self.environment["TMPDIR"] = self.path("tmp")
        os.mkdir(self.path("tmp"))
        self.bench(self.count)
        self.assertEqual(os.listdir(self.path("tmp")), [])


if __name__ == "__main__":
    unittest.main()
