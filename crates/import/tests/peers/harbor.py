"""Reads exported files with Harbor's own models and the reference validator of ATIF.

Usage: python -P harbor.py ATIF_DIRECTORY JOB_DIRECTORY
Prints what was read as one JSON object; exits with 1 where Harbor refuses anything.
"""

import importlib.metadata
import json
import sys
from pathlib import Path

from harbor.models.job.config import JobConfig
from harbor.models.job.result import JobResult, JobStats
from harbor.models.trial.config import TrialConfig
from harbor.models.trial.result import TrialResult
from harbor.utils.pass_at_k import compute_pass_at_k_by_evals
from harbor.utils.trajectory_validator import TrajectoryValidator


def refuse(path: Path, why: object) -> None:
    sys.exit(f"{path}: {why}")


def check_trajectory(path: Path) -> None:
    validator = TrajectoryValidator()
    if not validator.validate(path):
        refuse(path, validator.errors)


def check_sums(stats: JobStats, trials: list[TrialResult], path: Path) -> None:
    """Compares the job's sums with those that Harbor computes from its trials."""
    theirs = JobStats.from_trial_results(trials, n_total_trials=stats.n_completed_trials + stats.n_pending_trials)
    pass_at_k = compute_pass_at_k_by_evals(trials)
    for name in ("n_completed_trials", "n_errored_trials", "n_cancelled_trials", "n_input_tokens", "n_cache_tokens",
                 "n_output_tokens", "n_pending_trials"):
        if getattr(stats, name) != getattr(theirs, name):
            refuse(path, f"{name} is {getattr(stats, name)}, Harbor computes {getattr(theirs, name)}")
    if sorted(stats.evals) != sorted(theirs.evals):
        refuse(path, f"evals are {sorted(stats.evals)}, Harbor computes {sorted(theirs.evals)}")
    for key, ours in stats.evals.items():
        other = theirs.evals[key]
        ordered = [
            {name: {value: sorted(trials) for value, trials in values.items()} for name, values in side.items()}
            for side in (ours.reward_stats, other.reward_stats)
        ]
        if ordered[0] != ordered[1]:
            refuse(path, f"reward_stats of {key} are {ordered[0]}, Harbor computes {ordered[1]}")
        if (ours.n_trials, ours.n_errors) != (other.n_trials, other.n_errors):
            refuse(path, f"counts of {key} are not those that Harbor computes")
        expected = pass_at_k.get(key, {})
        if sorted(ours.pass_at_k) != sorted(expected):
            refuse(path, f"pass_at_k of {key} is {ours.pass_at_k}, Harbor computes {expected}")
        for k, value in expected.items():
            if abs(ours.pass_at_k[k] - value) > 1e-12:
                refuse(path, f"pass_at_k of {key} is {ours.pass_at_k}, Harbor computes {expected}")


def main() -> None:
    atif, job = Path(sys.argv[1]), Path(sys.argv[2])
    trajectories = sorted(atif.glob("*.json"))
    for path in trajectories:
        check_trajectory(path)
    JobConfig.model_validate_json((job / "config.json").read_text())
    result = JobResult.model_validate_json((job / "result.json").read_text())
    trials = []
    for directory in sorted(path for path in job.iterdir() if path.is_dir()):
        TrialConfig.model_validate_json((directory / "config.json").read_text())
        trials.append(TrialResult.model_validate_json((directory / "result.json").read_text()))
        if (directory / "agent/trajectory.json").exists():
            check_trajectory(directory / "agent/trajectory.json")
    check_sums(result.stats, trials, job / "result.json")
    passed = sum(
        1 for trial in trials if trial.verifier_result and (trial.verifier_result.rewards or {}).get("reward") == 1
    )
    print(json.dumps({
        "harbor": importlib.metadata.version("harbor"),
        "trajectories": len(trajectories),
        "trials": len(trials),
        "passed": passed,
    }))


main()
