//! Which tasks are solved always, sometimes and never, by name.

use retrial_spec::TaskName;
use schemars::JsonSchema;
use serde::Serialize;

use crate::success;
use crate::trials::TaskTrials;

/// The tasks by how their graded trials ended. With more trials tasks move to `sometimes`: compare equal numbers only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SolvedTasks {
    /// Every one of at least two trials passed.
    pub always: Vec<TaskName>,
    /// Some passed and some failed.
    pub sometimes: Vec<TaskName>,
    /// None of at least two passed.
    pub never: Vec<TaskName>,
    /// A single graded trial, or none, which says nothing of the next one.
    pub too_few: Vec<TaskName>,
}

impl SolvedTasks {
    pub(crate) fn of(tasks: &[TaskTrials<'_>]) -> Self {
        let mut solved = Self::default();
        for task in tasks {
            let counts = success::task_counts(task);
            let list = if counts.total() < 2 {
                &mut solved.too_few
            } else if counts.is_mixed() {
                &mut solved.sometimes
            } else if counts.successes() == 0 {
                &mut solved.never
            } else {
                &mut solved.always
            };
            list.push(task.task.clone());
        }
        solved
    }
}
