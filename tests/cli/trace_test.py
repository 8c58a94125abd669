"""`wherry run --trace` and `wherry trace`: what is written, and what is made of it."""

import json
import os
import time
import unittest

from command import CommandTest, save

PROGRAM = """func.func @main(%a: tensor<64x64xf32>, %b: tensor<64x64xf32>) -> (tensor<64x64xf32>, tensor<64xf32>) {
  %zero = stablehlo.constant dense<0.0> : tensor<f32>
  %0 = stablehlo.dot_general %a, %b, contracting_dims = [1] x [0] : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  %1 = stablehlo.exponential %0 : tensor<64x64xf32>
  %2 = stablehlo.reduce(%1 init: %zero) applies stablehlo.add across dimensions = [1] : (tensor<64x64xf32>, tensor<f32>) -> tensor<64xf32>
  return %0, %2 : tensor<64x64xf32>, tensor<64xf32>
}
"""


def event(**fields):
    return {"ph": "X", "pid": 1, "tid": 5, "ts": 0, "dur": 1, "cat": "request", "name": "step",
            "args": {"ticket": "5:1", "status": "OK", "bytes": 4, "wait_us": 2}} | fields


def trace_of(events, **header):
    return {"otherData": {"wherry": "trace 1", "length_us": 100, "dropped": 0, "unfinished": 0} | header, "traceEvents": events}


class Trace(CommandTest):
    def setUp(self):
        super().setUp()
        self.program = self.write("program.mlir", PROGRAM)
        self.inputs = self.path("in.safetensors")
        values = [k % 7 / 10 for k in range(64 * 64)]
        save(self.inputs, {"arg0": ("F32", [64, 64], values), "arg1": ("F32", [64, 64], values)})
        self.file = self.path("trace.json")

    def traced(self, *arguments, expect=0):
        self.wherry("run", self.program, "--input", self.inputs, "--output", self.path("out.safetensors"), "--trace", self.file, *arguments, expect=expect)
        with open(self.file) as file:
            return json.load(file)

    def show(self, trace, expect=0):
        return self.wherry("trace", self.write("made.json", trace if isinstance(trace, str) else json.dumps(trace)), expect=expect)

    def places(self):
        listed = json.loads(self.wherry("devices", "--json")[0])
        return [[], ["--codegen", "opencl"]] + [["--device", d["name"]] for d in listed if d["name"].startswith("opencl")]

    def test_every_request_and_kernel_of_a_run_is_in_the_file_on_every_device(self):
        for place in self.places():
            with self.subTest(place=place):
                trace = self.traced("--repeat", "3", *place)
                slices = [e for e in trace["traceEvents"] if e["ph"] == "X"]
                requests = [e for e in slices if e["cat"] == "request"]
                kernels = [e for e in slices if e["cat"] == "kernel"]
                runs = [e for e in requests if e["name"] == "execution of program"]
                self.assertEqual(len(runs), 3)
                self.assertEqual(len({e["args"]["ticket"] for e in requests}), len(requests))
                self.assertEqual(len([e for e in requests if e["name"] == "write of 16384 bytes"]), 6)
                self.assertGreaterEqual(len([e for e in requests if e["name"].startswith("read")]), 3)
                self.assertTrue(kernels)
                self.assertLessEqual({e["args"]["ticket"] for e in kernels}, {e["args"]["ticket"] for e in runs})
                for e in slices:
                    self.assertGreaterEqual(e["dur"], 0)
                    self.assertLessEqual(e["ts"] + e["dur"], trace["otherData"]["length_us"] + 1000)
                for e in requests:
                    self.assertEqual(e["args"]["status"], "OK")
                    self.assertLessEqual(e["args"]["submitted_us"], e["args"]["started_us"])
                    self.assertLessEqual(e["args"]["started_us"], e["ts"])

    def test_units_are_tracks_with_names_and_slices_of_a_track_do_not_overlap(self):
        for place in self.places():
            with self.subTest(place=place):
                trace = self.traced("--repeat", "5", *place)
                named = {(e["pid"], e["tid"]): e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
                devices = {e["pid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "process_name"}
                tracks = {}
                for e in trace["traceEvents"]:
                    if e["ph"] == "X":
                        tracks.setdefault((e["pid"], e["tid"]), []).append((e["ts"], e["dur"]))
                self.assertIn(place[1] if place and place[0] == "--device" else "cpu:0", devices.values())
                for track, slices in tracks.items():
                    self.assertIn(track, named)
                    slices.sort()
                    for (begin, took), (later, _) in zip(slices, slices[1:]):
                        self.assertLessEqual(begin + took, later + 0.0015, named[track])

    def test_data_flows_from_the_writes_to_the_runs_and_on_to_the_reads(self):
        trace = self.traced()
        ends = {}
        for e in trace["traceEvents"]:
            if e["ph"] in "sf":
                ends.setdefault(e["id"], {})[e["ph"]] = e
        tracks = {(e["pid"], e["tid"]): e["args"]["name"].split()[0] for e in trace["traceEvents"] if e["name"] == "thread_name"}
        kinds = [tuple(tracks[(end[p]["pid"], end[p]["tid"])] for p in "sf") for end in ends.values()]
        self.assertEqual(kinds.count(("tensor_write", "compute")), 2)
        self.assertGreaterEqual(kinds.count(("compute", "tensor_read")), 1)
        slices = {(e["pid"], e["tid"], e["ts"]) for e in trace["traceEvents"] if e["ph"] == "X"}
        for end in ends.values():
            self.assertLessEqual(end["s"]["ts"], end["f"]["ts"])
            self.assertEqual(end["f"]["bp"], "e")
            for e in end.values():
                self.assertIn((e["pid"], e["tid"], e["ts"]), slices)

    def test_nothing_else_appears_and_a_path_that_cannot_be_written_is_named(self):
        before = set(os.listdir(self.folder)) | {"out.safetensors", "trace.json", "cache"}
        self.traced()
        self.assertLessEqual(set(os.listdir(self.folder)), before)
        missing = self.path("missing/trace.json")
        _, problem = self.wherry("run", self.program, "--input", self.inputs, "--trace", missing, expect=2)
        self.assertIn(missing, problem)

    def test_a_comparison_that_fails_is_traced_too(self):
        want = self.path("want.safetensors")
        save(want, {"out0": ("F32", [64, 64], [0.0] * 4096), "out1": ("F32", [64], [0.0] * 64)})
        trace = self.traced("--expect", want, expect=1)
        self.assertTrue(any(e["name"] == "execution of program" for e in trace["traceEvents"]))

    def test_an_execution_is_called_after_the_file_it_came_from_also_through_an_artifact(self):
        artifact = self.path("other.wherry")
        self.wherry("compile", self.program, "-o", artifact)
        for file in self.program, artifact:
            self.wherry("run", file, "--input", self.inputs, "--output", self.path("out.safetensors"), "--trace", self.file)
            with open(self.file) as trace:
                names = {e["name"] for e in json.load(trace)["traceEvents"] if e.get("cat") == "request"}
            self.assertIn("execution of program", names)

    def test_a_trace_is_shown_as_tables_of_units_requests_and_kernels(self):
        self.traced("--repeat", "4")
        out, _ = self.wherry("trace", self.file)
        head, units, requests, kernels = out.split("\n\n")
        self.assertRegex(head, r"^\d+\.\d{3} ms, \d+ requests \(0 failed\), \d+ kernels$")
        self.assertEqual(units.split("\n")[0].split(), "count failed busy ms busy % idle ms mean us max us mean wait us max wait us unit".split())
        self.assertRegex(units, r"(?m)^ *\d+ +0 .* cpu:0 compute \d+$")
        self.assertRegex(requests, r"(?m)^ *4 .* execution of program$")
        self.assertRegex(requests, r"(?m)^ *8 .* write of 16384 bytes$")
        self.assertRegex(kernels.split("\n")[0], "^count +total ms +share % +mean us +max us +kernel$")

    def test_the_sums_are_right(self):
        events = [
            {"ph": "M", "pid": 1, "tid": 0, "name": "process_name", "args": {"name": "cpu:0"}},
            {"ph": "M", "pid": 1, "tid": 5, "name": "thread_name", "args": {"name": "compute 5"}},
            event(ts=10, dur=30), event(ts=50, dur=10, args={"status": "INTERNAL", "wait_us": 8}), event(tid=6, name="write", dur=10),
            event(cat="kernel", tid=65541, name="dot", ts=12, dur=20), event(cat="kernel", tid=65541, name="add", ts=35, dur=5),
            {"ph": "s", "pid": 1, "tid": 5, "ts": 10, "id": 1, "cat": "data", "name": "data"},
        ]
        out, _ = self.show(trace_of(events, dropped=3, unfinished=2))
        rows = [line.split() for line in out.splitlines()]
        self.assertEqual(rows[0], "0.100 ms, 3 requests (1 failed), 2 kernels".split())
        self.assertIn("3 events more did not fit in the trace: the sums are too small", out)
        self.assertIn("2 requests had not finished and are left out", out)
        self.assertIn("2 1 0.040 40.0 0.060 20.0 30.0 5.0 8.0 cpu:0 compute 5".split(), rows)
        self.assertIn("1 0 0.010 10.0 0.090 10.0 10.0 2.0 2.0 cpu:0 unit 6".split(), rows)
        self.assertIn("2 0.040 80.0 20.0 30.0 step".split(), rows)
        self.assertIn("1 0.020 80.0 20.0 20.0 dot".split(), rows)
        self.assertLess(out.index(" dot"), out.index(" add"))

    def test_the_header_may_come_behind_the_events(self):
        trace = trace_of([event()])
        self.assertEqual(self.show(trace)[0], self.show({k: trace[k] for k in ("traceEvents", "otherData")})[0])

    def test_many_names_become_one_line(self):
        out, _ = self.show(trace_of([event(name=f"step {k}", dur=1000 - k) for k in range(100)]))
        self.assertIn(" step 38\n", out)
        self.assertNotIn(" step 39\n", out)
        self.assertIn("(61 others)", out)

    def test_what_is_no_trace_of_ours_is_refused_and_named(self):
        whole = json.dumps(trace_of([event(), event()]))
        for text, problem in [
            ("", "damaged, or no JSON"),
            ("no JSON", "damaged, or no JSON: parse error at line 1"),
            (whole[: len(whole) // 2], "damaged, or no JSON"),
            (whole + "}", "damaged, or no JSON"),
            (whole.replace('"step"', '"\\ud800"', 1), "damaged, or no JSON"),
            ("[" * 100000, "damaged, or no JSON"),
            ("[" * 1000 + "]" * 1000, "no trace of this command"),
            ("[]", 'expected "otherData": {"wherry": "trace 1"}, found none'),
            ("{}", "found none"),
            ("17", "found none"),
            ('{"traceEvents": []}', "found none"),
            ('[{"ph": "X", "pid": 1, "tid": 1, "ts": 1, "dur": 1, "cat": "request"}]', "found none"),
            ('{"otherData": {"wherry": "trace 9"}, "traceEvents": []}', 'got "trace 9"'),
            ('{"otherData": {"wherry": "trace 1"}, "traceEvents": []}', '"length_us" is missing'),
            (json.dumps(trace_of([event(), event(dur=None)])), 'event 2: a request whose "dur" is missing or no number'),
            (json.dumps(trace_of([event(cat="kernel", dur=-1)])), 'event 1: a kernel whose "dur" is negative'),
            (json.dumps(trace_of([event(tid="x")])), 'a request whose "tid" is missing or no number'),
            (whole.replace('"dur": 1', '"dur": 1e999', 1), "damaged, or no JSON"),
        ]:
            with self.subTest(text=text[:60]):
                out, shown = self.show(text, expect=2)
                self.assertEqual(out, "")
                self.assertIn("made.json", shown)
                self.assertIn(problem, shown)
        self.assertIn("cannot be opened", self.wherry("trace", self.path("missing.json"), expect=2)[1])
        self.assertIn("a folder", self.wherry("trace", self.folder, expect=2)[1])
        self.assertIn("file is required", self.wherry("trace", expect=2)[1])

    def test_foreign_fields_and_events_are_passed_over(self):
        events = [event(more={"args": {"status": "x"}, "dur": 5}), {"ph": "C", "args": {"name": ["request"]}}, 5, "x", [event()], None,
                  event(args={"status": "OK", "deep": {"wait_us": 1000, "status": "no"}})]
        out, _ = self.show(trace_of(events) | {"stackFrames": {"a": [{"traceEvents": [event()]}]}, "systemTraceEvents": "x"})
        self.assertTrue(out.startswith("0.100 ms, 2 requests (0 failed), 0 kernels"), out)

    def test_a_hundred_thousand_events_are_read(self):
        with open(self.file, "w") as file:
            file.write('{"otherData": {"wherry": "trace 1", "length_us": 1e6}, "traceEvents": [')
            file.write(",\n".join([json.dumps(event())] * 100000) + "]}")
        self.assertIn(" 100000 requests (0 failed)", self.wherry("trace", self.file)[0])


if __name__ == "__main__":
    unittest.main()
