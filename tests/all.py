#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds paritap in every way and runs all tests; the last line is "N passed, N failed".

    scripts/test [--fuzz-seconds N] [--only BUILD...]     (installs what is needed, then runs this)

    build        gcc, optimised: all tests
    build-asan   gcc with AddressSanitizer and UndefinedBehaviorSanitizer: all tests
    build-tsan   clang with ThreadSanitizer: what has two threads
    build-fuzz   clang with libFuzzer: every fuzzer for N seconds (default 5; CI says 60)
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# -O3 with sanitizers takes minutes to compile, and runs hardly faster.
SANITIZE = ["-Db_sanitize=address,undefined", "-Doptimization=1"]
THREADED = ["capture_window", "fragment", "gather", "lane", "pipeline", "seen", "segment"]
# environment, options, the unit tests that are built and run (None: all tests)
BUILDS = {
    "build": ({}, [], None),
    "build-asan": ({}, SANITIZE, None),
    "build-tsan": ({"CC": "clang-14"}, ["-Db_lundef=false", "-Db_sanitize=thread"], THREADED),
    "build-fuzz": ({"CC": "clang-14"}, ["-Dfuzz=true", "-Db_lundef=false", *SANITIZE], None),
}


def run(argv, env=None):
    """Runs a step of a build; its output is only shown if it fails, from the failure on."""
    done = subprocess.run(argv, cwd=ROOT, env={**os.environ, **(env or {})}, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        text = done.stdout.decode(errors="replace")
        sys.stdout.write(text[max(text.find("FAILED:"), 0):][:8000])
    return done.returncode == 0


def build(name):
    env, options, tests = BUILDS[name]
    print("== %s: building" % name, flush=True)
    if not (ROOT / name / "build.ninja").exists():
        if not run(["meson", "setup", name, *options], env):
            return False
    return run(["ninja", "-C", name, *("tests/unit/test_" + t for t in tests or ())], env)


def meson_tests(name):
    """All tests of one build: (passed, failed)."""
    print("== %s: testing" % name, flush=True)
    log = ROOT / name / "meson-logs" / "testlog.json"
    log.unlink(missing_ok=True)
    some = BUILDS[name][2]
    chosen = ["--suite", "unit", *some] if some else []
    done = subprocess.run(["meson", "test", "-C", name, "--no-rebuild", "--print-errorlogs",
                           "--timeout-multiplier", "4", *chosen], cwd=ROOT, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    passed = failed = 0
    if log.exists():
        for line in log.read_text(encoding="utf-8").splitlines():
            result = json.loads(line)["result"]
            passed += result == "OK"
            failed += result not in ("OK", "SKIP")
            if result == "SKIP":
                print("skipped: %s" % json.loads(line)["name"])
    if done.returncode or failed:
        sys.stdout.write(done.stdout.decode(errors="replace")[-20000:])
        failed = failed or 1
    return passed, failed


def commit_seed():
    """A seed of its own for every commit, so that what a run has found can be repeated."""
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                          check=False)
    return int(done.stdout[:7] or "1", 16) or 1


def fuzz_one(binary, seconds, seed):
    name = binary.name[len("fuzz_"):]
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name
    with tempfile.TemporaryDirectory() as tmp:
        shutil.copytree(corpus, os.path.join(tmp, "corpus"))
        done = subprocess.run([str(binary), "-max_total_time=%d" % seconds, "-rss_limit_mb=3000",
                               "-timeout=30", "-seed=%d" % seed,
                               "-artifact_prefix=%s/" % binary.parent, "corpus"],
                              cwd=tmp, check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)
    if done.returncode:
        return "%s:\n%s" % (binary.name, done.stdout.decode(errors="replace")[-8000:])
    return ""


def fuzz(seconds):
    folder = ROOT / "build-fuzz" / "tests" / "fuzz"
    binaries = sorted(p for p in folder.glob("fuzz_*") if p.is_file() and os.access(p, os.X_OK))
    seed = commit_seed()
    print("== build-fuzz: %d fuzzers, %d s each, seed %d" % (len(binaries), seconds, seed),
          flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for error in pool.map(lambda b: fuzz_one(b, seconds, seed), binaries):
            if error:
                print(error)
                failed += 1
    if not binaries:
        return 0, 1
    return len(binaries) - failed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzz-seconds", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=BUILDS, default=list(BUILDS))
    args = parser.parse_args()
    passed = failed = 0
    for name in args.only:
        if not build(name):
            failed += 1
            continue
        p, f = fuzz(args.fuzz_seconds) if name == "build-fuzz" else meson_tests(name)
        passed += p
        failed += f
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
