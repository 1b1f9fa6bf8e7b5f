//! Pictures of a scorecard, in one visual language.
//!
//! Each picture is drawn once, in the colours for light ground, and then dressed for its place: as a file of its own, which follows
//! the reader's choice of light or dark, or to stand in a page, which says the colours.

mod action_mix;
pub(crate) mod autonomy_matrix;
pub(crate) mod autonomy_time;
mod canvas;
mod first_parting;
mod forest;
mod frontier;
pub(crate) mod margins;
mod outcome_grid;
mod panel;
mod pass_curves;
mod planned;
mod png;
mod reliability;
mod risk_coverage;
mod roc;
mod spread;
mod style;
#[cfg(test)]
mod tests;
mod timeline;
mod transitions;
mod wording;

use std::fmt::Write;

use retrial_metrics::decide::field::Comparisons;
use retrial_metrics::{ActionUse, Calibration, Curves, Scorecard};

use crate::ReportedRun;
use canvas::{Canvas, Drawn, drawn, extent};
use style::{FONTS, Role};
use wording::escape;

pub use planned::plan_picture;
pub use png::PngError;
pub(crate) use timeline::timeline;
pub(crate) use wording::amount;
pub(crate) use wording::clean as harmless;

/// A picture with its text alternative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it shows, as a word in kebab case that is unique among the pictures of a scorecard; the stem of its file's name.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What it shows, in words, for who does not see it: the numbers that matter.
    pub text: String,
    /// The picture as an SVG file of its own.
    pub svg: String,
}

/// What stands before the drawing in a picture's SVG, and nowhere else.
const DRAWING: &str = "<g stroke-linejoin=\"round\" stroke-miterlimit=\"2\">";

/// Draws the pictures of the scorecard at a place of a run's list; those that have nothing to show are left out.
pub fn pictures(run: &ReportedRun, place: usize) -> Vec<Picture> {
    let Some(card) = run.scored.scorecards.get(place) else { return Vec::new() };
    let curves =
        run.curves.iter().find(|curves| (&curves.agent, &curves.condition) == (&card.agent, &card.condition));
    let actions =
        run.actions.iter().find(|one| (&one.agent, &one.condition) == (&card.agent, &card.condition));
    let shown = Shown { card, curves, actions };
    let all = [
        pass_curves::picture,
        outcome_grid::picture,
        reliability::picture,
        roc::picture,
        risk_coverage::picture,
        spread::picture,
        action_mix::picture,
        transitions::picture,
        first_parting::picture,
    ];
    all.into_iter().filter_map(|picture| picture(shown)).collect()
}

/// Draws the pictures of a comparison: the forest, of two agents their tasks, and success beside cost and time where these are known.
pub fn comparison_pictures(comparisons: &Comparisons) -> Vec<Picture> {
    let forests = [forest::forest(comparisons), forest::tasks(comparisons)];
    forests.into_iter().flatten().chain(frontier::pictures(comparisons)).collect()
}

/// What there is to show of one agent under one condition.
#[derive(Clone, Copy)]
struct Shown<'a> {
    card: &'a Scorecard,
    curves: Option<&'a Curves>,
    actions: Option<&'a ActionUse>,
}

impl<'a> Shown<'a> {
    fn who(self) -> String {
        wording::who(self.card)
    }

    fn calibration(self) -> Option<&'a Calibration> {
        self.card.calibration.known()
    }
}

/// What a picture is called and says in words.
struct Caption {
    name: &'static str,
    title: String,
    text: String,
}

impl Caption {
    /// Makes the picture of what is drawn on a canvas of the height.
    fn picture(self, height: f64, draw: impl FnOnce(&Canvas<'_>) -> Drawn) -> Option<Picture> {
        let drawing = drawn(height, draw)?;
        let Self { name, title, text } = self;
        let svg = standalone(name, (&title, &text), height, &drawing);
        Some(Picture { name, title, text, svg })
    }
}

/// Dresses a drawing as a file of its own: colours for light ground in attributes, which every reader knows, and those for dark
/// ground in rules for the readers that know them.
fn standalone(name: &str, (title, text): (&str, &str), height: f64, drawing: &str) -> String {
    let (wide, high) = extent(height);
    let mut rules = String::new();
    for role in Role::ALL {
        let (word, dark) = (role.word(), role.dark());
        // Into a string nothing fails.
        let _ = write!(rules, ".f-{word}{{fill:{dark}}}.s-{word}{{stroke:{dark}}}");
    }
    let ground = format!("<rect width=\"{wide}\" height=\"{high}\" {}/>\n", filled(Role::Ground));
    let body = Role::ALL.iter().fold(drawing.to_owned(), |body, &role| {
        let colour = role.light();
        body.replace(&format!("fill=\"{colour}\""), &filled(role))
            .replace(&format!("stroke=\"{colour}\""), &stroked(role))
    });
    let (width, height) = (wide / 10, high / 10);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {wide} {high}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"{name}-title {name}-text\" font-family=\"{FONTS}\">\n\
         <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-text\">{}</desc>\n\
         <style>@media (prefers-color-scheme:dark){{{rules}}}</style>\n{ground}{DRAWING}{}\n</g>\n</svg>\n",
        escape(title),
        escape(text),
        body.trim_end(),
    )
}

fn filled(role: Role) -> String {
    format!("class=\"f-{}\" fill=\"{}\"", role.word(), role.light())
}

fn stroked(role: Role) -> String {
    format!("class=\"s-{}\" stroke=\"{}\"", role.word(), role.light())
}

impl Picture {
    /// Returns the picture to stand inside an HTML page: as wide as its place, without a ground of its own, in the colours that
    /// the page gives its custom properties (`--ink`, `--muted`, `--faint`, `--ground`, `--passed`, `--failed`, `--invisible`,
    /// `--excluded`, `--missing`, `--first`, `--second`, `--reference`), and in those for light ground where it gives none.
    ///
    /// The prefix makes its ids unique in the page; letters other than those of words are left out of it.
    pub fn inline(&self, id_prefix: &str) -> String {
        let prefix: String =
            id_prefix.chars().filter(|letter| letter.is_alphanumeric() || "-_".contains(*letter)).collect();
        let drawing = self.svg.split_once(DRAWING).map_or("", |(_, rest)| rest.trim_end());
        let drawing = drawing.strip_suffix("</svg>").unwrap_or(drawing).trim_end();
        let view = self.svg.split_once("viewBox=\"").and_then(|(_, rest)| rest.split_once('"'));
        let view = view.map_or("0 0 0 0", |(view, _)| view);
        let body = Role::ALL.iter().fold(drawing.to_owned(), |body, &role| {
            let colour = format!("var(--{},{})", role.word(), role.light());
            body.replace(&filled(role), &format!("fill=\"{colour}\""))
                .replace(&stroked(role), &format!("stroke=\"{colour}\""))
        });
        let id = format!("{prefix}{}", self.name);
        format!(
            "<svg viewBox=\"{view}\" width=\"100%\" role=\"img\" aria-labelledby=\"{id}-title {id}-text\" \
             font-family=\"{FONTS}\">\n<title id=\"{id}-title\">{}</title>\n<desc id=\"{id}-text\">{}</desc>\n{DRAWING}{body}\n</svg>\n",
            escape(&self.title),
            escape(&self.text),
        )
    }
}
