"""README.md, docs/*.md and docs/reference/*.md say what is so.

* A block of C++ follows a comment that names a file, and stands in that file.
* So does a table of docs/reference: what its column `wherry` has in backticks stands in the file, spaces aside.
* A block of commands runs. `./examples/run` and `build/release/bin/...` stand for the programs of the build that is
  tested, `./tests/run` and `ctest` for its tests; what builds and what takes long is checked for its names only.
* Links lead somewhere.

Run by CTest with PROGRAMS, the folder of the programs, and BUILD, the build folder.
"""

import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAMS = os.environ["PROGRAMS"]
BUILD = os.environ["BUILD"]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "docs/reference").glob("*.md"))]


def blocks(document, language):
    """The blocks of one language, each with the text before it."""
    text = document.read_text()
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", text, re.S | re.M):
        yield text[: found.start()], found.group(1)


def commands():
    for document in DOCUMENTS:
        for _, block in blocks(document, "sh"):
            for line in block.splitlines():
                line = line.split("   #")[0].strip()
                if line:
                    yield document.name, line


def presets(kind):
    return {p["name"] for p in json.loads((ROOT / "CMakePresets.json").read_text())[kind + "Presets"]}


class Documents(unittest.TestCase):
    def test_every_block_of_c_plus_plus_stands_in_the_file_it_names(self):
        count = 0
        for document in DOCUMENTS:
            for before, block in blocks(document, "cpp"):
                name = re.search(r"<!-- (\S+) -->\n$", before)
                self.assertTrue(name, f"{document.name}: a block without the name of its file:\n{block}")
                source = (ROOT / name.group(1)).read_text()
                self.assertIn(block, source, f"{document.name}: not in {name.group(1)}")
                count += 1
        self.assertGreater(count, 5)

    def test_every_line_of_a_table_of_reference_stands_in_the_file_it_names(self):
        for document in sorted((ROOT / "docs/reference").glob("*.md")):
            count = 0
            name, column = None, None
            for line in document.read_text().splitlines():
                if found := re.fullmatch(r"<!-- (\S+) -->", line):
                    name, column = found.group(1), None
                if not line.startswith("|"):
                    column = None
                cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
                if "wherry" in cells:
                    column = cells.index("wherry")
                    self.assertTrue(name, f"{document.name}: a table without the name of its file")
                    source = "".join((ROOT / name).read_text().split())
                elif cells and column is not None:
                    for code in re.findall(r"`([^`]+)`", cells[column]):
                        code = code.replace("\\|", "|")
                        self.assertIn("".join(code.split()), source, f"{document.name}: {code} is not in {name}")
                        count += 1
            self.assertGreater(count, 10, document.name)

    def test_the_program_of_the_readme_is_the_whole_example(self):
        _, block = next(blocks(ROOT / "README.md", "cpp"))
        self.assertEqual(block, (ROOT / "examples/first.cpp").read_text())

    def test_the_readme_opens_with_the_two_commands(self):
        _, block = next(blocks(ROOT / "README.md", "sh"))
        self.assertEqual([line.split()[0] for line in block.splitlines()], ["./examples/run", "./tests/run"])

    def test_the_page_of_operations_is_what_its_script_writes(self):
        written = subprocess.run(["python3", "-B", str(ROOT / "tests/docs/stablehlo_table.py")], stdout=subprocess.PIPE, check=True, text=True).stdout
        self.assertEqual((ROOT / "docs/stablehlo.md").read_text(), written)

    def test_every_link_leads_somewhere(self):
        for document in DOCUMENTS:
            prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", document.read_text(), flags=re.S | re.M)
            for target in re.findall(r"\]\(([^)#]+)\)", prose):
                if not target.startswith("http"):
                    self.assertTrue((document.parent / target).exists(), f"{document.name}: {target}")

    def test_every_command_works(self):
        count = 0
        for document, line in commands():
            with self.subTest(document=document, command=line):
                self.check(line)
                count += 1
        self.assertGreater(count, 10)

    def check(self, line):
        words = shlex.split(line)
        if words[0] in ("./examples/run", "./tests/run", "./benchmarks/run"):
            self.assertTrue(os.access(ROOT / words[0], os.X_OK))
            subprocess.run(["bash", "-n", ROOT / words[0]], check=True)
        if words[0] == "./tests/run" or words[0] == "ctest":
            return self.check_tests(words)
        if words[0] == "cmake":
            return self.check_build(words)
        if words in (["./examples/run"], ["./benchmarks/run", "--quick"]):
            return  # what they run has tests and a table of its own
        line = line.replace("./examples/run", "build/release/bin/train_mlp")
        self.assertIn("build/release/bin/", line, "no rule for this command")
        line = line.replace("build/release/bin/", shlex.quote(PROGRAMS + "/"))
        line = re.sub(r"\b(examples/\w+\.mlir)", lambda m: shlex.quote(str(ROOT / m.group(1))), line)
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["bash", "-c", line], cwd=folder, capture_output=True, text=True, timeout=200)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def check_tests(self, words):
        if "--preset" in words:
            return self.assertIn(words[words.index("--preset") + 1], presets("test"))
        for option in ("-L", "-R"):
            if option in words:
                listed = subprocess.run(
                    ["ctest", "--test-dir", BUILD, "-N", option, words[words.index(option) + 1]],
                    capture_output=True, text=True, check=True).stdout
                self.assertRegex(listed, r"Total Tests: [1-9]")

    def check_build(self, words):
        if "--preset" in words:
            kind = "build" if "--build" in words else "configure"
            return self.assertIn(words[words.index("--preset") + 1], presets(kind))
        self.assertEqual(words[:3], ["cmake", "--build", "build/release"])
        if "--target" in words:
            target = words[words.index("--target") + 1]
            self.assertTrue(os.access(f"{PROGRAMS}/{target}", os.X_OK), target)
            rest = words[words.index("&&") + 1 :]
            self.check(shlex.join(rest))


if __name__ == "__main__":
    unittest.main()
