# SPDX-License-Identifier: Apache-2.0
"""A report read back: validated, indexed, and checked for what must hold in every report."""
import json
import os

import jsonschema

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCHEMA = os.path.join(ROOT, "tools", "report.schema.json")

# One finding of these stands for `count` records of the pair's counter.
COUNTED = {
    "RECORD_MISSING": "missing",
    "RECORD_EXTRA": "extra",
    "RECORD_DUPLICATED": "duplicated",
    "RECORD_REORDERED": "reordered",
    "RECORD_MUTATED": "mutated",
    "RECORD_MISSING_OR_REORDERED": "missing_or_reordered",
}
NAMED = {"missing", "extra", "duplicated", "reordered", "mutated"}


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def validator():
    schema = load(SCHEMA)
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


_VALIDATOR = None


def schema_errors(report):
    global _VALIDATOR
    if _VALIDATOR is None:
        _VALIDATOR = validator()
    return ["schema: %s: %s" % ("/".join(map(str, e.absolute_path)), e.message[:200])
            for e in _VALIDATOR.iter_errors(report)]


def pair_name(side):
    return "%s-%d" % (side["topic"], side["partition"])


def expand(findings, code, side=None):
    """Offsets (or pairs of offsets) that the findings of one code name, one a record."""
    out = []
    for f in findings:
        if f["code"] != code:
            continue
        for i in range(f["count"]):
            if side:
                out.append(f[side]["offset"] + i)
            else:
                out.append((f["source"]["offset"] + i, f["target"]["offset"] + i))
    return sorted(out)


def map_pairs(pair):
    """Every verified (source offset, target offset) of a pair."""
    return [(r["source_from"] + i, r["target_from"] + i)
            for r in pair["offset_map"] for i in range(r["count"])]


def _pair_errors(n, p, findings, complete):
    where = "pair %d (%s -> %s)" % (n, pair_name(p["source"]), pair_name(p["target"]))
    errors = []

    def expect(ok, what):
        if not ok:
            errors.append("%s: %s" % (where, what))

    source = (p["verified"] + p["mutated"] + p["reordered"] + p["missing"] + p["compacted"] +
              p["ambiguous_source"] + p["unverifiable_source"] + p["pending_source"])
    target = (p["verified"] + p["mutated"] + p["reordered"] + p["extra"] + p["duplicated"] +
              p["ambiguous_target"] + p["unverifiable_target"] + p["pending_target"])
    expect(p["source_records"] == source, "source_records %d, its parts are %d" %
           (p["source_records"], source))
    expect(p["target_records"] == target, "target_records %d, its parts are %d" %
           (p["target_records"], target))
    for kind in ("ambiguous", "unverifiable", "pending"):
        expect(p[kind] == p[kind + "_source"] + p[kind + "_target"], kind + " is not its two sides")
    expect(sum(p["unseen"].values()) == p["unseen_source"] + p["unseen_target"],
           "unseen by reason is not unseen by side")
    expect(p["offsets_observed"] == p["offsets_certified"] + p["unseen_source"] +
           p["unseen_target"], "observed offsets are not certified + unseen")
    share = p["offsets_certified"] / p["offsets_observed"] if p["offsets_observed"] else 0
    expect(p["coverage"] == share, "coverage %r, should be %r" % (p["coverage"], share))

    pairs = map_pairs(p)
    expect(len(pairs) == p["verified"], "the offset map holds %d records, verified are %d" %
           (len(pairs), p["verified"]))
    expect(len({s for s, _ in pairs}) == len(pairs), "a source offset is mapped twice")
    expect(len({t for _, t in pairs}) == len(pairs), "a target offset is mapped twice")
    expect(pairs == sorted(pairs), "the offset map is not sorted")
    for a, b in zip(p["offset_map"], p["offset_map"][1:]):
        expect(a["source_from"] + a["count"] != b["source_from"] or
               a["target_from"] + a["count"] != b["target_from"], "two runs of the map are one")
    if complete:
        mine = [f for f in findings if f["pair"] == n]
        for code, counter in COUNTED.items():
            total = sum(f["count"] for f in mine if f["code"] == code)
            expect(total == p[counter], "%s findings say %d, the pair says %d" %
                   (code, total, p[counter]))
        differs = sum(f["count"] for f in mine if f["code"] == "RECORD_COUNT_DIFFERS")
        rest = p["ambiguous"] - p["missing_or_reordered"]
        expect(bool(differs) == bool(rest), "ambiguous records without their finding, or reverse")
    return errors


def loss_errors(report):
    """The loss story says the same as the counters, however it is cut."""
    errors = []
    loss, stream = report["loss"], report["counters"]["stream"]
    for key, counter in (("holes", "holes"), ("bytes", "hole_bytes")):
        cut = loss["cut_holes" if key == "holes" else "cut_hole_bytes"]
        if loss[key] + cut != stream[counter]:
            errors.append("loss: %d %s and %d cut off, the streams say %d" %
                          (loss[key], key, cut, stream[counter]))
        slices = sum(s[key] for row in loss["slices"] for s in row.values() if s != row["from"])
        for what, total in (("sizes", sum(s[key] for s in loss["sizes"])),
                            ("taps", sum(t[key] for t in loss["taps"])),
                            ("clusters", sum(c[key] for c in loss["clusters"])),
                            ("slices", slices)):
            if total != loss[key]:
                errors.append("loss: %s of %s are %d, in all %d" % (key, what, total, loss[key]))
    if loss["cut_hole_bytes"] != stream["truncated_bytes"]:
        errors.append("loss: bytes cut off are not those of the streams")
    if sum(t["copies"] for t in loss["taps"]) != stream["segments_copies"]:
        errors.append("loss: copies of the taps are not those of the streams")
    for side in ("source", "target"):
        told = sum(c.get("offsets_unseen", 0) for c in loss["clusters"] if c["cluster"] == side)
        if told != sum(p["unseen_" + side] for p in report["pairs"]):
            errors.append("loss: unseen offsets of the %s are not those of the pairs" % side)
    return errors


def consistency_errors(report):
    """What must hold in any report, whatever was captured: sentences about what does not."""
    errors = schema_errors(report)
    if errors:
        return errors
    listed = {}
    for f in report["findings"]:
        listed[f["code"]] = listed.get(f["code"], 0) + 1
        if f["pair"] is not None and f["pair"] >= len(report["pairs"]):
            errors.append("a finding names pair %d of %d" % (f["pair"], len(report["pairs"])))
    complete = len(report["findings"]) < 100000
    for n, p in enumerate(report["pairs"]):
        errors += _pair_errors(n, p, report["findings"], complete)
    keys = [(p["source"]["topic"].encode(), p["source"]["partition"], p["source"]["incarnation"])
            for p in report["pairs"]]
    if keys != sorted(keys):
        errors.append("pairs are not sorted by source topic, partition, incarnation")
    order = [f["pair"] for f in report["findings"] if f["pair"] is not None]
    if order != sorted(order):
        errors.append("findings are not sorted by pair")
    for name, l in report["ledger"].items():
        if l["total"] != sum(l["parts"].values()) + l["residue"]:
            errors.append("ledger %s does not add up to its own residue" % name)
        if l["residue"]:
            errors.append("ledger %s has a residue of %d" % (name, l["residue"]))
    if [t["input"] for t in report["loss"]["taps"]] != list(range(len(report["inputs"]))):
        errors.append("the taps of the loss story are not the inputs")
    for i, tap in zip(report["inputs"], report["loss"]["taps"]):
        name = i.get("file", i.get("port"))
        if i["packets"] != sum(i["parts"].values()) + i.get("lost", 0) and not report["stopped"]:
            errors.append("packets of %s are not the sum of their parts" % name)
        if i["parts"].get("tcp", 0) != tap["segments"]:
            errors.append("TCP segments of %s are counted twice differently" % name)
    stream = report["counters"]["stream"]
    if sum(i["payload_bytes"] for i in report["inputs"]) != (stream["payload_bytes"] +
                                                             stream["copied_bytes"]):
        errors.append("TCP payload of the inputs is not that of the streams")
    errors += loss_errors(report)
    severe = any(f["severity"] == "divergence" for f in report["findings"])
    if severe != (report["verdict"] == "divergent"):
        errors.append("verdict %s, but findings of severity divergence: %s" %
                      (report["verdict"], severe))
    if report["verdict"] == "parity" and report["stopped"]:
        errors.append("parity of a run that was stopped early")
    return errors
