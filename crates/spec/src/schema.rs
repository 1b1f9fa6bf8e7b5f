//! JSON Schemas of the files people write and read, generated from the types and checked in under `docs/schemas/`.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, transform::Transform};
use serde_json::Value;

use crate::autonomy_policy::AutonomyPolicyFile;
use crate::simulation::SimulationFile;
use crate::{
    AgentCheckOutput, AuditLine, DoctorOutput, Event, Exchange, Experiment, GatePolicy, HistoryAddOutput,
    InitOutput, LatencyReport, PlanOutput, Quarantine, RecordedExchange, ReportOutput, RunManifest,
    StatusOutput, Task, TaskCheckOutput, TrialRecord,
};

/// One schema as it is checked in.
#[derive(Debug, Clone)]
pub struct SchemaFile {
    /// The file's name.
    pub name: &'static str,
    /// The schema.
    pub schema: Value,
}

/// Returns every schema of this crate's formats.
pub fn schemas() -> Vec<SchemaFile> {
    vec![
        SchemaFile { name: "experiment.schema.json", schema: toml_schema::<Experiment>() },
        SchemaFile { name: "task.schema.json", schema: toml_schema::<Task>() },
        SchemaFile { name: "simulation.schema.json", schema: toml_schema::<SimulationFile>() },
        SchemaFile { name: "gate-policy.schema.json", schema: toml_schema::<GatePolicy>() },
        SchemaFile { name: "quarantine.schema.json", schema: toml_schema::<Quarantine>() },
        SchemaFile { name: "autonomy-policy.schema.json", schema: toml_schema::<AutonomyPolicyFile>() },
        SchemaFile { name: "run.schema.json", schema: json_schema::<RunManifest>() },
        SchemaFile { name: "event.schema.json", schema: json_schema::<Event>() },
        SchemaFile { name: "exchange.schema.json", schema: json_schema::<Exchange>() },
        SchemaFile { name: "audit.schema.json", schema: json_schema::<AuditLine>() },
        SchemaFile { name: "recording.schema.json", schema: json_schema::<RecordedExchange>() },
        SchemaFile { name: "latency.schema.json", schema: json_schema::<LatencyReport>() },
        SchemaFile { name: "trial.schema.json", schema: json_schema::<TrialRecord>() },
        SchemaFile { name: "status.schema.json", schema: output_schema::<StatusOutput>() },
        SchemaFile { name: "plan.schema.json", schema: output_schema::<PlanOutput>() },
        SchemaFile { name: "init.schema.json", schema: output_schema::<InitOutput>() },
        SchemaFile { name: "report-files.schema.json", schema: output_schema::<ReportOutput>() },
        SchemaFile { name: "history-add.schema.json", schema: output_schema::<HistoryAddOutput>() },
        SchemaFile { name: "doctor.schema.json", schema: output_schema::<DoctorOutput>() },
        SchemaFile { name: "task-check.schema.json", schema: output_schema::<TaskCheckOutput>() },
        SchemaFile { name: "agent-check.schema.json", schema: output_schema::<AgentCheckOutput>() },
    ]
}

fn json_schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().to_value()
}

/// Returns the schema of what a command prints, in which every key is always there.
fn output_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// Returns the schema of a file that people write in TOML: without references, so that every place of the schema has one path,
/// and without nulls, which TOML does not have.
pub fn toml_schema<T: JsonSchema>() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.inline_subschemas = true;
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    WithoutNull.transform(&mut schema);
    schema.to_value()
}

#[derive(Debug, Clone)]
struct WithoutNull;

impl Transform for WithoutNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(Value::Array(types)) = schema.get_mut("type") {
            types.retain(|kind| kind != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                schema.insert("type".to_owned(), only);
            }
        }
        if schema.get("default").is_some_and(Value::is_null) {
            schema.remove("default");
        }
        if let Some(Value::Array(options)) = schema.get_mut("anyOf") {
            options.retain(|option| option.get("type").is_none_or(|kind| kind != "null"));
            if let [Value::Object(only)] = options.as_slice() {
                let only = only.clone();
                schema.remove("anyOf");
                for (key, value) in only {
                    schema.insert(key, value);
                }
            }
        }
        schemars::transform::transform_subschemas(self, schema);
    }
}
