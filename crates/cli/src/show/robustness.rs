//! Robustness on a terminal: what faults on the wire do, agents and conditions as columns.

use retrial_metrics::{Measure, MeasureId, Robustness};

use super::scorecard::{cell, row, undefined};

/// The measures of the block, in order.
const MEASURES: [MeasureId; 6] = [
    MeasureId::FaultSuccess,
    MeasureId::FaultBaseline,
    MeasureId::FaultDifference,
    MeasureId::FaultRatio,
    MeasureId::FaultRecovery,
    MeasureId::FaultFinished,
];

/// Writes the block with as many columns side by side; nothing where no condition has faults.
pub(super) fn render(robustness: &[Robustness], columns: usize) -> String {
    if robustness.is_empty() {
        return String::new();
    }
    let mut text =
        "\nrobustness: trials in which a fault landed beside the baseline, paired by task\n".to_owned();
    for block in robustness.chunks(columns) {
        text.push_str(&row("", block.iter().map(title)));
        text.push_str(&row("fault", block.iter().map(|column| column.fault.as_str().to_owned())));
        text.push_str(&row("trials hit", block.iter().map(trials)));
        text.push_str(&row("faults landed", block.iter().map(faults)));
        for id in MEASURES {
            let cells = block.iter().map(|column| column.measure(id).map_or_else(|| "–".to_owned(), cell));
            text.push_str(&row(id.label(), cells));
        }
    }
    for column in robustness {
        let shown = |measure: &&Measure| MEASURES.contains(&measure.id);
        text.push_str(&undefined(&title(column), column.measures.iter().filter(shown)));
    }
    text
}

fn title(column: &Robustness) -> String {
    format!("{}, {}", column.agent, column.condition)
}

fn trials(column: &Robustness) -> String {
    let counts = &column.counts;
    format!("{} of {}", counts.hit, counts.hit + counts.not_hit)
}

fn faults(column: &Robustness) -> String {
    let counts = &column.counts;
    format!("{} of {}", counts.landed, counts.landed + counts.not_landed)
}
