"""Says how the cases of an Autobahn report came out, and fails if one did not pass.

"Non-strict" counts as passed in two cases alone, which want a text that is no UTF-8 to be refused within a frame: this server looks at
whole frames.
"""

import collections
import json
import sys

NON_STRICT = {"6.4.3", "6.4.4"}
EXPECTED = 301

[results] = json.load(open(sys.argv[1])).values()
outcomes = collections.Counter(result["behavior"] for result in results.values())
print(", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
failed = {
    case: result
    for case, result in results.items()
    if result["behavior"] not in ("OK", "INFORMATIONAL")
    and not (result["behavior"] == "NON-STRICT" and case in NON_STRICT)
    or result["behaviorClose"] not in ("OK", "INFORMATIONAL")
}
for case, result in sorted(failed.items()):
    print(f"case {case}: {result['behavior']}, and the close {result['behaviorClose']}")
if len(results) != EXPECTED:
    print(f"{len(results)} cases were run, and not {EXPECTED}")
print(f"{len(results) - len(failed)} passed, {len(failed)} failed")
sys.exit(bool(failed) or len(results) != EXPECTED)
