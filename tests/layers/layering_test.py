"""The layers of the runtime: an include never points upwards, and siblings do not include each other.

Usage: layering_test.py <folder of the repository>
"""
import pathlib
import re
import sys

# What a folder of include/wherry may include, apart from itself.
BELOW = {
    "status": set(),
    "coro": {"status"},
    "cl": {"status", "coro"},
    "loop": {"status", "coro"},
    "device": {"status", "coro", "cl", "loop"},
    "array": {"status", "coro", "cl", "loop", "device"},
    "exec": {"status", "coro", "cl", "loop", "device", "array"},
    ".": {"status", "coro", "cl", "loop", "device", "array", "exec", "."},
}
COMPILER_FREE = re.compile(r"#\s*include\s*[<\"](mlir|llvm|llvm-c|stablehlo)/")


def layer_of(path):
    return path.parts[0] if len(path.parts) > 1 else "."


def main():
    root = pathlib.Path(sys.argv[1]) / "include" / "wherry"
    problems = []
    headers = sorted(root.rglob("*.hpp"))
    for header in headers:
        name = header.relative_to(root)
        layer = layer_of(name)
        if layer not in BELOW:
            problems.append(f"{name}: {layer}/ is no layer; add it to {pathlib.Path(__file__).name}")
            continue
        text = header.read_text()
        if not text.startswith((f"// {name.name}: ", f"// detail/{name.name}: ")):
            problems.append(f"{name}: does not begin with its name and purpose")
        if "#pragma once" not in text:
            problems.append(f"{name}: no #pragma once")
        for number, line in enumerate(text.splitlines(), 1):
            if COMPILER_FREE.match(line):
                problems.append(f"{name}:{number}: the runtime includes a compiler's header")
            found = re.match(r"#\s*include\s*([<\"])(.*)[>\"]", line)
            if not found:
                continue
            if found[1] == '"':
                problems.append(f"{name}:{number}: include with quotes; headers are included as <wherry/...>")
                continue
            if not found[2].startswith("wherry/"):
                continue
            target = pathlib.Path(found[2]).relative_to("wherry")
            if not (root / target).is_file():
                problems.append(f"{name}:{number}: {target} does not exist")
            other = layer_of(target)
            if other != layer and other not in BELOW[layer]:
                problems.append(f"{name}:{number}: {layer}/ must not include {other}/ ({target})")
    if len(headers) < 50:
        problems.append(f"only {len(headers)} headers under {root}: is this the repository?")
    for problem in problems:
        print(problem)
    print(f"{len(headers)} headers, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
