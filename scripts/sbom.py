#!/usr/bin/env python3
"""Writes what each program is made of, as CycloneDX 1.5 in JSON: sbom.py FOLDER.

From Cargo's own metadata and Cargo.lock: every crate that is linked into the program on this machine's platform, with version,
licence, checksum and what it depends on in turn. What only builds or tests is left out. The same tree gives the same file.
"""

import json
import pathlib
import subprocess
import sys
import tomllib
import uuid

PROGRAMS = ["campanile", "smpp-sim", "loadtest"]


def main(folder: pathlib.Path) -> None:
    host = next(
        line.split()[1]
        for line in subprocess.check_output(["rustc", "--version", "--verbose"], text=True).splitlines()
        if line.startswith("host:")
    )
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", host]
    metadata = json.loads(subprocess.check_output(command))
    locked = tomllib.loads(pathlib.Path("Cargo.lock").read_text())["package"]
    sums = {(each["name"], each["version"]): each.get("checksum") for each in locked}
    packages = {package["id"]: package for package in metadata["packages"]}
    links = {node["id"]: linked(node, packages) for node in metadata["resolve"]["nodes"]}
    folder.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS:
        root = next(id for id in metadata["workspace_members"] if packages[id]["name"] == program)
        bill = describe(root, packages, links, sums)
        path = folder / f"{program}.cdx.json"
        path.write_text(json.dumps(bill, indent=1) + "\n")
        print(f"sbom: {path}, {len(bill['components'])} crates")


def linked(node: dict, packages: dict) -> list[str]:
    """What is linked into a crate: neither its tests' needs, nor its build script's, nor macros, which run in the compiler."""

    def is_linked(dependency: dict) -> bool:
        macro = any("proc-macro" in target["kind"] for target in packages[dependency["pkg"]]["targets"])
        return not macro and any(kind["kind"] is None for kind in dependency["dep_kinds"])

    return sorted(dependency["pkg"] for dependency in node["deps"] if is_linked(dependency))


def reference(package: dict) -> str:
    return f"pkg:cargo/{package['name']}@{package['version']}"


def component(package: dict, sums: dict, kind: str) -> dict:
    described = {
        "type": kind,
        "bom-ref": reference(package),
        "name": package["name"],
        "version": package["version"],
        "purl": reference(package),
    }
    if package["license"]:
        # Old manifests separate alternatives with a stroke.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ").replace("  ", " ")}]
    checksum = sums.get((package["name"], package["version"]))
    if checksum:
        described["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return described


def describe(root: str, packages: dict, links: dict, sums: dict) -> dict:
    reached, waiting = {root}, [root]
    while waiting:
        for id in links[waiting.pop()]:
            if id not in reached:
                reached.add(id)
                waiting.append(id)
    in_order = sorted(reached, key=lambda id: (packages[id]["name"], packages[id]["version"]))
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(packages[root], sums, "application")},
        "components": [component(packages[id], sums, "library") for id in in_order if id != root],
        "dependencies": [
            {"ref": reference(packages[id]), "dependsOn": [reference(packages[on]) for on in links[id]]} for id in in_order
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bill, sort_keys=True))
    return {"serialNumber": f"urn:uuid:{serial}", **bill}


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("sbom: which folder? sbom.py FOLDER")
    main(pathlib.Path(sys.argv[1]))
