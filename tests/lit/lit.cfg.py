# Runs the RUN lines of every .mlir file below, with wherry-opt and FileCheck on the path.
import os
import lit.formats

config.name = "wherry"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = lit_config.params.get("output", "lit-output")
tools = lit_config.params.get("tools", "")
config.environment["PATH"] = os.pathsep.join([p for p in tools.split(":") if p] + [os.environ.get("PATH", "")])
