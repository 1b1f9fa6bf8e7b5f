//! Synthetic logs of Inspect of any size, written sample by sample so that size costs no memory.

use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// A log of samples that never took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntheticLog {
    /// How many samples, at least 1.
    pub samples: u32,
    /// In how many epochs each, at least 1.
    pub epochs: u32,
    /// How many calls of a tool a sample has; its text grows with them.
    pub calls: u32,
    /// How many bytes the result of a call has, about; it stands in a message and in an event.
    pub result_bytes: u32,
}

impl SyntheticLog {
    /// Writes the log as an archive, `.eval`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_archive(&self, path: &Path) -> io::Result<()> {
        let mut zip = ZipWriter::new(BufWriter::new(fs_err::File::create(path)?));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Zstd);
        let mut member = |name: &str, value: &Value| -> io::Result<()> {
            zip.start_file(name, options)?;
            let mut text = BufWriter::new(&mut zip);
            serde_json::to_writer(&mut text, value)?;
            text.flush()
        };
        member("_journal/start.json", &self.header())?;
        for (number, epoch) in self.cells() {
            member(&format!("samples/{number}_epoch_{epoch}.json"), &self.sample(number, epoch))?;
        }
        member("header.json", &self.header())?;
        zip.finish()?.flush()
    }

    /// Writes the log as one text, `.json`.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub fn write_text(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(fs_err::File::create(path)?);
        let header = self.header().to_string();
        write!(file, "{},\"samples\":[", header.strip_suffix('}').unwrap())?;
        for (index, (number, epoch)) in self.cells().enumerate() {
            let separator = if index == 0 { "" } else { ",\n" };
            write!(file, "{separator}{}", self.sample(number, epoch))?;
        }
        write!(file, "]}}")?;
        file.flush()
    }

    fn cells(&self) -> impl Iterator<Item = (u32, u32)> + use<> {
        let Self { samples, epochs, .. } = *self;
        (1..=epochs).flat_map(move |epoch| (1..=samples).map(move |number| (number, epoch)))
    }

    fn header(&self) -> Value {
        let ids: Vec<u32> = (1..=self.samples).collect();
        json!({
            "version": 2, "status": "success",
            "eval": {
                "task": "synthetic", "solver": "steady", "model": "simulated/steady", "created": "2026-01-02T03:04:05+00:00",
                "dataset": {"samples": self.samples, "sample_ids": ids, "shuffled": false},
                "config": {"epochs": self.epochs}, "scorers": [{"name": "match", "options": {}, "metrics": []}],
            },
        })
    }

    fn sample(&self, number: u32, epoch: u32) -> Value {
        let usage = json!({"input_tokens": 100, "output_tokens": 10, "total_tokens": 110});
        let mut messages = vec![json!({"role": "user", "content": "Fix it.", "id": "0"})];
        let mut events = Vec::new();
        for call in 1..=self.calls {
            let (id, result) = (format!("c{call}"), self.result(number, epoch, call));
            let made = json!({"id": id, "function": "bash", "arguments": {"command": format!("cat {call}.py")}, "type": "function"});
            let answer =
                json!({"role": "assistant", "id": format!("m{call}"), "content": "", "tool_calls": [made]});
            events.push(json!({
                "event": "model", "timestamp": "2026-01-02T03:04:05+00:00", "model": "simulated/steady", "input": [],
                "output": {"choices": [{"message": answer, "stop_reason": "tool_calls"}], "usage": usage},
            }));
            events.push(json!({
                "event": "tool", "timestamp": "2026-01-02T03:04:06+00:00", "id": id, "function": "bash",
                "arguments": made["arguments"], "result": result,
            }));
            messages.push(answer);
            messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
        }
        let calls = u64::from(self.calls);
        json!({
            "id": number, "epoch": epoch, "input": "Fix it.", "target": "", "uuid": format!("{number}-{epoch}"),
            "messages": messages, "events": events, "scores": {"match": {"value": if (number + epoch).is_multiple_of(3) { "I" } else { "C" }}},
            "model_usage": {"simulated/steady": {
                "input_tokens": 100 * calls, "output_tokens": 10 * calls, "total_tokens": 110 * calls}},
            "started_at": "2026-01-02T03:04:05+00:00", "total_time": 12.5, "working_time": 11.25,
        })
    }

    /// Text that differs from call to call, so that it does not compress to nothing.
    fn result(&self, number: u32, epoch: u32, call: u32) -> String {
        let mut state = u64::from(number) << 40 | u64::from(epoch) << 20 | u64::from(call);
        let mut text = String::new();
        while text.len() < self.result_bytes as usize {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            writeln!(text, "{:x} \"line\"", state >> 24).unwrap();
        }
        text
    }
}
