//! `retrial verify`: makes a report again and says whether it is the same, byte for byte.

use std::fmt::Write as _;
use std::path::Path;

use retrial_report::{Claims, Report, Verification, check_signature, is_page, verify as compare};
use retrial_spec::Exit;

use crate::args::{FormatOpt, VerifyArgs};
use crate::failure::Failure;
use crate::forms::Forms;
use crate::out;
use crate::reported::reported;

/// Verifies a report.
pub(crate) fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let unreadable = |source| Failure::Claims { path: args.report.clone(), source };
    let text = fs_err::read(&args.report)
        .map_err(|error| Failure::Usage(format!("cannot read the report: {error}")))?;
    if let Some(key) = &args.public_key {
        check(&args.report, &text, key)?;
    }
    let claims = Claims::read(&text).map_err(unreadable)?;
    if claims.runs.len() != args.runs.len() {
        let (has, given) = (claims.runs.len(), args.runs.len());
        return Err(Failure::Usage(format!("the report is of {has} runs, and {given} were named")));
    }
    let (mut runs, mut dirs) = (Vec::new(), Vec::new());
    for (path, claimed) in args.runs.iter().zip(&claims.runs) {
        let made = reported(path, |_| claimed.scored.settings)?;
        if made.manifest.run != claimed.scored.run.run {
            let (stated, found) = (&claimed.scored.run.run, &made.manifest.run);
            return Err(Failure::Usage(format!(
                "the report is of the run `{stated}`, and `{}` holds the run `{found}`",
                path.display()
            )));
        }
        runs.push(made.run);
        dirs.push(made.dir);
    }
    let report = Report::new(runs);
    let format = if is_page(&text) { FormatOpt::Html } else { FormatOpt::Json };
    let again = Forms { report: &report, dirs: &dirs }.document(format)?;
    let verification = compare(&text, &claims, (&report, &again)).map_err(unreadable)?;
    if args.json {
        out::json(&verification)?;
    } else {
        out::data(&told(&verification))?;
    }
    if verification.holds { Ok(Exit::Done) } else { Err(Failure::DoesNotHold { path: args.report.clone() }) }
}

/// Checks the signature beside a report.
fn check(report: &Path, text: &[u8], key: &Path) -> Result<(), Failure> {
    let mut name = report.as_os_str().to_owned();
    name.push(".minisig");
    let read = |path: &Path| {
        fs_err::read_to_string(path)
            .map_err(|error| Failure::Usage(format!("cannot check the signature: {error}")))
    };
    let (signature, key) = (read(Path::new(&name))?, read(key)?);
    let signed = check_signature(text, &signature, &key)
        .map_err(|source| Failure::Signature { path: name.into(), source })?;
    out::message(&format!("signed: {signed}"));
    Ok(())
}

/// What came of it, for people.
fn told(verification: &Verification) -> String {
    let Verification { made_by, verified_by, runs, inputs, values, different_values, .. } = verification;
    let runs: Vec<String> = runs.iter().map(ToString::to_string).collect();
    let runs = runs.join(", ");
    if verification.holds {
        return format!("holds: {verified_by} makes the same bytes of {runs}\n");
    }
    // Writing into a text cannot fail.
    let mut text = format!("does not hold: {verified_by} makes something else of {runs}\n");
    if made_by != verified_by {
        let _ = writeln!(text, "  it was made by {made_by}, whose numbers may differ");
    }
    for input in inputs {
        let shown = |digest: &Option<retrial_spec::ContentDigest>| {
            digest.as_ref().map_or_else(|| "absent".to_owned(), |digest| digest.short().to_owned())
        };
        let (stated, found) = (shown(&input.stated), shown(&input.found));
        let _ = writeln!(text, "  {} of {}: stated {stated}, found {found}", input.name, input.run);
    }
    for value in values {
        let shown = |value: &Option<serde_json::Value>| {
            value.as_ref().map_or_else(|| "nothing".to_owned(), |value| cut(&value.to_string()))
        };
        let _ = writeln!(
            text,
            "  {}: stated {}, found {}",
            value.place,
            shown(&value.stated),
            shown(&value.found)
        );
    }
    let more = different_values - values.len() as u64;
    if more > 0 {
        let _ = writeln!(text, "  and {more} more values");
    } else if values.is_empty() {
        let _ = writeln!(text, "  its values are the same, but not its bytes");
    }
    text
}

/// The beginning of a long text.
fn cut(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
