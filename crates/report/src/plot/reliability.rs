//! The reliability diagram: stated confidence against what happened.

use retrial_metrics::{Calibration, ConsistencyBand, Known, MeasureId};

use super::canvas::{At, Axis, Canvas, Drawn, Font, Frame, Mark, Pen, Plot, Sample};
use super::style::{MARGIN, Role, WIDTH};
use super::wording::{estimate, evidence, level, plain, share};
use super::{Caption, Picture, Shown};
use crate::words::counted;

const HEIGHT: f64 = 600.0;
const TITLE: &str = "Stated confidence and share passed";
/// Where the diagram ends and the words beside it begin.
const SPLIT: f64 = 474.0;
/// Where the diagram ends below.
const DIAGRAM: f64 = 456.0;

pub(super) fn picture(shown: Shown<'_>) -> Option<Picture> {
    let calibration = shown.calibration()?;
    let below = format!(
        "{}: n = {}, {}",
        shown.who(),
        evidence(calibration.n),
        counted(calibration.distinct, "different confidence"),
    );
    let band = shown.curves.map(|curves| &curves.consistency_band);
    let words = words(shown, band);
    let steps = calibration.steps.iter().map(|step| {
        let (low, high) = (step.low.value(), step.high.value());
        let range = if low < high { format!("{} to {}", share(low), share(high)) } else { share(low) };
        format!("{range}: {} of {}", step.passed, step.trials)
    });
    let steps: Vec<String> = steps.collect();
    let text = format!("{below}. Passed by stated confidence: {}. {}", steps.join("; "), words.join(" "));
    let caption = Caption { name: "reliability", title: TITLE.to_owned(), text };
    let known = band.and_then(Known::known);
    caption.picture(HEIGHT, |canvas| {
        canvas.head(TITLE, &below)?;
        diagram(canvas, calibration, known)?;
        strip(canvas, calibration)?;
        beside(canvas, known, &words)
    })
}

/// The Brier score and its parts, and what the band is or why there is none.
fn words(shown: Shown<'_>, band: Option<&Known<ConsistencyBand>>) -> Vec<String> {
    let mut words = Vec::new();
    if let Some(brier) = shown.card.headline(MeasureId::Brier).and_then(|measure| measure.value.estimate()) {
        let level =
            brier.interval.interval().map(|interval| format!(", {} interval", level(interval.level.value())));
        words.push(format!("Brier score {}: mean over tasks{}.", estimate(brier), level.unwrap_or_default()));
    }
    let part = |id: MeasureId| Some(shown.card.all(id).next()?.value.estimate()?.point.value());
    let parts =
        (part(MeasureId::Miscalibration), part(MeasureId::Discrimination), part(MeasureId::Uncertainty));
    if let (Some(miscalibration), Some(discrimination), Some(uncertainty)) = parts {
        words.push(format!(
            "Over all trials {:.3} = {miscalibration:.3} miscalibration − {discrimination:.3} discrimination + \
             {uncertainty:.3} uncertainty.",
            miscalibration - discrimination + uncertainty
        ));
    }
    if let Some(Known::Undefined(reason)) = band {
        words.push(format!("No consistency band, because {reason}."));
    }
    words
}

fn diagram(canvas: &Canvas<'_>, calibration: &Calibration, band: Option<&ConsistencyBand>) -> Drawn {
    let x = Axis::shares("");
    let y = Axis::shares("share that passed");
    let frame = Frame { left: MARGIN, top: 66.0, right: SPLIT - 10.0, bottom: DIAGRAM };
    let mut plot = canvas.plot(frame, &x, &y)?;
    if let Some(band) = band {
        let side = |value: fn(&retrial_metrics::BandPoint) -> f64| -> Vec<At> {
            band.points.iter().map(|point| (point.confidence.value(), value(point))).collect()
        };
        let (lower, upper) = (side(|point| point.low.value()), side(|point| point.high.value()));
        plot.band(&lower, &upper, Pen::new(Role::Reference).alpha(0.16))?;
    }
    plot.line(&[(0.0, 0.0), (1.0, 0.0)], Pen::new(Role::Muted).wide(1.0))?;
    plot.dashed(&[(0.0, 0.0), (1.0, 1.0)], Pen::new(Role::Reference).wide(1.2))?;
    steps(canvas, &mut plot, calibration)
}

fn steps(canvas: &Canvas<'_>, plot: &mut Plot<'_>, calibration: &Calibration) -> Drawn {
    let pen = Pen::new(Role::First);
    let corner = |step: &retrial_metrics::ReliabilityStep| {
        let frequency = step.frequency.value();
        [(step.low.value(), frequency), (step.high.value(), frequency)]
    };
    let corners: Vec<At> = calibration.steps.iter().flat_map(corner).collect();
    plot.line(&corners, pen.wide(1.2).alpha(0.6))?;
    for step in &calibration.steps {
        let [from, to] = corner(step);
        plot.line(&[from, to], pen.wide(3.0))?;
        for end in [from, to] {
            canvas.mark(plot.at(end), Mark::Disc, 4.0, pen)?;
        }
    }
    Ok(())
}

/// How many trials stated which confidence, in tenths.
fn strip(canvas: &Canvas<'_>, calibration: &Calibration) -> Drawn {
    let most = calibration.bins.iter().map(|bin| bin.trials).max().unwrap_or(1).max(1) as f64;
    let x = Axis::shares("stated confidence; trials are counted by tenths of it");
    let y = Axis { label: "trials", range: 0.0..most * 1.3, ticks: vec![0.0, most], word: &plain };
    let frame = Frame { left: MARGIN, top: DIAGRAM + 10.0, right: SPLIT - 10.0, bottom: HEIGHT - 8.0 };
    let plot = canvas.plot(frame, &x, &y)?;
    for bin in &calibration.bins {
        let (low, high) = (bin.bin as f64 / 10.0, (bin.bin as f64 + 1.0) / 10.0);
        let (left, top) = plot.at((low, bin.trials as f64));
        let (right, bottom) = plot.at((high, 0.0));
        canvas.rectangle(
            Frame { left: left + 1.0, top, right: right - 1.0, bottom },
            Pen::new(Role::First).alpha(0.55),
        )?;
        canvas.text(
            (f64::midpoint(left, right), top - 7.0),
            &bin.trials.to_string(),
            Font::SMALL.centred(),
        )?;
    }
    Ok(())
}

fn beside(canvas: &Canvas<'_>, band: Option<&ConsistencyBand>, words: &[String]) -> Drawn {
    let (left, width) = (SPLIT + 8.0, WIDTH - SPLIT - 8.0 - MARGIN);
    let mut y = 84.0;
    let first = Sample::Line(Pen::new(Role::First).wide(3.0));
    y = canvas.sample(
        (left, y),
        &first,
        "share passed by stated confidence (isotonic fit, points are its corners)",
        width,
    )?;
    let diagonal = Sample::Dashed(Pen::new(Role::Reference).wide(1.2));
    y = canvas.sample((left, y), &diagonal, "perfect calibration", width)?;
    if let Some(band) = band {
        let text = format!(
            "consistency band: were every confidence right, {} of {} simulated fits would lie in it at each confidence",
            level(band.level.value()),
            band.simulations
        );
        y = canvas.sample((left, y), &Sample::Band(Pen::new(Role::Reference).alpha(0.16)), &text, width)?;
    }
    y += 8.0;
    for sentence in words {
        y = canvas.sample((left, y), &Sample::None, sentence, width)?;
    }
    Ok(())
}
