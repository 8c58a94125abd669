"""`wherry devices`: the list for people and for scripts."""

import json
import unittest

from command import CommandTest

KEYS = {"name", "platform", "device", "driver", "carrier", "units", "fp16", "fp64", "memory_bytes"}


class Devices(CommandTest):
    def test_json_has_every_key_for_every_device(self):
        out, _ = self.wherry("devices", "--json")
        devices = json.loads(out)
        self.assertEqual(devices[0]["name"], "cpu:0")
        for device in devices:
            self.assertEqual(set(device), KEYS)
            self.assertGreater(device["units"], 0)
            self.assertGreater(device["memory_bytes"], 0)
            self.assertIsInstance(device["fp64"], bool)

    def test_json_goes_to_a_file_beside_the_list(self):
        path = self.path("devices.json")
        out, _ = self.wherry("devices", f"--json={path}")
        with open(path) as file:
            names = [device["name"] for device in json.load(file)]
        for name in names:
            self.assertIn(f"{name}\n", out)

    def test_the_environment_says_how_many_cpu_devices_there_are(self):
        self.environment["WHERRY_CPU_DEVICES"] = "2"
        out, _ = self.wherry("devices", "--json")
        self.assertEqual([d["name"] for d in json.loads(out)][:2], ["cpu:0", "cpu:1"])


if __name__ == "__main__":
    unittest.main()
