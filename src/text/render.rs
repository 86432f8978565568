//! Diagnostics as a person reads them in a shell: the line, a caret under the spot, and the help.
use super::{Diagnostic, Source};

/// The widest stretch of a line that is shown; longer lines are cut around the spot.
const WIDTH: usize = 120;

/// All diagnostics of one source, one block each.
pub fn render(source: &Source, diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|one| render_one(source, one)).collect::<Vec<_>>().join("\n")
}

fn render_one(source: &Source, diagnostic: &Diagnostic) -> String {
    let place = source.place(diagnostic.span.start);
    let line: Vec<char> = source.line(place.line).chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    let from = (place.column - 1).saturating_sub(WIDTH / 2);
    let shown: String = line.iter().skip(from).take(WIDTH).collect();
    let room = line.len().saturating_sub(place.column - 1).max(1);
    let carets = diagnostic.span.of(&source.text).lines().next().map_or(1, |text| text.chars().count()).clamp(1, room);
    let carets = carets.min(WIDTH);
    let gutter = " ".repeat(place.line.to_string().len());
    let indent = " ".repeat(place.column - 1 - from);
    let mut out = format!(
        "error[{}]: {}\n{gutter}--> {}:{}:{}\n{gutter} |\n{} | {}\n{gutter} | {indent}{}\n",
        diagnostic.code.id,
        diagnostic.message,
        source.name,
        place.line,
        place.column,
        place.line,
        shown,
        "^".repeat(carets),
    );
    if let Some(help) = &diagnostic.help {
        out.push_str(&format!("{gutter} = help: {help}\n"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Span, codes};

    #[test]
    fn a_caret_stands_under_the_spot() {
        let source = Source::new("DeviceAlertEvents\n| where Severty == 'High'");
        let fault = codes::UNKNOWN_COLUMN
            .at(Span::new(26, 33), "no column is named `Severty`")
            .help("did you mean `Severity`?");
        insta::assert_snapshot!(render(&source, &[fault]), @r"
        error[K0102]: no column is named `Severty`
         --> query:2:9
          |
        2 | | where Severty == 'High'
          |         ^^^^^^^
          = help: did you mean `Severity`?
        ");
    }
}
