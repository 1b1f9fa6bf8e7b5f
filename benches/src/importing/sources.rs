//! Synthetic sources: tables, jobs and logs, whose content follows from their size alone.

use std::io::{BufWriter, Write};
use std::path::Path;

use fs_err::File;
use retrial_testkit::SyntheticLog;
use serde_json::{Value, json};

use crate::Failure;

/// Bytes of what a tool says in one step of a long trajectory.
const RESULT: usize = 16 << 10;

/// Writes a table of so many agents, tasks and trials.
pub(super) fn table(place: &Path, (agents, tasks, trials): (u32, u32, u32)) -> Result<&'static str, Failure> {
    let mut file = create(place, "trials.csv")?;
    writeln!(
        file,
        "agent,model,task,trial,passed,input_tokens,output_tokens,cost_usd,agent_seconds,started_at"
    )?;
    for agent in 0..agents {
        for task in 0..tasks {
            for trial in 1..=trials {
                let passed = u32::from(mixed(agent, task, trial) % 100 < 40 + agent % 50);
                let tokens = 1000 + mixed(task, agent, trial) % 90_000;
                let seconds = f64::from(tokens) / 700.0;
                writeln!(
                    file,
                    "agent-{agent},model-{agent},repair-module-{task:05},{trial},{passed},{tokens},{},{:.4},{seconds:.3},2026-01-02T03:04:05Z",
                    tokens / 9,
                    f64::from(tokens) * 3e-6,
                )?;
            }
        }
    }
    file.flush()?;
    Ok("table")
}

/// Writes a job of Harbor with so many trials, five of each task, each with a trajectory of about so many bytes.
pub(super) fn harbor_job(place: &Path, trials: u32, bytes: usize) -> Result<&'static str, Failure> {
    let job = place.join("source/2026-01-02__03-04-05");
    fs_err::create_dir_all(&job)?;
    fs_err::write(
        job.join("config.json"),
        serde_json::to_vec(&json!({"job_name": "2026-01-02__03-04-05"}))?,
    )?;
    fs_err::write(job.join("result.json"), serde_json::to_vec(&job_result(trials))?)?;
    for number in 0..trials {
        let task = format!("repair-module-{:05}", number / 5);
        let name = format!("{task}__{number:07}");
        let trial = job.join(&name);
        fs_err::create_dir_all(trial.join("verifier"))?;
        let reward = f64::from(mixed(number, 1, 2) % 2);
        fs_err::write(
            trial.join("result.json"),
            serde_json::to_vec(&trial_result(&task, &name, (number, reward)))?,
        )?;
        fs_err::write(trial.join("verifier/reward.txt"), reward.to_string())?;
        if bytes > 0 {
            fs_err::create_dir_all(trial.join("agent"))?;
            fs_err::write(
                trial.join("agent/trajectory.json"),
                serde_json::to_vec(&trajectory(&name, bytes))?,
            )?;
        }
    }
    Ok("harbor")
}

/// Writes a log of Inspect.
pub(super) fn eval_log(place: &Path, log: &SyntheticLog) -> Result<&'static str, Failure> {
    fs_err::create_dir_all(place.join("source"))?;
    log.write_archive(&place.join("source/large.eval"))?;
    Ok("inspect")
}

fn create(place: &Path, name: &str) -> Result<BufWriter<File>, Failure> {
    fs_err::create_dir_all(place.join("source"))?;
    Ok(BufWriter::with_capacity(1 << 20, File::create(place.join("source").join(name))?))
}

/// A number that looks drawn and is the same every time.
fn mixed(a: u32, b: u32, c: u32) -> u32 {
    let mut mixed = a.wrapping_mul(0x9E37_79B1) ^ b.wrapping_mul(0x85EB_CA77) ^ c.wrapping_mul(0xC2B2_AE3D);
    mixed ^= mixed >> 15;
    mixed.wrapping_mul(0x2C1B_3C6D) >> 8
}

fn job_result(trials: u32) -> Value {
    json!({
        "id": "00000000-0000-4000-8000-000000000000",
        "started_at": "2026-01-02T03:04:05Z",
        "finished_at": "2026-01-02T04:04:05Z",
        "n_total_trials": trials,
        "stats": {"n_completed_trials": trials, "n_errored_trials": 0, "evals": {}},
    })
}

fn trial_result(task: &str, name: &str, (number, reward): (u32, f64)) -> Value {
    let phase = json!({"started_at": "2026-01-02T03:04:05Z", "finished_at": "2026-01-02T03:05:05Z"});
    json!({
        "id": format!("00000000-0000-4000-8000-{number:012}"),
        "task_name": task,
        "trial_name": name,
        "trial_uri": format!("file:///jobs/{name}"),
        "task_id": {"path": format!("tasks/{task}")},
        "source": null,
        "task_checksum": format!("{:0>64}", task.trim_start_matches("repair-module-")),
        "config": {"task": {"path": format!("tasks/{task}")}, "trial_name": name},
        "agent_info": {"name": "agent", "version": "1.0", "model_info": {"name": "model", "provider": "maker"}},
        "agent_result": {
            "n_input_tokens": 10_000, "n_cache_tokens": 2000, "n_output_tokens": 900, "cost_usd": 0.05,
            "rollout_details": null, "metadata": null,
        },
        "verifier_result": {"rewards": {"reward": reward}},
        "exception_info": null,
        "started_at": "2026-01-02T03:04:05Z",
        "finished_at": "2026-01-02T03:07:05Z",
        "environment_setup": phase, "agent_setup": phase, "agent_execution": phase, "verifier": phase,
        "step_results": null,
    })
}

fn trajectory(session: &str, bytes: usize) -> Value {
    let result = "x".repeat(RESULT);
    let step = |number: usize| {
        let call = format!("call-{number}");
        json!({
            "step_id": number + 1,
            "source": "agent",
            "message": "",
            "tool_calls": [{"tool_call_id": call, "function_name": "bash", "arguments": {"command": "pytest -q"}}],
            "observation": {"results": [{"source_call_id": call, "content": result}]},
            "metrics": {"prompt_tokens": 100, "completion_tokens": 9},
        })
    };
    json!({
        "schema_version": "ATIF-v1.6",
        "session_id": session,
        "agent": {"name": "agent", "version": "1.0"},
        "steps": (0..(bytes / RESULT).max(1)).map(step).collect::<Vec<_>>(),
    })
}
