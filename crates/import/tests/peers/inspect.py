"""Reads logs with Inspect's own reader and says what it found, as one JSON object per line.

Usage: inspect.py LOG...
"""

import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from inspect_ai.log import (
    read_eval_log,
    read_eval_log_sample_summaries,
    read_eval_log_samples,
)
from inspect_ai.scorer import value_to_float


def told(path: str) -> dict:
    header = read_eval_log(path, header_only=True)
    whole = read_eval_log(path)
    summaries = read_eval_log_sample_summaries(path)
    streamed = list(read_eval_log_samples(path, all_samples_required=False))
    to_float = value_to_float()
    by_task: dict[str, list[float]] = {}
    for sample in whole.samples:
        for score in (sample.scores or {}).values():
            by_task.setdefault(str(sample.id), []).append(to_float(score.value))
    means = [sum(values) / len(values) for values in by_task.values()]
    return {
        "file": Path(path).name,
        "version": version("inspect_ai"),
        "status": header.status,
        "planned": header.results.total_samples,
        "samples": len(whole.samples),
        "streamed": len(streamed),
        "summaries": len(summaries),
        "messages": sum(len(sample.messages) for sample in whole.samples),
        "model_events": sum(e.event == "model" for s in whole.samples for e in s.events),
        "tool_events": sum(e.event == "tool" for s in whole.samples for e in s.events),
        "errors": sum(sample.error is not None for sample in whole.samples),
        "retries": sum(len(sample.error_retries or []) for sample in whole.samples),
        "limits": sorted({sample.limit.type for sample in whole.samples if sample.limit}),
        "stated_mean": next(
            (m.value for s in header.results.scores for m in s.metrics.values()), None
        ),
        "computed_mean": sum(means) / len(means) if means else None,
        "tokens": sum(u.total_tokens for s in whole.samples for u in s.model_usage.values()),
    }


def shown(path: str) -> dict:
    """What the command line of Inspect prints of a log's header."""
    command = [Path(sys.executable).with_name("inspect"), "log", "dump", "--header-only", path]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return json.loads(printed)


for log in sys.argv[1:]:
    facts = told(log)
    facts["command"] = shown(log)["status"]
    print(json.dumps(facts))
